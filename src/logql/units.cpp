#include "logql/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.hpp"

namespace telltale::logql {
namespace {

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

struct GoUnit {
  std::string_view name;
  double ns;
};
constexpr GoUnit kGoUnits[] = {{"ns", 1},   {"us", 1e3}, {"\xC2\xB5s", 1e3}, {"\xCE\xBCs", 1e3},
                               {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9}};

struct ByteUnit {
  std::string_view name;  // lower case
  double bytes;
};
constexpr double kKi = 1024;
constexpr ByteUnit kByteUnits[] = {{"", 1},
                                   {"b", 1},
                                   {"kb", 1e3},
                                   {"k", 1e3},
                                   {"kib", kKi},
                                   {"ki", kKi},
                                   {"mb", 1e6},
                                   {"m", 1e6},
                                   {"mib", kKi* kKi},
                                   {"mi", kKi* kKi},
                                   {"gb", 1e9},
                                   {"g", 1e9},
                                   {"gib", kKi* kKi* kKi},
                                   {"gi", kKi* kKi* kKi},
                                   {"tb", 1e12},
                                   {"t", 1e12},
                                   {"tib", kKi* kKi* kKi* kKi},
                                   {"ti", kKi* kKi* kKi* kKi},
                                   {"pb", 1e15},
                                   {"p", 1e15},
                                   {"pib", kKi* kKi* kKi* kKi* kKi},
                                   {"pi", kKi* kKi* kKi* kKi* kKi},
                                   {"eb", 1e18},
                                   {"e", 1e18},
                                   {"eib", kKi* kKi* kKi* kKi* kKi* kKi},
                                   {"ei", kKi* kKi* kKi* kKi* kKi* kKi}};

/// Digits with an optional fraction at the front of `s`; nullopt when there is no digit at all.
std::optional<std::string_view> take_decimal(std::string_view& s) {
  std::size_t i = 0;
  std::size_t digits = 0;
  while (i < s.size() && is_ascii_digit(s[i])) ++i, ++digits;
  if (i < s.size() && s[i] == '.') {
    ++i;
    while (i < s.size() && is_ascii_digit(s[i])) ++i, ++digits;
  }
  if (digits == 0) return std::nullopt;
  const std::string_view out = s.substr(0, i);
  s.remove_prefix(i);
  return out;
}

}  // namespace

std::optional<Nanos> parse_go_duration(std::string_view text) {
  std::string_view s = text;
  bool negative = false;
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
    negative = s[0] == '-';
    s.remove_prefix(1);
  }
  if (s == "0") return Nanos(0);
  if (s.empty()) return std::nullopt;
  long double total = 0;
  while (!s.empty()) {
    const auto number = take_decimal(s);
    if (!number) return std::nullopt;
    std::size_t length = 0;
    while (length < s.size() && s[length] != '.' && !is_ascii_digit(s[length])) ++length;
    const std::string_view unit = s.substr(0, length);
    const GoUnit* found = nullptr;
    for (const GoUnit& u : kGoUnits)
      if (u.name == unit) found = &u;
    if (found == nullptr) return std::nullopt;
    // Whole and fractional part apart, so that whole nanoseconds stay exact.
    const std::size_t dot = number->find('.');
    const std::string whole(number->substr(0, dot));
    long double value = whole.empty() ? 0 : std::strtold(whole.c_str(), nullptr);
    if (dot != std::string_view::npos) {
      const std::string fraction = "0" + std::string(number->substr(dot));
      value += std::strtold(fraction.c_str(), nullptr);
    }
    total += std::floor(value * static_cast<long double>(found->ns) + 1e-6L);
    if (total > 9.223372036854775807e18L) return std::nullopt;
    s.remove_prefix(length);
  }
  const auto ns = static_cast<std::int64_t>(total);
  return Nanos(negative ? -ns : ns);
}

std::optional<Nanos> parse_any_duration(std::string_view text) {
  if (const auto go = parse_go_duration(text)) return go;
  const bool negative = !text.empty() && text[0] == '-';
  const auto prometheus = parse_duration(negative ? text.substr(1) : text);
  if (!prometheus) return std::nullopt;
  return negative ? -*prometheus : *prometheus;
}

std::string format_go_duration(Nanos d) {
  std::uint64_t left =
      d.count() < 0 ? 0 - static_cast<std::uint64_t>(d.count()) : static_cast<std::uint64_t>(d.count());
  const std::string sign = d.count() < 0 ? "-" : "";
  if (left == 0) return "0s";
  const auto fraction = [](std::uint64_t value, std::uint64_t unit, int digits) {
    std::string out = fmt::format("{}", value / unit);
    std::string rest = fmt::format("{:0{}}", value % unit, digits);
    while (!rest.empty() && rest.back() == '0') rest.pop_back();
    return rest.empty() ? out : out + "." + rest;
  };
  if (left < 1'000) return sign + fmt::format("{}ns", left);
  if (left < 1'000'000) return sign + fraction(left, 1'000, 3) + "\xC2\xB5s";
  if (left < 1'000'000'000) return sign + fraction(left, 1'000'000, 6) + "ms";
  const std::uint64_t minutes = left / 60'000'000'000;
  const std::string seconds = fraction(left % 60'000'000'000, 1'000'000'000, 9) + "s";
  if (minutes == 0) return sign + seconds;
  if (minutes < 60) return sign + fmt::format("{}m", minutes) + seconds;
  return sign + fmt::format("{}h{}m", minutes / 60, minutes % 60) + seconds;
}

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
  std::string digits;
  std::size_t i = 0;
  for (; i < text.size() && (is_ascii_digit(text[i]) || text[i] == '.' || text[i] == ','); ++i)
    if (text[i] != ',') digits += text[i];
  const auto number = parse_go_float(digits);
  if (!number) return std::nullopt;
  std::string_view rest = text.substr(i);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  const std::string unit = to_lower(rest);
  for (const ByteUnit& u : kByteUnits) {
    if (u.name != unit) continue;
    const double bytes = *number * u.bytes;
    if (!(bytes < 18446744073709551615.0)) return std::nullopt;
    return static_cast<std::uint64_t>(bytes);
  }
  return std::nullopt;
}

std::optional<double> parse_go_float(std::string_view text) {
  std::string_view s = text;
  if (!s.empty() && (s[0] == '+' || s[0] == '-')) s.remove_prefix(1);
  if (s.empty()) return std::nullopt;
  double v = 0;
  if (s.size() > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
    const auto [end, error] = std::from_chars(s.data() + 2, s.data() + s.size(), v, std::chars_format::hex);
    const bool exponent = s.find_first_of("pP") != std::string_view::npos;
    if (error != std::errc() || end != s.data() + s.size() || !exponent) return std::nullopt;
  } else {
    // from_chars takes inf, infinity and nan, too, as Go does; but nan(...) and a second sign it does not.
    if (s[0] == '+' || s[0] == '-' || s.find('(') != std::string_view::npos) return std::nullopt;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
    if (end != s.data() + s.size() || error == std::errc::invalid_argument) return std::nullopt;
    if (error == std::errc::result_out_of_range) {  // a tiny number is zero, a huge one no number
      v = std::strtod(std::string(s).c_str(), nullptr);
      if (std::isinf(v)) return std::nullopt;
    }
  }
  return text[0] == '-' ? -v : v;
}

namespace {

/// The shortest text; with an exponent below 1e-4 and from 1e+`from`.
std::string shortest_float(double value, int from) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 64> buffer;
  const auto written = [&](std::chars_format form) {
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form).ptr;
    return std::string(buffer.data(), end);
  };
  std::string scientific = written(std::chars_format::scientific);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  return value != 0 && (exponent < -4 || exponent >= from) ? scientific : written(std::chars_format::fixed);
}

}  // namespace

std::string format_plain_float(double value) { return shortest_float(value, 21); }
std::string format_go_float(double value) { return shortest_float(value, 6); }

void append_sanitised(std::string& out, std::string_view name) {
  for (const char c : name) {
    const bool sane =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '_' || c == ':';
    out += sane ? c : '_';
  }
}

std::string sanitise_label(std::string_view name) {
  std::string out;
  if (!name.empty() && is_ascii_digit(name[0])) out += '_';
  append_sanitised(out, name);
  return out;
}

bool is_label_name(std::string_view name) {
  if (name.empty() || is_ascii_digit(name[0])) return false;
  for (const char c : name) {
    const bool sane =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '_' || c == ':';
    if (!sane) return false;
  }
  return true;
}

std::optional<double> unwrapped_number(std::string_view text, Conversion conversion) {
  switch (conversion) {
    case Conversion::none:
      return parse_go_float(text);
    case Conversion::bytes:
      if (const auto b = parse_byte_size(text)) return static_cast<double>(*b);
      return std::nullopt;
    default:
      if (const auto d = parse_go_duration(text)) return static_cast<double>(d->count()) / 1e9;
      return std::nullopt;
  }
}

}  // namespace telltale::logql
