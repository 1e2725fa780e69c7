// When a line of a crontab runs next. Five fields (minute, hour, day of month, month, day of week), each `*`,
// a number, a name (`jan`, `mon`), a range `a-b`, a step `*/n`, `a-b/n` or `a/n`, or a list of these; or
// `@hourly`, `@daily` (`@midnight`), `@weekly`, `@monthly`, `@yearly` (`@annually`). As in Vixie's cron, days
// match when either the day of the month or that of the week does, if both are said, and with summer time a
// job of fixed hours runs once: what falls into the hour that does not exist runs right behind it, and the
// hour that comes twice counts the first time. A job of every hour (`*` or `*/n`) follows real time.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/time_zone.hpp"

namespace telltale::health {

class Crontab {
 public:
  /// invalid_argument names the field; also for a line that never runs (`0 0 30 2 *`).
  static Result<Crontab> parse(std::string_view line);

  /// The first run behind the moment, both in seconds since 1970. nullopt when there is none within
  /// kSearchYears.
  std::optional<std::int64_t> next(std::int64_t after, const TimeZone& zone) const;

  static constexpr int kSearchYears = 9;  // over the longest gap between two 29ths of February

 private:
  bool day_matches(std::int64_t local) const;
  bool hour_matches(std::int64_t local) const;
  bool minute_matches(std::int64_t local) const;
  bool skipped_run(std::int64_t before_local, std::int64_t local) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;  // 0 is Sunday
  bool any_day_ = false;     // the field begins with `*`
  bool any_weekday_ = false;
  bool any_hour_ = false;
};

}  // namespace telltale::health
