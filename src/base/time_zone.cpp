#include "base/time_zone.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include <date/tz.h>

#include "base/text.hpp"

namespace telltale {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;

const date::time_zone* zone_at(const void* zone) { return static_cast<const date::time_zone*>(zone); }

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

// A cursor over the text; every step says whether it found what it wanted.
struct Scan {
  std::string_view text;
  std::size_t at = 0;

  char peek(std::size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at;
    return true;
  }
  /// Exactly `digits` digits.
  bool fixed(int digits, int& out) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = peek(static_cast<std::size_t>(i));
      if (!is_digit_char(c)) return false;
      value = value * 10 + (c - '0');
    }
    at += static_cast<std::size_t>(digits);
    out = value;
    return true;
  }
  /// One or two digits, perhaps after a space that fills the column.
  bool one_or_two(int& out) {
    if (peek() == ' ') ++at;
    if (!is_digit_char(peek())) return false;
    return is_digit_char(peek(1)) ? fixed(2, out) : fixed(1, out);
  }
};

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

template <std::size_t N>
int word_index(std::string_view text, const std::string_view (&words)[N]) {
  if (text.size() < 3) return -1;
  for (std::size_t i = 0; i < N; ++i) {
    if (equal_ignore_case(text.substr(0, 3), words[i])) return static_cast<int>(i);
  }
  return -1;
}

bool read_month(Scan& s, int& month) {
  const int index = word_index(s.text.substr(s.at), kMonths);
  if (index < 0) return false;
  month = index + 1;
  s.at += 3;
  return true;
}

bool read_clock(Scan& s, CivilTime& out) {
  if (!s.fixed(2, out.hour) || !s.take(':') || !s.fixed(2, out.minute)) return false;
  if (!s.take(':')) return true;
  if (!s.fixed(2, out.second)) return false;
  if ((s.peek() == '.' || s.peek() == ',') && is_digit_char(s.peek(1))) {
    ++s.at;
    std::int64_t scale = 100'000'000;
    while (is_digit_char(s.peek())) {
      out.nanos += (s.peek() - '0') * scale;
      scale /= 10;
      ++s.at;
    }
  }
  return true;
}

bool ends_word(char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit_char(c)); }

// A zone, perhaps after one space; nothing is taken when there is none.
void read_offset(Scan& s, CivilTime& out) {
  const std::size_t before = s.at;
  const bool spaced = s.take(' ');
  if ((s.peek() == 'Z' || s.peek() == 'z') && ends_word(s.peek(1)) && !spaced) {
    ++s.at;
    out.offset_s = 0;
    return;
  }
  if (const auto word = s.text.substr(s.at, 3); (word == "UTC" || word == "GMT") && ends_word(s.peek(3))) {
    s.at += 3;
    out.offset_s = 0;
    return;
  }
  const char sign = s.peek();
  int hours = 0;
  int minutes = 0;
  if (sign == '+' || sign == '-') {
    ++s.at;
    if (s.fixed(2, hours)) {
      const bool colon = s.take(':');
      const bool has_minutes = s.fixed(2, minutes);
      if ((has_minutes || !colon) && ends_word(s.peek()) && hours < 24 && minutes < 60 &&
          (has_minutes || !spaced)) {
        out.offset_s = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
        return;
      }
    }
  }
  s.at = before;
}

// 2026-01-08T09:30:00, 2026/01/08 09:30:00, 20260108T093000
bool read_year_first(Scan& s, CivilTime& out) {
  if (!s.fixed(4, out.year)) return false;
  const char dash = s.peek();
  if (dash == '-' || dash == '/') {
    if (!s.take(dash) || !s.fixed(2, out.month) || !s.take(dash) || !s.fixed(2, out.day)) return false;
    if (!s.take('T') && !s.take(' ') && !s.take('t') && !s.take('_')) return false;
    return read_clock(s, out);
  }
  return s.fixed(2, out.month) && s.fixed(2, out.day) && s.take('T') && s.fixed(2, out.hour) &&
         s.fixed(2, out.minute) && s.fixed(2, out.second);
}

// 08/Jan/2026:09:30:00, 08/Jan/2026 09:30:00, 08 Jan 2026 09:30:00, 08-Jan-2026 09:30:00
bool read_day_first(Scan& s, CivilTime& out) {
  if (!s.one_or_two(out.day)) return false;
  const char dash = s.peek();
  if (dash != '/' && dash != ' ' && dash != '-') return false;
  if (!s.take(dash) || !read_month(s, out.month) || !s.take(dash) || !s.fixed(4, out.year)) return false;
  if (!s.take(':') && !s.take(' ')) return false;
  return read_clock(s, out);
}

// Jan  8 09:30:00, Jan 8 2026 09:30:00, Thu Jan  8 09:30:00.123 2026
bool read_month_first(Scan& s, CivilTime& out) {
  if (word_index(s.text, kWeekdays) >= 0) {
    s.at += 3;
    (void)s.take(',');
    if (!s.take(' ')) return false;
  }
  if (!read_month(s, out.month) || !s.take(' ') || !s.one_or_two(out.day) || !s.take(' ')) return false;
  if (is_digit_char(s.peek(2)) && is_digit_char(s.peek(3)) && (!s.fixed(4, out.year) || !s.take(' ')))
    return false;
  if (!read_clock(s, out)) return false;
  const std::size_t before = s.at;
  if (out.year == 0 && s.take(' ')) {
    const bool year = s.fixed(4, out.year);
    // A host may be 2001:db8::1.
    if (!year || (s.peek() != ' ' && s.peek() != ']' && s.peek() != '\0') || out.year < 1970) {
      out.year = 0;
      s.at = before;
    }
  }
  return true;
}

bool plausible(const CivilTime& t) {
  return t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= 31 && t.hour < 24 && t.minute < 60 &&
         t.second <= 60 && (t.year == 0 || (t.year >= 1970 && t.year < 2262));
}

std::optional<std::int64_t> civil_seconds(const CivilTime& t, int year) {
  const date::year_month_day day{date::year(year), date::month(static_cast<unsigned>(t.month)),
                                 date::day(static_cast<unsigned>(t.day))};
  if (!day.ok()) return std::nullopt;
  const std::int64_t days = date::sys_days(day).time_since_epoch().count();
  return days * kDaySeconds + t.hour * 3600 + t.minute * 60 + t.second;
}

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  TimeZone out;
  if (name.empty() || name == "UTC" || name == "Z") return out;
  CivilTime fixed;
  Scan scan{name};
  read_offset(scan, fixed);
  if (fixed.offset_s && scan.at == name.size()) {
    out.offset_s_ = *fixed.offset_s;
    return out;
  }
  try {
    out.zone_ = name == "local" ? date::current_zone() : date::locate_zone(std::string(name));
  } catch (const std::exception&) {
    return fail(ErrorKind::invalid_argument,
                "\"" + std::string(name) + "\" is no time zone such as UTC, Europe/Berlin, local or +02:00");
  }
  return out;
}

std::int64_t TimeZone::to_utc(std::int64_t local_seconds) const {
  if (zone_ == nullptr) return local_seconds - offset_s_;
  const auto info = zone_at(zone_)->get_info(date::local_seconds(std::chrono::seconds(local_seconds)));
  return local_seconds - info.first.offset.count();
}

std::int64_t TimeZone::to_local(std::int64_t utc_seconds) const {
  if (zone_ == nullptr) return utc_seconds + offset_s_;
  const auto info = zone_at(zone_)->get_info(date::sys_seconds(std::chrono::seconds(utc_seconds)));
  return utc_seconds + info.offset.count();
}

std::size_t read_civil_time(std::string_view text, CivilTime& out) {
  if (text.size() < 14) return 0;
  using Reader = bool (*)(Scan&, CivilTime&);
  const bool digits4 = is_digit_char(text[0]) && is_digit_char(text[1]) && is_digit_char(text[2]);
  const Reader reader = digits4                                    ? Reader{read_year_first}
                        : is_digit_char(text[0]) || text[0] == ' ' ? Reader{read_day_first}
                        : (text[0] >= 'A' && text[0] <= 'Z') || (text[0] >= 'a' && text[0] <= 'z')
                            ? Reader{read_month_first}
                            : nullptr;
  if (reader == nullptr) return 0;
  Scan scan{text};
  out = {};
  if (!reader(scan, out) || !plausible(out)) return 0;
  read_offset(scan, out);
  return scan.at;
}

std::optional<UnixNanos> moment_of(const CivilTime& time, const TimeZone& zone, UnixNanos now) {
  const auto at = [&](int year) -> std::optional<std::int64_t> {
    const auto local = civil_seconds(time, year);
    if (!local) return std::nullopt;
    return time.offset_s ? *local - *time.offset_s : zone.to_utc(*local);
  };
  std::optional<std::int64_t> seconds;
  if (time.year != 0) {
    seconds = at(time.year);
  } else {
    const std::int64_t now_s = now.ns / 1'000'000'000;
    const auto today = date::year_month_day(
        date::floor<date::days>(date::sys_seconds(std::chrono::seconds(zone.to_local(now_s)))));
    const int this_year = static_cast<int>(today.year());
    for (const int year : {this_year + 1, this_year, this_year - 1}) {
      seconds = at(year);
      if (seconds && *seconds <= now_s + kDaySeconds) break;
    }
  }
  if (!seconds) return std::nullopt;
  return UnixNanos{*seconds * 1'000'000'000 + time.nanos};
}

std::optional<UnixNanos> moment_of_number(std::int64_t n) {
  constexpr std::int64_t kFirst = 100'000'000;  // 1973, in seconds
  for (const std::int64_t unit : {1'000'000'000LL, 1'000'000LL, 1'000LL, 1LL}) {
    // Each unit has a span of its own: up to 200 times the first moment it can say.
    const std::int64_t seconds = n / (1'000'000'000 / unit);
    if (seconds >= kFirst && seconds < kFirst * 200 && n <= INT64_MAX / unit) return UnixNanos{n * unit};
  }
  return std::nullopt;
}

std::optional<UnixNanos> moment_of_number(double n) {
  if (!(n > 0) || n > 9e18) return std::nullopt;
  const double whole = std::floor(n);
  const auto base = moment_of_number(static_cast<std::int64_t>(whole));
  if (!base) return std::nullopt;
  const double unit = static_cast<double>(base->ns) / whole;
  // A double holds microseconds of today, not more.
  const auto fraction = static_cast<std::int64_t>(std::llround((n - whole) * unit / 1000.0)) * 1000;
  return UnixNanos{base->ns + fraction};
}

std::optional<UnixNanos> parse_any_time(std::string_view text, const TimeZone& zone, UnixNanos now) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  CivilTime civil;
  if (read_civil_time(text, civil) == text.size()) return moment_of(civil, zone, now);
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc() ? moment_of_number(number) : std::nullopt;
  }
  if (text.find_first_not_of("0123456789.") == std::string_view::npos) {
    double number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem == std::errc() && end == text.data() + text.size()) return moment_of_number(number);
  }
  return std::nullopt;
}

}  // namespace telltale
