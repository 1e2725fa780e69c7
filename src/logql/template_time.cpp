// The functions of templates that work on times. The server's own zone is UTC.
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "logql/go_time.hpp"
#include "logql/row_state.hpp"
#include "logql/template_value.hpp"

namespace telltale::logql {
namespace {

using Args = const std::vector<TemplateValue>&;
using Value = Result<TemplateValue>;

Result<TemplateTime> time_arg(std::string_view function, const TemplateValue& v) {
  if (const auto* t = v.time()) return *t;
  return fail(ErrorKind::execution, fmt::format("{}: wanted a time, got {}", function, type_name(v)));
}

/// The clock is the system's, as Go's time.Now is: what a template says of the present is for people to read.
TemplateTime time_now() {
  TemplateTime t;
  t.time.ns = std::chrono::duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch()).count();
  return t;
}
TemplateTime zero_time() {
  TemplateTime t;
  t.zero = true;
  t.time.ns = -62'135'596'800LL;  // only unixEpoch looks at it, in seconds
  return t;
}
std::int64_t seconds_of(const TemplateTime& t) {
  if (t.zero) return t.time.ns;
  return t.time.ns >= 0 ? t.time.ns / 1'000'000'000 : -((-t.time.ns + 999'999'999) / 1'000'000'000);
}

Value timestamp(Args, const RowState& row) {
  TemplateTime t;
  t.time = row.time();
  return TemplateValue(std::move(t));
}
Value now(Args, const RowState&) { return TemplateValue(time_now()); }
Value date(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view layout, text_arg("date", a[0]));
  TemplateTime t = time_now();
  if (const auto* given = a[1].time()) {
    t = *given;
    if (!t.zero) {
      t.offset_seconds = 0;
      t.zone = "UTC";
    }
  } else if (const auto* seconds = a[1].integer()) {
    if (std::abs(static_cast<double>(*seconds)) < 9e9) t.time = UnixNanos::from_seconds(*seconds);
  }
  return TemplateValue(format_go_time(t, layout));
}
Value to_date_in_zone(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view layout, text_arg("toDateInZone", a[0]));
  TT_ASSIGN(const std::string_view zone, text_arg("toDateInZone", a[1]));
  TT_ASSIGN(const std::string_view text, text_arg("toDateInZone", a[2]));
  return TemplateValue(parse_go_time(layout, text, zone).value_or(zero_time()));
}
Value to_date(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view layout, text_arg("toDate", a[0]));
  TT_ASSIGN(const std::string_view text, text_arg("toDate", a[1]));
  return TemplateValue(parse_go_time(layout, text, "UTC").value_or(zero_time()));
}
Value unix_epoch(Args a, const RowState&) {
  TT_ASSIGN(const TemplateTime t, time_arg("unixEpoch", a[0]));
  return TemplateValue(fmt::format("{}", seconds_of(t)));
}
Value unix_epoch_millis(Args a, const RowState&) {
  TT_ASSIGN(const TemplateTime t, time_arg("unixEpochMillis", a[0]));
  return TemplateValue(fmt::format("{}", t.zero ? t.time.ns * 1000 : t.time.to_millis().ms));
}
Value unix_epoch_nanos(Args a, const RowState&) {
  TT_ASSIGN(const TemplateTime t, time_arg("unixEpochNanos", a[0]));
  return TemplateValue(fmt::format("{}", t.zero ? 0 : t.time.ns));
}
/// The unit is told by how many digits there are: days, seconds, milli-, micro-, nanoseconds.
Value unix_to_time(Args a, const RowState&) {
  TT_ASSIGN(const std::string_view s, text_arg("unixToTime", a[0]));
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  std::int64_t unit = 0;
  if (s.size() == 5) unit = 86'400LL * 1'000'000'000;
  if (s.size() == 10) unit = 1'000'000'000;
  if (s.size() == 13) unit = 1'000'000;
  if (s.size() == 16) unit = 1'000;
  if (s.size() == 19) unit = 1;
  TemplateTime t;
  if (error != std::errc() || end != s.data() + s.size() || unit == 0 ||
      __builtin_mul_overflow(n, unit, &t.time.ns))
    return fail(ErrorKind::execution, fmt::format("unixToTime: \"{}\" is no time", s));
  return TemplateValue(std::move(t));
}

constexpr FunctionEntry kTimeFunctions[] = {{"__timestamp__", 0, 0, timestamp},
                                            {"now", 0, 0, now},
                                            {"date", 2, 2, date},
                                            {"toDate", 2, 2, to_date},
                                            {"toDateInZone", 3, 3, to_date_in_zone},
                                            {"unixEpoch", 1, 1, unix_epoch},
                                            {"unixEpochMillis", 1, 1, unix_epoch_millis},
                                            {"unixEpochNanos", 1, 1, unix_epoch_nanos},
                                            {"unixToTime", 1, 1, unix_to_time}};

}  // namespace

const FunctionEntry* find_time_function(std::string_view name) {
  for (const FunctionEntry& f : kTimeFunctions)
    if (f.name == name) return &f;
  return nullptr;
}

}  // namespace telltale::logql
