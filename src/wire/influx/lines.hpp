// InfluxDB's line protocol (docs.influxdata.com, "Line protocol"):
//
//   measurement[,tag=value…] field=value[,field=value…] [time]
//
// A field becomes a series: its name is `measurement_field`, its labels are the tags, and `db` when the
// request names one. Integers (`3i`, `3u`) and booleans are numbers here; fields with text are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/metric/metric_write.hpp"

namespace telltale::wire::influx {

struct LineOptions {
  std::int64_t unit_ns = 1;  // of the times
  UnixNanos now;             // of lines without one
  std::string_view db;       // empty: no such label
};

/// Nanoseconds in a unit as `precision=` says it: ns, n, us, u, µ, ms, s, m, h; empty is ns.
std::optional<std::int64_t> unit_from(std::string_view precision);

/// Errors have the number of their line, counted from 1. `body` outlives the result.
MetricWrite parse_lines(std::string_view body, const LineOptions& options);

}  // namespace telltale::wire::influx
