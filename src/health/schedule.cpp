#include "health/schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/health_limits.hpp"

namespace telltale::health {
namespace {

using JsonObject = simdjson::dom::object;

constexpr std::int64_t kMaxMinutes = 60 * 24 * 366;
constexpr std::int64_t kMaxThreshold = 720;
constexpr std::array<std::string_view, 6> kUnitNames = {"minute", "hour", "day", "week", "month", "year"};
/// Ten years of each.
constexpr std::array<std::int64_t, 6> kMaxIntervalValues = {5'259'600, 87'660, 3'652, 521, 120, 10};

/// A whole number, also as text; null and absent leave `out`.
Result<> read_whole(const JsonObject& object, const char* name, std::int64_t least, std::int64_t most,
                    std::int64_t& out) {
  simdjson::dom::element value;
  if (object.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return {};
  std::int64_t number = 0;
  double real = 0;
  if (value.get(number) != simdjson::SUCCESS) {
    constexpr double kExact = 9e15;  // whole numbers up to here are themselves as doubles
    if (value.get(real) != simdjson::SUCCESS || !(std::abs(real) <= kExact) || real != std::floor(real))
      return fail(ErrorKind::invalid_argument, fmt::format("{}: not a whole number", name));
    number = static_cast<std::int64_t>(real);
  }
  if (number < least || number > most)
    return fail(ErrorKind::invalid_argument, fmt::format("{}: not from {} to {}", name, least, most));
  out = number;
  return {};
}

std::string text_at(const JsonObject& object, const char* name) {
  std::string_view text;
  return object.at_key(name).get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::int64_t days_of(std::chrono::year_month_day date) {
  return std::chrono::sys_days(date).time_since_epoch().count();
}

/// The same local time of day so many months later; the last day of a month that is too short.
std::int64_t add_months(std::int64_t local, std::int64_t months) {
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t day = local >= 0 ? local / kDay : -((-local + kDay - 1) / kDay);
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days(day)}};
  const auto month = date.year() / date.month() + std::chrono::months(months);
  auto later = month / date.day();
  if (!later.ok()) later = month / std::chrono::last;
  return days_of(later) * kDay + (local - day * kDay);
}

}  // namespace

Result<MonitorConfig> MonitorConfig::parse(std::string_view json) {
  MonitorConfig out;
  if (json.empty()) return out;
  if (json.size() > limits::kMaxMonitorConfigBytes)
    return fail(ErrorKind::too_large, "monitor_config: over kMaxMonitorConfigBytes");
  simdjson::dom::parser parser;
  JsonObject object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "monitor_config: not a JSON object");
  TT_TRY(read_whole(object, "checkin_margin", 0, kMaxMinutes, out.margin_minutes_));
  TT_TRY(read_whole(object, "max_runtime", 0, kMaxMinutes, out.runtime_minutes_));
  TT_TRY(read_whole(object, "failure_issue_threshold", 1, kMaxThreshold, out.failure_threshold_));
  TT_TRY(read_whole(object, "recovery_threshold", 1, kMaxThreshold, out.recovery_threshold_));
  // Zero says that the client has nothing to say.
  out.margin_minutes_ = std::max<std::int64_t>(out.margin_minutes_, 1);
  out.runtime_minutes_ = std::max<std::int64_t>(out.runtime_minutes_, 1);
  if (auto zone = text_at(object, "timezone"); !zone.empty()) {
    auto found = TimeZone::find(zone);
    if (!found) return tl::unexpected<Error>(std::move(found).error().within("timezone"));
    out.zone_ = *found;
    out.zone_name_ = std::move(zone);
  }
  JsonObject schedule;
  simdjson::dom::element any;
  if (object.at_key("schedule").get(any) != simdjson::SUCCESS || any.is_null()) return out;
  if (any.get(schedule) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "schedule: not an object");
  const std::string type = text_at(schedule, "type");
  if (type == "crontab") {
    out.crontab_text_ = text_at(schedule, "value");
    auto crontab = Crontab::parse(out.crontab_text_);
    if (!crontab) return tl::unexpected<Error>(std::move(crontab).error().within("schedule"));
    out.schedule_ = *crontab;
  } else if (type == "interval") {
    Interval interval;
    interval.value = 0;
    std::string unit = text_at(schedule, "unit");
    if (unit.size() > 1 && unit.ends_with('s')) unit.pop_back();
    const auto known = std::find(kUnitNames.begin(), kUnitNames.end(), unit);
    if (known == kUnitNames.end())
      return fail(ErrorKind::invalid_argument, "schedule: unit: minute, hour, day, week, month or year");
    interval.unit = static_cast<IntervalUnit>(known - kUnitNames.begin());
    const std::int64_t most = kMaxIntervalValues[static_cast<std::size_t>(known - kUnitNames.begin())];
    TT_TRY(read_whole(schedule, "value", 1, most, interval.value));
    if (interval.value == 0) return fail(ErrorKind::invalid_argument, "schedule: value: missing");
    out.schedule_ = interval;
  } else {
    return fail(ErrorKind::invalid_argument, "schedule: type: crontab or interval");
  }
  out.has_schedule_ = true;
  return out;
}

void MonitorConfig::write(JsonWriter& w) const {
  w.begin_object();
  if (has_schedule_) {
    w.key("schedule").begin_object();
    if (const auto* interval = std::get_if<Interval>(&schedule_)) {
      w.field("type", "interval").field("value", interval->value);
      w.field("unit", kUnitNames[static_cast<std::size_t>(interval->unit)]);
    } else {
      w.field("type", "crontab").field("value", crontab_text_);
    }
    w.end_object();
  }
  w.field("timezone", zone_name_).field("checkin_margin", margin_minutes_);
  w.field("max_runtime", runtime_minutes_).field("failure_issue_threshold", failure_threshold_);
  w.field("recovery_threshold", recovery_threshold_).end_object();
}

std::string MonitorConfig::json() const {
  JsonWriter w;
  write(w);
  return w.take();
}

std::string MonitorConfig::schedule_text() const {
  if (!has_schedule_) return {};
  const auto* interval = std::get_if<Interval>(&schedule_);
  if (interval == nullptr) return crontab_text_;
  const auto unit = kUnitNames[static_cast<std::size_t>(interval->unit)];
  return interval->value == 1 ? fmt::format("every {}", unit)
                              : fmt::format("every {} {}s", interval->value, unit);
}

std::optional<UnixNanos> MonitorConfig::next(UnixNanos after) const {
  if (!has_schedule_) return std::nullopt;
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t after_s = after.ns / kSecond;
  if (const auto* crontab = std::get_if<Crontab>(&schedule_)) {
    const auto next = crontab->next(after_s, zone_);
    return next ? std::optional(UnixNanos::from_seconds(*next)) : std::nullopt;
  }
  const auto& interval = *std::get_if<Interval>(&schedule_);
  switch (interval.unit) {
    case IntervalUnit::minute:
      return UnixNanos::from_seconds(after_s + interval.value * 60);
    case IntervalUnit::hour:
      return UnixNanos::from_seconds(after_s + interval.value * 3600);
    case IntervalUnit::day:
    case IntervalUnit::week: {
      const std::int64_t days = interval.value * (interval.unit == IntervalUnit::week ? 7 : 1);
      return UnixNanos::from_seconds(zone_.to_utc(zone_.to_local(after_s) + days * 86'400));
    }
    case IntervalUnit::month:
    case IntervalUnit::year: {
      const std::int64_t months = interval.value * (interval.unit == IntervalUnit::year ? 12 : 1);
      return UnixNanos::from_seconds(zone_.to_utc(add_months(zone_.to_local(after_s), months)));
    }
  }
  return std::nullopt;
}

}  // namespace telltale::health
