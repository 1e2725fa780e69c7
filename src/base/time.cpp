#include "base/time.hpp"

#include <optional>

#include <fmt/format.h>

namespace telltale {
namespace {

// Reads exactly `n` digits from the front of `s`.
std::optional<int> digits(std::string_view& s, std::size_t n) {
  if (s.size() < n) return std::nullopt;
  int v = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (s[i] < '0' || s[i] > '9') return std::nullopt;
    v = v * 10 + (s[i] - '0');
  }
  s.remove_prefix(n);
  return v;
}

bool take(std::string_view& s, char c) {
  if (s.empty() || s.front() != c) return false;
  s.remove_prefix(1);
  return true;
}

tl::unexpected<Error> bad_time(std::string_view text) {
  return fail(ErrorKind::invalid_argument, fmt::format("not an RFC 3339 time: \"{}\"", text.substr(0, 64)));
}

// Offset from UTC in seconds; an absent offset is UTC.
std::optional<int> zone_offset(std::string_view& s) {
  if (s.empty() || take(s, 'Z') || take(s, 'z')) return 0;
  const bool minus = s.front() == '-';
  if (!minus && s.front() != '+') return std::nullopt;
  s.remove_prefix(1);
  const auto h = digits(s, 2);
  take(s, ':');
  const auto m = digits(s, 2);
  if (!h || !m || *h > 23 || *m > 59) return std::nullopt;
  const int offset = *h * 3600 + *m * 60;
  return minus ? -offset : offset;
}

}  // namespace

Result<UnixNanos> parse_rfc3339(std::string_view text) {
  std::string_view s = text;
  const auto year = digits(s, 4);
  if (!year || !take(s, '-')) return bad_time(text);
  const auto month = digits(s, 2);
  if (!month || !take(s, '-')) return bad_time(text);
  const auto day = digits(s, 2);
  if (!day || !(take(s, 'T') || take(s, 't') || take(s, ' '))) return bad_time(text);
  const auto hour = digits(s, 2);
  if (!hour || !take(s, ':')) return bad_time(text);
  const auto minute = digits(s, 2);
  if (!minute || !take(s, ':')) return bad_time(text);
  const auto second = digits(s, 2);
  if (!second) return bad_time(text);
  std::int64_t fraction = 0;
  if (take(s, '.') || take(s, ',')) {
    std::int64_t scale = 100'000'000;
    bool any = false;
    while (!s.empty() && s.front() >= '0' && s.front() <= '9') {
      fraction += (s.front() - '0') * scale;
      scale /= 10;
      any = true;
      s.remove_prefix(1);
    }
    if (!any) return bad_time(text);
  }
  const auto offset = zone_offset(s);
  if (!offset || !s.empty()) return bad_time(text);
  namespace ch = std::chrono;
  const ch::year_month_day date{ch::year(*year), ch::month(static_cast<unsigned>(*month)),
                                ch::day(static_cast<unsigned>(*day))};
  // Nanoseconds in 64 bits reach from 1677 to 2262; a leap second counts as the next second.
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60 || *year < 1678 || *year > 2261)
    return bad_time(text);
  const std::int64_t days = ch::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86'400 + *hour * 3'600 + *minute * 60 + *second - *offset;
  return UnixNanos{seconds * 1'000'000'000 + fraction};
}

std::string format_rfc3339(UnixNanos t) {
  namespace ch = std::chrono;
  const auto since = Nanos(t.ns);
  const auto day = ch::floor<ch::days>(since);
  const ch::year_month_day date{ch::sys_days(day)};
  const ch::hh_mm_ss<Nanos> time(since - day);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", int(date.year()), unsigned(date.month()),
                  unsigned(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count());
  const std::int64_t ns = time.subseconds().count();
  if (ns != 0 && ns % 1'000'000 == 0) {
    out.append(fmt::format(".{:03}", ns / 1'000'000));
  } else if (ns != 0 && ns % 1'000 == 0) {
    out.append(fmt::format(".{:06}", ns / 1'000));
  } else if (ns != 0) {
    out.append(fmt::format(".{:09}", ns));
  }
  out.push_back('Z');
  return out;
}

namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t ns;
};
// Prometheus' units (model/time.go): a day is 24 h, a week 7 d, a year 365 d.
constexpr DurationUnit kUnits[] = {{"y", 365LL * 86'400 * 1'000'000'000},
                                   {"w", 7LL * 86'400 * 1'000'000'000},
                                   {"d", 86'400LL * 1'000'000'000},
                                   {"h", 3'600LL * 1'000'000'000},
                                   {"m", 60LL * 1'000'000'000},
                                   {"s", 1'000'000'000},
                                   {"ms", 1'000'000},
                                   {"us", 1'000},
                                   {"ns", 1}};

}  // namespace

Result<Nanos> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorKind::invalid_argument, fmt::format("not a duration: \"{}\"", text.substr(0, 64)));
  };
  if (text == "0") return Nanos(0);
  std::string_view s = text;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  if (s.empty()) return bad();
  while (!s.empty()) {
    std::int64_t n = 0;
    std::size_t count = 0;
    for (; count < s.size() && s[count] >= '0' && s[count] <= '9'; ++count) {
      if (n > 1'000'000'000'000'000) return bad();
      n = n * 10 + (s[count] - '0');
    }
    if (count == 0) return bad();
    s.remove_prefix(count);
    std::size_t length = 0;
    while (length < s.size() && (s[length] < '0' || s[length] > '9')) ++length;
    std::size_t unit = next_unit;
    while (unit < std::size(kUnits) && kUnits[unit].name != s.substr(0, length)) ++unit;
    if (unit == std::size(kUnits)) return bad();
    std::int64_t part = 0;
    if (__builtin_mul_overflow(n, kUnits[unit].ns, &part) || __builtin_add_overflow(total, part, &total))
      return bad();
    next_unit = unit + 1;
    s.remove_prefix(length);
  }
  return Nanos(total);
}

std::string format_duration(Nanos d) {
  std::int64_t left = d.count();
  if (left == 0) return "0s";
  std::string out = left < 0 ? "-" : "";
  left = left < 0 ? -left : left;
  for (const auto& unit : kUnits) {
    // Years and weeks only where they say it all: 30d is not 4w2d to anybody.
    if ((unit.name == "y" || unit.name == "w") && left % unit.ns != 0) continue;
    if (left >= unit.ns) {
      out.append(fmt::format("{}{}", left / unit.ns, unit.name));
      left %= unit.ns;
    }
  }
  return out;
}

}  // namespace telltale
