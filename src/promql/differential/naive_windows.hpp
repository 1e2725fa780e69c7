// What the functions over a range make of its samples, and what aggregations make of their members: each the
// formula of Prometheus' documentation, in long double where something is added up.
#pragma once

#include <optional>
#include <string_view>

#include "promql/differential/naive.hpp"

namespace telltale::promql::naive {

/// A range of samples without stale markers, never empty.
struct Range {
  std::vector<Point> points;
  std::int64_t from_ms = 0;  // open
  std::int64_t to_ms = 0;    // closed
  std::int64_t now_ms = 0;   // of the evaluation
  double param = 0;
};

/// A number, and whether rounding may have touched it. `cancels`: differences of numbers as large as `of` are
/// in it.
struct Computed {
  double value = 0;
  bool exact = true;
  bool cancels = false;
  double of = 0;
};

/// nullopt: no value here. Unknown functions are a bug.
std::optional<Computed> over_time(std::string_view function, const Range& range, const Rules& rules);

/// sum avg min max count group stddev stdvar quantile; `values` is not empty.
Computed aggregate(std::string_view op, std::vector<double> values, double param, const Rules& rules);

struct UpTo {
  double upper;
  double count;
};
/// The phi-quantile of a classic histogram's cumulative buckets, in any order.
double quantile_of_buckets(double phi, std::vector<UpTo> buckets);

}  // namespace telltale::promql::naive
