#include "eventdb/text_form.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace telltale::eventdb {

namespace {

constexpr std::size_t kMinHex = 8;
constexpr std::size_t kMaxHex = 64;
constexpr std::size_t kUuidText = 36;
constexpr std::size_t kUuidDashes[] = {8, 13, 18, 23};

constexpr std::array<signed char, 256> make_nibbles() {
  std::array<signed char, 256> t{};
  for (auto& v : t) v = -1;
  for (int i = 0; i < 10; ++i) t[static_cast<std::size_t>('0' + i)] = static_cast<signed char>(i);
  for (int i = 0; i < 6; ++i) t[static_cast<std::size_t>('a' + i)] = static_cast<signed char>(10 + i);
  return t;
}
constexpr auto kNibbles = make_nibbles();
constexpr char kDigits[] = "0123456789abcdef";

int nibble(char c) { return kNibbles[static_cast<unsigned char>(c)]; }

bool hex_to_binary(std::string_view text, char* out) {
  int bad = 0;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = nibble(text[i]);
    const int low = nibble(text[i + 1]);
    bad |= high | low;
    *out++ = static_cast<char>((high & 15) << 4 | (low & 15));
  }
  return bad >= 0;
}

char* append_hex(const char* binary, std::size_t n, char* to) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto b = static_cast<unsigned char>(binary[i]);
    *to++ = kDigits[b >> 4];
    *to++ = kDigits[b & 15];
  }
  return to;
}

bool uuid_to_binary(std::string_view text, char* out) {
  if (text.size() != kUuidText) return false;
  char digits[32];
  char* to = digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return false;
    if (!dash) *to++ = text[i];
  }
  return hex_to_binary({digits, sizeof digits}, out);
}

bool ipv4_to_binary(std::string_view text, char* out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && (at == end || *at++ != '.')) return false;
    unsigned value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value > 255 || next - at > 3 || (*at == '0' && next - at > 1)) return false;
    out[i] = static_cast<char>(value);
    at = next;
  }
  return at == end;
}

// Style = date style * 4 + fraction, for the calendar ones: 0, 3, 6 or 9 digits. Then the numbers since 1970.
struct DateStyle {
  char separator;
  const char* zone;
};
constexpr DateStyle kDateStyles[] = {{'T', "Z"}, {'T', "+00:00"}, {'T', ""},
                                     {' ', ""},  {' ', "Z"},      {' ', "+00:00"}};
constexpr std::uint8_t kCalendarStyles = 24;
static_assert(std::size(kDateStyles) * 4 == kCalendarStyles);
constexpr int kFractionDigits[] = {0, 3, 6, 9};
constexpr std::int64_t kEpochUnits[] = {1'000'000'000, 1'000'000, 1000, 1};

void put_digits(char*& to, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  to += digits;
}

void render_calendar(std::uint8_t style, std::int64_t unix_ns, std::string& out) {
  const DateStyle& form = kDateStyles[style / 4];
  std::int64_t seconds = unix_ns / 1'000'000'000;
  std::int64_t nanos = unix_ns % 1'000'000'000;
  if (nanos < 0) {
    nanos += 1'000'000'000;
    --seconds;
  }
  std::int64_t day = seconds / 86'400;
  auto left = static_cast<int>(seconds % 86'400);
  if (left < 0) {
    left += 86'400;
    --day;
  }
  const std::chrono::year_month_day ymd{std::chrono::sys_days(std::chrono::days(day))};
  char buffer[48];
  char* to = buffer;
  put_digits(to, static_cast<unsigned>(static_cast<int>(ymd.year())) % 10'000, 4);
  *to++ = '-';
  put_digits(to, static_cast<unsigned>(ymd.month()), 2);
  *to++ = '-';
  put_digits(to, static_cast<unsigned>(ymd.day()), 2);
  *to++ = form.separator;
  put_digits(to, static_cast<unsigned>(left / 3600), 2);
  *to++ = ':';
  put_digits(to, static_cast<unsigned>(left / 60 % 60), 2);
  *to++ = ':';
  put_digits(to, static_cast<unsigned>(left % 60), 2);
  const int digits = kFractionDigits[style % 4];
  if (digits > 0) {
    *to++ = '.';
    auto fraction = static_cast<unsigned>(nanos);
    for (int i = digits; i < 9; i += 3) fraction /= 1000;
    put_digits(to, fraction, digits);
  }
  const std::size_t zone = std::strlen(form.zone);
  std::memcpy(to, form.zone, zone);
  out.assign(buffer, static_cast<std::size_t>(to - buffer) + zone);
}

}  // namespace

FormSpec form_of(std::string_view text) {
  char binary[kMaxHex / 2];
  if (text.size() == kUuidText && uuid_to_binary(text, binary)) return {TextForm::uuid, 16};
  if (text.size() >= kMinHex && text.size() <= kMaxHex && text.size() % 2 == 0 && hex_to_binary(text, binary))
    return {TextForm::hex, static_cast<std::uint8_t>(text.size() / 2)};
  if (text.size() >= 7 && text.size() <= 15 && ipv4_to_binary(text, binary)) return {TextForm::ipv4, 4};
  return {};
}

bool to_binary(FormSpec spec, std::string_view text, char* out) {
  switch (spec.form) {
    case TextForm::hex:
      return text.size() == std::size_t{spec.width} * 2 && hex_to_binary(text, out);
    case TextForm::uuid:
      return uuid_to_binary(text, out);
    case TextForm::ipv4:
      return ipv4_to_binary(text, out);
    default:
      return false;
  }
}

void to_text(FormSpec spec, const char* binary, std::string& out) {
  switch (spec.form) {
    case TextForm::hex:
      out.resize(std::size_t{spec.width} * 2);
      append_hex(binary, spec.width, out.data());
      return;
    case TextForm::uuid: {
      char digits[32];
      append_hex(binary, 16, digits);
      out.assign(digits, sizeof digits);
      for (const std::size_t at : kUuidDashes) out.insert(at, 1, '-');
      return;
    }
    case TextForm::ipv4: {
      char buffer[16];
      char* to = buffer;
      for (int i = 0; i < 4; ++i) {
        if (i > 0) *to++ = '.';
        to = std::to_chars(to, buffer + sizeof buffer, static_cast<unsigned char>(binary[i])).ptr;
      }
      out.assign(buffer, static_cast<std::size_t>(to - buffer));
      return;
    }
    default:
      out.clear();
  }
}

void render_time(std::uint8_t style, std::int64_t unix_ns, std::string& out) {
  if (style < kCalendarStyles) return render_calendar(style, unix_ns, out);
  char buffer[24];
  const std::int64_t value = unix_ns / kEpochUnits[(style - kCalendarStyles) % std::size(kEpochUnits)];
  out.assign(buffer,
             static_cast<std::size_t>(std::to_chars(buffer, buffer + sizeof buffer, value).ptr - buffer));
}

std::optional<std::uint8_t> time_style_of(std::int64_t unix_ns, std::string_view text) {
  if (text.size() < 10 || text.size() > 40) return std::nullopt;
  std::string rendered;
  for (std::uint8_t style = 0; style < kTimeStyles; ++style) {
    render_time(style, unix_ns, rendered);
    if (rendered == text) return style;
  }
  return std::nullopt;
}

}  // namespace telltale::eventdb
