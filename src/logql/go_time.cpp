#include "logql/go_time.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"

namespace telltale::logql {
namespace {

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

// Longest first where one begins another.
constexpr std::string_view kElements[] = {
    "January", "Jan", "Monday",  "Mon",       "MST",   "2006",   "Z070000", "Z07:00:00", "Z0700",
    "Z07:00",  "Z07", "-070000", "-07:00:00", "-0700", "-07:00", "-07",     "002",       "01",
    "02",      "03",  "04",      "05",        "06",    "__2",    "_2",      "15",        "PM",
    "pm",      "1",   "2",       "3",         "4",     "5"};

struct CivilTime {
  std::int64_t year = 1;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, weekday = 1, yearday = 1;
  std::int64_t nanos = 0;
};

CivilTime civil_of(const TemplateTime& t) {
  CivilTime c;
  if (t.zero) return c;
  namespace ch = std::chrono;
  const ch::nanoseconds since(t.time.ns);
  const auto local = ch::floor<ch::seconds>(since) + ch::seconds(t.offset_seconds);
  const auto day = ch::floor<ch::days>(local);
  const ch::year_month_day date{ch::sys_days(day)};
  c.year = static_cast<int>(date.year());
  c.month = static_cast<int>(static_cast<unsigned>(date.month()));
  c.day = static_cast<int>(static_cast<unsigned>(date.day()));
  const auto rest = (local - day).count();
  c.hour = static_cast<int>(rest / 3600);
  c.minute = static_cast<int>(rest / 60 % 60);
  c.second = static_cast<int>(rest % 60);
  c.nanos = (since - ch::floor<ch::seconds>(since)).count();
  c.weekday = static_cast<int>(ch::weekday{ch::sys_days(day)}.c_encoding());
  c.yearday = static_cast<int>((ch::sys_days(day) - ch::sys_days(date.year() / 1 / 1)).count()) + 1;
  return c;
}

/// The element at the front of a layout, empty if there is none; fractions (`.000`, `,999`) come whole.
std::string_view layout_element(std::string_view s) {
  if ((s[0] == '.' || s[0] == ',') && s.size() > 1 && (s[1] == '0' || s[1] == '9')) {
    std::size_t n = 1;
    while (n < s.size() && s[n] == s[1]) ++n;
    if (n == s.size() || s[n] < '0' || s[n] > '9') return s.substr(0, n);
  }
  for (const std::string_view e : kElements) {
    if (!s.starts_with(e)) continue;
    // "Jan" and "Mon" must not stand inside another word, as in "Monitor".
    const bool word = e == "Jan" || e == "Mon";
    if (word && s.size() > 3 && s[3] >= 'a' && s[3] <= 'z') continue;
    return e;
  }
  return {};
}

std::string offset_text(std::int32_t seconds, std::string_view element) {
  if (element[0] == 'Z' && seconds == 0) return "Z";
  const char sign = seconds < 0 ? '-' : '+';
  const int a = seconds < 0 ? -seconds : seconds;
  const bool colon = element.find(':') != std::string_view::npos;
  std::string out = fmt::format("{}{:02}", sign, a / 3600);
  const std::size_t digits = static_cast<std::size_t>(
      std::count_if(element.begin(), element.end(), [](char c) { return c >= '0' && c <= '9'; }));
  if (digits >= 4) out += fmt::format("{}{:02}", colon ? ":" : "", a / 60 % 60);
  if (digits >= 6) out += fmt::format("{}{:02}", colon ? ":" : "", a % 60);
  return out;
}

std::string element_text(std::string_view e, const CivilTime& c, const TemplateTime& t) {
  const int hour12 = c.hour % 12 == 0 ? 12 : c.hour % 12;
  const auto month = kMonths[c.month - 1];
  const auto day = kDays[c.weekday];
  if (e[0] == '.' || e[0] == ',') {
    std::string digits = fmt::format("{:09}", c.nanos).substr(0, std::min<std::size_t>(e.size() - 1, 9));
    if (e[1] == '9') {
      while (!digits.empty() && digits.back() == '0') digits.pop_back();
      return digits.empty() ? "" : std::string(1, e[0]) + digits;
    }
    return std::string(1, e[0]) + digits;
  }
  if (e == "January") return std::string(month);
  if (e == "Jan") return std::string(month.substr(0, 3));
  if (e == "Monday") return std::string(day);
  if (e == "Mon") return std::string(day.substr(0, 3));
  if (e == "MST") return t.zone.empty() ? offset_text(t.offset_seconds, "-0700") : t.zone;
  if (e == "2006") return fmt::format("{:04}", c.year);
  if (e == "06") return fmt::format("{:02}", c.year % 100);
  if (e == "01") return fmt::format("{:02}", c.month);
  if (e == "1") return fmt::format("{}", c.month);
  if (e == "02") return fmt::format("{:02}", c.day);
  if (e == "_2") return fmt::format("{:2}", c.day);
  if (e == "2") return fmt::format("{}", c.day);
  if (e == "002") return fmt::format("{:03}", c.yearday);
  if (e == "__2") return fmt::format("{:3}", c.yearday);
  if (e == "15") return fmt::format("{:02}", c.hour);
  if (e == "03") return fmt::format("{:02}", hour12);
  if (e == "3") return fmt::format("{}", hour12);
  if (e == "04") return fmt::format("{:02}", c.minute);
  if (e == "4") return fmt::format("{}", c.minute);
  if (e == "05") return fmt::format("{:02}", c.second);
  if (e == "5") return fmt::format("{}", c.second);
  if (e == "PM") return c.hour >= 12 ? "PM" : "AM";
  if (e == "pm") return c.hour >= 12 ? "pm" : "am";
  return offset_text(t.offset_seconds, e);
}

/// Reads from the front of a text what a layout's elements stand for.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : s_(text) {}
  CivilTime c;
  std::optional<std::int32_t> offset;
  std::string zone;

  bool literal(std::string_view text) {
    if (!s_.starts_with(text)) return false;
    s_.remove_prefix(text.size());
    return true;
  }
  bool at_end() const { return s_.empty(); }

  bool element(std::string_view e) {
    if (e[0] == '.' || e[0] == ',') return fraction(e[1] == '0' ? e.size() - 1 : 0, e[1] == '9');
    if (e == "January" || e == "Jan") return name(kMonths, e == "Jan", c.month) && ++c.month > 0;
    if (e == "Monday" || e == "Mon") return name(kDays, e == "Mon", c.weekday);
    if (e == "MST") return abbreviation();
    int year = 0;
    if (e == "2006") return digits(4, 4, year) && (c.year = year, true);
    if (e == "06") return digits(2, 2, year) && (c.year = year >= 69 ? 1900 + year : 2000 + year, true);
    if (e == "01") return digits(2, 2, c.month) && c.month >= 1 && c.month <= 12;
    if (e == "1") return digits(1, 2, c.month) && c.month >= 1 && c.month <= 12;
    if (e == "02") return digits(2, 2, c.day);
    if (e == "_2" || e == "2") {
      if (e == "_2" && s_.starts_with(' ')) s_.remove_prefix(1);
      return digits(1, 2, c.day);
    }
    if (e == "002" || e == "__2") return digits(3, 3, c.yearday) && (by_yearday_ = true);
    if (e == "15") return digits(2, 2, c.hour) && c.hour < 24;
    if (e == "03" || e == "3") return digits(e.size() == 2 ? 2 : 1, 2, c.hour) && c.hour <= 12;
    if (e == "04" || e == "4") return digits(e.size() == 2 ? 2 : 1, 2, c.minute) && c.minute < 60;
    if (e == "05" || e == "5") {
      if (!digits(e.size() == 2 ? 2 : 1, 2, c.second) || c.second >= 60) return false;
      // A fraction may follow the seconds though the layout has none.
      if (s_.size() > 1 && (s_[0] == '.' || s_[0] == ',') && s_[1] >= '0' && s_[1] <= '9' &&
          !fraction_follows)
        return fraction(0, true);
      return true;
    }
    if (e == "PM" || e == "pm") return half_day();
    return numeric_offset(e);
  }
  bool fraction_follows = false;

  std::optional<std::int64_t> unix_seconds() {
    if (pm_ && c.hour < 12) c.hour += 12;
    if (am_ && c.hour == 12) c.hour = 0;
    namespace ch = std::chrono;
    if (c.year < 1678 || c.year > 2261) return std::nullopt;
    ch::year_month_day date{ch::year(static_cast<int>(c.year)), ch::month(static_cast<unsigned>(c.month)),
                            ch::day(static_cast<unsigned>(c.day))};
    if (by_yearday_)
      date = ch::year_month_day{ch::sys_days(ch::year(static_cast<int>(c.year)) / 1 / 1) +
                                ch::days(c.yearday - 1)};
    if (!date.ok()) return std::nullopt;
    return ch::sys_days(date).time_since_epoch().count() * 86'400 + c.hour * 3600 + c.minute * 60 + c.second;
  }

 private:
  bool digits(std::size_t least, std::size_t most, int& out) {
    std::size_t n = 0;
    out = 0;
    while (n < most && n < s_.size() && s_[n] >= '0' && s_[n] <= '9') out = out * 10 + (s_[n++] - '0');
    s_.remove_prefix(n);
    return n >= least;
  }
  bool fraction(std::size_t exact, bool optional) {
    if (s_.empty() || (s_[0] != '.' && s_[0] != ',')) return optional;
    std::size_t n = 1;
    std::int64_t scale = 100'000'000;
    c.nanos = 0;
    for (; n < s_.size() && s_[n] >= '0' && s_[n] <= '9'; ++n, scale /= 10) c.nanos += (s_[n] - '0') * scale;
    if (n == 1 || (exact != 0 && n - 1 != exact)) return false;
    s_.remove_prefix(n);
    return true;
  }
  template <std::size_t N>
  bool name(const std::string_view (&names)[N], bool brief, int& out) {
    for (std::size_t i = 0; i < N; ++i) {
      const std::string_view want = brief ? names[i].substr(0, 3) : names[i];
      if (!equal_ignore_case(s_.substr(0, want.size()), want)) continue;
      s_.remove_prefix(want.size());
      out = static_cast<int>(i);
      return true;
    }
    return false;
  }
  bool abbreviation() {
    std::size_t n = 0;
    while (n < s_.size() && n < 5 && s_[n] >= 'A' && s_[n] <= 'Z') ++n;
    if (n < 3) return false;
    zone = std::string(s_.substr(0, n));
    s_.remove_prefix(n);
    if (zone == "UTC" && !offset) offset = 0;
    return true;
  }
  bool half_day() {
    pm_ = equal_ignore_case(s_.substr(0, 2), "pm");
    am_ = equal_ignore_case(s_.substr(0, 2), "am");
    if (!pm_ && !am_) return false;
    s_.remove_prefix(2);
    return true;
  }
  bool numeric_offset(std::string_view e) {
    if (e[0] == 'Z' && s_.starts_with('Z')) {
      s_.remove_prefix(1);
      offset = 0;
      zone = "UTC";
      return true;
    }
    if (s_.empty() || (s_[0] != '+' && s_[0] != '-')) return false;
    const bool minus = s_[0] == '-';
    s_.remove_prefix(1);
    int h = 0, m = 0, sec = 0;
    const bool colon = e.find(':') != std::string_view::npos;
    const auto wanted = std::count_if(e.begin(), e.end(), [](char ch) { return ch >= '0' && ch <= '9'; });
    if (!digits(2, 2, h)) return false;
    if (wanted >= 4 && ((colon && !literal(":")) || !digits(2, 2, m))) return false;
    if (wanted >= 6 && ((colon && !literal(":")) || !digits(2, 2, sec))) return false;
    const int total = h * 3600 + m * 60 + sec;
    offset = minus ? -total : total;
    return true;
  }

  std::string_view s_;
  bool pm_ = false;
  bool am_ = false;
  bool by_yearday_ = false;
};

}  // namespace

std::string format_go_time(const TemplateTime& t, std::string_view layout) {
  const CivilTime c = civil_of(t);
  std::string out;
  while (!layout.empty()) {
    const std::string_view e = layout_element(layout);
    out += e.empty() ? std::string(1, layout[0]) : element_text(e, c, t);
    layout.remove_prefix(std::max<std::size_t>(e.size(), 1));
  }
  return out;
}

std::optional<TemplateTime> parse_go_time(std::string_view layout, std::string_view text,
                                          std::string_view zone) {
  TimeReader in(text);
  while (!layout.empty()) {
    const std::string_view e = layout_element(layout);
    const std::string_view rest = layout.substr(std::max<std::size_t>(e.size(), 1));
    in.fraction_follows = !rest.empty() && (rest[0] == '.' || rest[0] == ',');
    if (e.empty() ? !in.literal(layout.substr(0, 1)) : !in.element(e)) return std::nullopt;
    layout = rest;
  }
  if (!in.at_end()) return std::nullopt;
  const auto wall = in.unix_seconds();
  if (!wall) return std::nullopt;
  TemplateTime out;
  if (in.offset) {
    out.offset_seconds = *in.offset;
    out.zone = !in.zone.empty() ? in.zone : *in.offset == 0 ? "UTC" : "";
  } else {
    const auto z = zone_offset_at(zone, *wall, true);
    out.offset_seconds = z ? z->seconds : 0;
    out.zone = z ? z->name : "UTC";
  }
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(*wall - out.offset_seconds, std::int64_t{1'000'000'000}, &ns) ||
      __builtin_add_overflow(ns, in.c.nanos, &ns))
    return std::nullopt;
  out.time.ns = ns;
  return out;
}

std::string print_go_time(const TemplateTime& t) {
  return format_go_time(t, "2006-01-02 15:04:05.999999999 -0700 MST");
}

}  // namespace telltale::logql
