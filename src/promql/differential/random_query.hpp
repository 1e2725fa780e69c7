// Random series and random queries that fit them: one place from which the naive evaluator, the engine and
// other servers get the same. The queries have types that fit and mostly find something; what they find has
// gaps, stale markers, resets, decimals, NaN and infinities.
#pragma once

#include "promql/differential/naive.hpp"

namespace telltale::promql::naive {

struct Shape {
  std::int64_t base_ms = 1'700'000'040'000;  // a multiple of a minute; data begin here
  std::int64_t span_ms = 3'000'000;
  /// No sample and no step of a subquery lies on the edge of a window, where versions of Prometheus differ in
  /// what is inside: samples are off whole seconds, and times, ranges and steps keep apart modulo ten
  /// seconds.
  bool off_edges = false;
};

std::vector<Series> random_series(Rng& rng, const Shape& shape);

struct Query {
  std::string text;
  QuerySpan span;  // step 0: instant
};
Query random_query(Rng& rng, const Shape& shape);

}  // namespace telltale::promql::naive
