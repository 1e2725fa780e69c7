#include "errors/user_sketch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace telltale::errors {
namespace {

/// Ranks go from 1 to this: one more than the bits that are left of the hash.
constexpr int kMaxRank = 64 - static_cast<int>(UserSketch::kBits) + 1;

double sigma(double x) {
  if (x == 1.0) return HUGE_VAL;
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

UserSketch::UserSketch() : registers_(kRegisters, 0) { ranks_[0] = kRegisters; }

bool UserSketch::raise(std::size_t at, std::uint8_t rank) {
  std::uint8_t& was = registers_[at];
  if (rank <= was) return false;
  --ranks_[was];
  ++ranks_[rank];
  was = rank;
  changed_[at / kPageBytes] = true;
  return true;
}

bool UserSketch::add(const Id128& user) {
  const auto at = static_cast<std::size_t>(user.hi >> (64 - kBits));
  const std::uint64_t rest = user.hi << kBits | std::uint64_t{1} << (kBits - 1);
  return raise(at, static_cast<std::uint8_t>(std::countl_zero(rest) + 1));
}

void UserSketch::merge(const UserSketch& other) {
  for (std::size_t i = 0; i < kRegisters; ++i) raise(i, other.registers_[i]);
}

std::uint64_t UserSketch::estimate() const {
  constexpr double m = kRegisters;
  double z = m * tau(1 - ranks_[kMaxRank] / m);
  for (int rank = kMaxRank - 1; rank >= 1; --rank) z = 0.5 * (z + ranks_[static_cast<std::size_t>(rank)]);
  z += m * sigma(ranks_[0] / m);
  constexpr double alpha = 0.72134752044448170;  // 1 / (2 ln 2)
  return static_cast<std::uint64_t>(std::llround(alpha * m * m / z));
}

std::string_view UserSketch::page(std::size_t page) const {
  return {reinterpret_cast<const char*>(registers_.data()) + page * kPageBytes, kPageBytes};
}

Result<> UserSketch::set_page(int page, std::string_view bytes) {
  if (page < 0 || static_cast<std::size_t>(page) >= kPages || bytes.size() != kPageBytes)
    return fail(ErrorKind::corruption, "not a page of a sketch of users");
  const std::size_t first = static_cast<std::size_t>(page) * kPageBytes;
  for (std::size_t i = 0; i < kPageBytes; ++i) {
    const auto rank = static_cast<std::uint8_t>(bytes[i]);
    if (rank > kMaxRank) return fail(ErrorKind::corruption, "not a page of a sketch of users");
    raise(first + i, rank);
  }
  changed_[static_cast<std::size_t>(page)] = false;
  return {};
}

std::vector<int> UserSketch::take_changed() {
  std::vector<int> out;
  for (std::size_t i = 0; i < kPages; ++i)
    if (changed_[i]) out.push_back(static_cast<int>(i));
  changed_.fill(false);
  return out;
}

bool UserSketch::clean() const {
  return std::none_of(changed_.begin(), changed_.end(), [](bool changed) { return changed; });
}

}  // namespace telltale::errors
