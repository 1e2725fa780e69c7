// What is expected of a scheduled job: when it runs, how late it may be, how long it may take, and how many
// failures in a row are a problem. The document is the one that SDKs send with a check-in:
//   {"schedule": {"type": "crontab", "value": "0 9 * * mon-fri"}, "timezone": "Europe/Berlin",
//    "checkin_margin": 5, "max_runtime": 30, "failure_issue_threshold": 1, "recovery_threshold": 1}
// or with the schedule {"type": "interval", "value": 2, "unit": "hour"}.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/time_zone.hpp"
#include "health/crontab.hpp"

namespace telltale::health {

enum class IntervalUnit : unsigned char { minute, hour, day, week, month, year };

struct Interval {
  std::int64_t value = 1;
  IntervalUnit unit = IntervalUnit::hour;
};

class MonitorConfig {
 public:
  /// `{}` (or nothing) expects nothing. invalid_argument names the member; unknown ones do not matter.
  static Result<MonitorConfig> parse(std::string_view json);
  /// The document again, with the members that are known.
  std::string json() const;
  void write(JsonWriter& w) const;

  bool has_schedule() const { return has_schedule_; }
  /// When the run behind one at `after` is due; nullopt without a schedule.
  std::optional<UnixNanos> next(UnixNanos after) const;
  Nanos margin() const { return std::chrono::minutes(margin_minutes_); }
  Nanos max_runtime() const { return std::chrono::minutes(runtime_minutes_); }
  std::uint64_t failure_threshold() const { return static_cast<std::uint64_t>(failure_threshold_); }
  std::uint64_t recovery_threshold() const { return static_cast<std::uint64_t>(recovery_threshold_); }
  /// "every 2 hours", "0 9 * * mon-fri"; empty without a schedule.
  std::string schedule_text() const;
  const std::string& zone_name() const { return zone_name_; }

 private:
  bool has_schedule_ = false;
  std::string crontab_text_;
  std::variant<Crontab, Interval> schedule_;
  std::string zone_name_ = "UTC";
  TimeZone zone_;
  std::int64_t margin_minutes_ = 1;
  std::int64_t runtime_minutes_ = 30;
  std::int64_t failure_threshold_ = 1;
  std::int64_t recovery_threshold_ = 1;
};

}  // namespace telltale::health
