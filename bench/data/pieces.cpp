#include "pieces.hpp"

#include <algorithm>
#include <cmath>

namespace bench {
namespace {

constexpr char kHex[] = "0123456789abcdef";

}  // namespace

Zipf::Zipf(std::size_t n, double exponent) {
  cumulative_.reserve(n);
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k)
    cumulative_.push_back(sum += 1 / std::pow(static_cast<double>(k + 1), exponent));
  for (double& c : cumulative_) c /= sum;
}

std::size_t Zipf::draw(Random& random) const {
  const auto place = std::lower_bound(cumulative_.begin(), cumulative_.end(), random.unit());
  return std::min(static_cast<std::size_t>(place - cumulative_.begin()), cumulative_.size() - 1);
}

void put_number(std::string& out, std::uint64_t n) {
  char digits[20];
  int at = 20;
  do digits[--at] = static_cast<char>('0' + n % 10);
  while ((n /= 10) != 0);
  out.append(digits + at, static_cast<std::size_t>(20 - at));
}

void put_padded(std::string& out, std::uint64_t n, int width) {
  char digits[20];
  for (int i = width; i-- > 0; n /= 10) digits[i] = static_cast<char>('0' + n % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

void put_hex(std::string& out, std::uint64_t n, int digits) {
  for (int i = digits; i-- > 0;) out.push_back(kHex[(n >> (4 * i)) & 15]);
}

void put_price(std::string& out, Random& random) {
  const std::uint64_t cents = 100 + random.below(50'000);
  put_number(out, cents / 100);
  out.push_back('.');
  put_padded(out, cents % 100, 2);
}

// Days since 1970-01-01 to a civil date (Howard Hinnant, chrono-compatible low-level date algorithms).
void put_time(std::string& out, std::int64_t ns, int digits) {
  const std::int64_t micros = ns / 1000;
  const std::int64_t seconds = micros / 1'000'000;
  const std::int64_t days = seconds / 86'400;
  const std::int64_t z = days + 719'468;
  const std::int64_t era = z / 146'097;
  const auto doe = static_cast<std::uint64_t>(z - era * 146'097);
  const std::uint64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::uint64_t mp = (5 * doy + 2) / 153;
  const std::uint64_t day = doy - (153 * mp + 2) / 5 + 1;
  const std::uint64_t month = mp < 10 ? mp + 3 : mp - 9;
  const auto year = static_cast<std::uint64_t>(era) * 400 + yoe + (month <= 2 ? 1 : 0);
  const auto of_day = static_cast<std::uint64_t>(seconds % 86'400);
  put_padded(out, year, 4);
  out.push_back('-');
  put_padded(out, month, 2);
  out.push_back('-');
  put_padded(out, day, 2);
  out.push_back('T');
  put_padded(out, of_day / 3600, 2);
  out.push_back(':');
  put_padded(out, of_day / 60 % 60, 2);
  out.push_back(':');
  put_padded(out, of_day % 60, 2);
  out.push_back('.');
  const auto part = static_cast<std::uint64_t>(micros % 1'000'000);
  put_padded(out, digits == 3 ? part / 1000 : part, digits);
  out.push_back('Z');
}

void put_ticker(std::string& out, std::size_t rank) {
  // Four letters, distinct for every rank: 5,000 < 26^4; the factor is coprime to it and scatters them.
  std::uint64_t n = (rank * 7919U) % (26U * 26 * 26 * 26);
  char letters[4];
  for (char& c : letters) {
    c = static_cast<char>('A' + n % 26);
    n /= 26;
  }
  out.append(letters, 4);
}

void put_address(std::string& out, std::uint32_t ip) {
  out.append("10.");
  put_number(out, ip >> 16 & 0x3F);
  out.push_back('.');
  put_number(out, ip >> 8 & 0xFF);
  out.push_back('.');
  put_number(out, ip & 0xFF);
}

}  // namespace bench
