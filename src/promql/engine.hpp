// Evaluates PromQL over a MetricStore. A query is evaluated for all its steps at once: each selector reads
// every series once for the whole range and slides its window over the columns; operators then work on
// vectors of one value per step. An instant query is a range of one step.
//
// Semantics are those of Prometheus 3: windows are open on the left and closed on the right, the look-back is
// five minutes unless asked otherwise, a stale marker ends a series at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.hpp"
#include "base/parallel.hpp"
#include "base/result.hpp"
#include "model/sample.hpp"
#include "promql/ast.hpp"
#include "promql/features.hpp"
#include "storage/metric_store.hpp"

namespace telltale::promql {

struct EngineOptions {
  Millis lookback{std::chrono::minutes(5)};
  /// Step of a subquery that names none.
  Millis default_subquery_step{std::chrono::minutes(1)};
  Features features;
  Helpers helpers;                    // for series that are many
  std::size_t range_cache_bytes = 0;  // for answers to range queries; 0: none are kept
  bool has(Feature f) const { return features.has(f); }
};

struct QueryOptions {
  Millis lookback{0};     // 0: the engine's
  bool may_reuse = true;  // steps of an answer to the same question
};

struct ResultPoint {
  UnixMillis time;
  double value = 0;  // of a histogram its sum
};

struct ResultSeries {
  Labels labels;
  std::vector<ResultPoint> samples;  // exactly one for an instant vector
  /// Empty where all are floats; else one for each sample, null where that is a float.
  std::vector<std::shared_ptr<const Histogram>> histograms;

  const std::shared_ptr<const Histogram>& histogram(std::size_t i) const {
    static const std::shared_ptr<const Histogram> none;
    return histograms.empty() ? none : histograms[i];
  }
};

/// What a query cost, in the terms of Prometheus' `stats` parameter. A native histogram counts as one sample.
struct QueryStats {
  std::uint64_t series_read = 0;   // of the store; once for each selector they were read for
  std::uint64_t samples_read = 0;  // likewise
  /// Samples that each step looked at, added up: a window that two steps share counts in both.
  std::uint64_t queryable = 0;
  /// The most samples that were held at one time: what was read of one series, and values of operands.
  std::uint64_t peak = 0;
  Nanos preparing{0};  // parsing, checking, resolving of durations
  Nanos evaluating{0};
  Nanos sorting{0};
};

/// What /api/v1/query answers with, before JSON.
struct QueryResult {
  ValueType type = ValueType::vector;
  std::vector<ResultSeries> series;   // vector: in the order of the expression; matrix: by labels
  Sample scalar;                      // type scalar
  std::string text;                   // type string
  std::vector<std::string> warnings;  // each ends with its place: "… (1:5)"
  std::vector<std::string> infos;
  QueryStats stats;
};

class RangeCache;
class Evaluator;
struct StepSeries;
struct Steps;

/// Thread-safe. The store must outlive it.
class Engine {
 public:
  explicit Engine(storage::MetricStore& store, EngineOptions options = {});
  ~Engine();

  /// Errors: invalid_argument (parse errors), execution (matching errors and the like), and those of the
  /// store and the context.
  Result<QueryResult> instant(std::string_view expr, const storage::Projects& projects, UnixMillis time,
                              WorkContext& context, QueryOptions options = {}) const;
  /// Every step from `start` to `end`, both included. A scalar comes as one series without labels. step > 0.
  Result<QueryResult> range(std::string_view expr, const storage::Projects& projects, UnixMillis start,
                            UnixMillis end, Millis step, WorkContext& context,
                            QueryOptions options = {}) const;

  /// Whether the text can be asked here: invalid_argument when it does not parse or uses a feature that is
  /// off.
  Result<> check(std::string_view expr) const;

  const EngineOptions& options() const { return options_; }

 private:
  /// The series of a range query; unchanged steps of the answer before are taken from there.
  Result<std::vector<StepSeries>> range_kept(const std::string& key, std::int64_t ahead, const Expr& expr,
                                             const Steps& steps, const storage::Projects& projects,
                                             Evaluator& evaluator, WorkContext& context) const;

  storage::MetricStore& store_;
  const EngineOptions options_;
  std::unique_ptr<RangeCache> cache_;  // null: none
};

/// As Prometheus prints sample values: shortest form that reads back, `+Inf`, `-Inf`, `NaN`.
std::string format_value(double value);

}  // namespace telltale::promql
