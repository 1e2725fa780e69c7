// The search goes through UTC, so that it never runs backwards: by the day where the day does not match, by
// the hour where the hour does not, by the minute where both do and where the clocks are changed.
#include "health/crontab.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"

namespace telltale::health {
namespace {

constexpr std::int64_t kMinuteS = 60;
constexpr std::int64_t kHourS = 3600;
constexpr std::int64_t kDayS = 86'400;

constexpr std::array<std::string_view, 12> kMonthNames = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDayNames = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct CronField {
  std::string_view name;
  int least;
  int most;
  const std::string_view* names;  // of the values from `least` on
  std::size_t name_count;
};
constexpr CronField kCronFields[] = {
    {"minute", 0, 59, nullptr, 0},
    {"hour", 0, 23, nullptr, 0},
    {"day of month", 1, 31, nullptr, 0},
    {"month", 1, 12, kMonthNames.data(), kMonthNames.size()},
    {"day of week", 0, 7, kDayNames.data(), kDayNames.size()},
};

std::int64_t floor_to(std::int64_t v, std::int64_t unit) {
  const std::int64_t past = v % unit;
  return v - (past < 0 ? past + unit : past);
}

tl::unexpected<Error> cron_error(const CronField& field, std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument, fmt::format("{} \"{}\": {}", field.name, text, why));
}

Result<int> cron_number(const CronField& field, std::string_view text) {
  for (std::size_t i = 0; i < field.name_count; ++i)
    if (equal_ignore_case(text, field.names[i])) return field.least + static_cast<int>(i);
  if (text.empty() || text.size() > 3) return cron_error(field, text, "not a number");
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return cron_error(field, text, "not a number");
    value = value * 10 + (c - '0');
  }
  if (value < field.least || value > field.most)
    return cron_error(field, text, fmt::format("not from {} to {}", field.least, field.most));
  return value;
}

/// One entry of a list. `set` receives the value.
template <class Set>
Result<> read_cron_entry(const CronField& field, std::string_view entry, Set set) {
  std::string_view base = entry;
  int step = 1;
  bool stepped = false;
  if (const auto slash = entry.find('/'); slash != std::string_view::npos) {
    base = entry.substr(0, slash);
    const std::string_view text = entry.substr(slash + 1);
    const CronField steps{field.name, 1, field.most + 1, nullptr, 0};
    TT_ASSIGN(step, cron_number(steps, text));
    stepped = true;
  }
  int from = field.least;
  int to = field.most;
  if (base != "*") {
    const auto dash = base.find('-');
    TT_ASSIGN(from, cron_number(field, base.substr(0, dash)));
    if (dash != std::string_view::npos) {
      TT_ASSIGN(to, cron_number(field, base.substr(dash + 1)));
      // Sunday ends a week, too: fri-sun.
      if (field.most == 7 && to == 0 && from > 0) to = 7;
      if (to < from) return cron_error(field, entry, "the range ends before it begins");
    } else if (!stepped) {
      to = from;
    }
  }
  for (int v = from; v <= to; v += step) set(static_cast<std::size_t>(v));
  return {};
}

template <class Set>
Result<> read_cron_field(const CronField& field, std::string_view text, Set set) {
  while (true) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma == 0) return cron_error(field, text, "an empty entry");
    TT_TRY(read_cron_entry(field, text.substr(0, comma), set));
    if (comma == text.size()) return {};
    text.remove_prefix(comma + 1);
    if (text.empty()) return cron_error(field, ",", "an empty entry");
  }
}

std::string_view spelled_out(std::string_view line) {
  static constexpr std::pair<std::string_view, std::string_view> kNicknames[] = {
      {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
      {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
      {"@hourly", "0 * * * *"},
  };
  for (const auto& [name, meaning] : kNicknames)
    if (equal_ignore_case(line, name)) return meaning;
  return line;
}

std::vector<std::string_view> cron_words(std::string_view line) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const auto end = std::min(line.find_first_of(" \t", at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

}  // namespace

Result<Crontab> Crontab::parse(std::string_view line) {
  constexpr std::size_t kFields = std::size(kCronFields);
  const auto given = cron_words(line);
  const auto words = given.size() == 1 ? cron_words(spelled_out(given[0])) : given;
  if (words.size() != kFields)
    return fail(ErrorKind::invalid_argument,
                fmt::format("\"{}\": a crontab has {} fields, this has {}", line, kFields, words.size()));
  Crontab out;
  TT_TRY(read_cron_field(kCronFields[0], words[0], [&](std::size_t v) { out.minutes_.set(v); }));
  TT_TRY(read_cron_field(kCronFields[1], words[1], [&](std::size_t v) { out.hours_.set(v); }));
  TT_TRY(read_cron_field(kCronFields[2], words[2], [&](std::size_t v) { out.days_.set(v); }));
  TT_TRY(read_cron_field(kCronFields[3], words[3], [&](std::size_t v) { out.months_.set(v); }));
  TT_TRY(read_cron_field(kCronFields[4], words[4], [&](std::size_t v) { out.weekdays_.set(v % 7); }));
  out.any_hour_ = words[1].starts_with('*');
  out.any_day_ = words[2].starts_with('*');
  out.any_weekday_ = words[4].starts_with('*');
  if (!out.next(0, TimeZone()))
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\": never runs", line));
  return out;
}

bool Crontab::day_matches(std::int64_t local) const {
  const std::chrono::sys_days day{std::chrono::days(floor_to(local, kDayS) / kDayS)};
  const std::chrono::year_month_day date(day);
  if (!months_.test(static_cast<unsigned>(date.month()))) return false;
  const bool by_date = days_.test(static_cast<unsigned>(date.day()));
  const bool by_weekday = weekdays_.test(std::chrono::weekday(day).c_encoding());
  // With one of the two said as a star, both must hold, and the star's does (unless it has a step).
  return any_day_ || any_weekday_ ? by_date && by_weekday : by_date || by_weekday;
}

bool Crontab::hour_matches(std::int64_t local) const {
  return hours_.test(static_cast<std::size_t>((local - floor_to(local, kDayS)) / kHourS));
}

bool Crontab::minute_matches(std::int64_t local) const {
  return minutes_.test(static_cast<std::size_t>((local - floor_to(local, kHourS)) / kMinuteS));
}

/// A run between two local minutes that follow each other because the clocks went forward.
bool Crontab::skipped_run(std::int64_t before_local, std::int64_t local) const {
  for (std::int64_t t = before_local + kMinuteS; t < local; t += kMinuteS)
    if (day_matches(t) && hour_matches(t) && minute_matches(t)) return true;
  return false;
}

std::optional<std::int64_t> Crontab::next(std::int64_t after, const TimeZone& zone) const {
  std::int64_t t = floor_to(after, kMinuteS) + kMinuteS;
  const std::int64_t end = t + kSearchYears * 366 * kDayS;
  std::int64_t before_local = zone.to_local(t - kMinuteS);
  while (t < end) {
    const std::int64_t local = zone.to_local(t);
    if (!any_hour_ && local > before_local + kMinuteS && skipped_run(before_local, local)) return t;
    std::int64_t step = kMinuteS;
    if (!day_matches(local)) {
      const std::int64_t midnight = floor_to(local, kDayS) + kDayS;
      step = std::max(zone.to_utc(midnight) - t, kMinuteS);
    } else if (!hour_matches(local)) {
      step = floor_to(local, kHourS) + kHourS - local;
    } else if (minute_matches(local)) {
      const bool second_time = zone.to_utc(local) != t;  // the earlier moment is answered
      if (any_hour_ || !second_time) return t;
    }
    // Over a change of the clocks only by the minute, so that none is missed.
    if (step > kMinuteS && zone.to_local(t + step) - local != step && step <= kHourS) step = kMinuteS;
    t += step;
    before_local = zone.to_local(t - kMinuteS);
  }
  return std::nullopt;
}

}  // namespace telltale::health
