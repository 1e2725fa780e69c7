// The evaluator's own types. A vector is a list of series with one value per step; "no value here" is the
// stale marker, which no operator can produce, because arithmetic turns it into a quiet NaN.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>

#include "promql/duration.hpp"
#include "promql/engine.hpp"

namespace telltale::promql {

inline double absent_value() { return stale_nan(); }
inline bool is_absent(double v) { return is_stale_nan(v); }

struct StepSeries {
  Labels labels;
  std::vector<double> values;
  bool drop_name = false;
};

struct StepVector {
  ValueType type = ValueType::vector;
  std::vector<StepSeries> series;  // vector
  std::vector<double> scalars;     // scalar
  std::string text;                // string
};

struct Steps {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::size_t count = 1;
  std::int64_t at(std::size_t i) const { return start + static_cast<std::int64_t>(i) * step; }
  std::int64_t last() const { return at(count - 1); }
};

/// One window of one series: (from, to], samples in order.
struct Window {
  std::span<const std::int64_t> times;
  std::span<const double> values;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t step_time = 0;
  double param = 0;
  double param2 = 0;
};
using WindowFunction = double (*)(const Window&);
/// Null when `name` is not a function over a range.
WindowFunction find_window_function(std::string_view name);
bool takes_extension(std::string_view function, Extension extension);
/// `w` holds samples from outside of (from, to], too, as far as the look-back.
double extended_value(std::string_view function, const Window& w, Extension extension);
/// The value at `t`, on the line from sample i, the last one at or before `t`, to the next.
double smoothed_at(std::span<const std::int64_t> times, std::span<const double> values, std::size_t i,
                   std::int64_t t, std::int64_t lookback);
double quantile_of(double phi, std::vector<double>& values);

struct Bucket {
  double upper = 0;
  double count = 0;
};
/// Both sort and repair `buckets`; `forced` tells that counts had to be made monotonic.
double histogram_quantile_of(double phi, std::vector<Bucket>& buckets, bool& forced);
double histogram_fraction_of(double lower, double upper, std::vector<Bucket>& buckets);

/// A sum that keeps the rounding error apart (Neumaier).
struct KahanSum {
  double sum = 0;
  double error = 0;
  void add(double v);
  double value() const;
};

/// One query's evaluation. Not thread-safe.
class Evaluator {
 public:
  Evaluator(storage::MetricStore& store, const EngineOptions& options, const storage::Projects& projects,
            std::string_view text, std::int64_t lookback, QuerySpan outer, WorkContext& context)
      : store_(store),
        options_(options),
        projects_(projects),
        text_(text),
        lookback_(lookback),
        outer_(outer),
        context_(context) {}

  Result<StepVector> eval(const Expr& e, const Steps& steps);
  /// Samples of a range selector at the only step, for an instant query of type matrix.
  Result<std::vector<ResultSeries>> raw(const Expr& e, const Steps& steps);
  Result<> finish(std::vector<StepSeries>& series, bool last);

  std::set<std::string> warnings;
  std::set<std::string> infos;

 private:
  using SeriesFn = std::function<Result<>(const Labels&, bool drop_name, std::span<const std::int64_t>,
                                          std::span<const double>)>;

  Result<StepVector> eval_now(const Expr& e, const Steps& steps);
  Result<StepVector> selector(const Expr& e, const Steps& steps, bool timestamps);
  Result<> fetch(const Expr& selector, std::int64_t from, std::int64_t to, const storage::SelectHints& hints,
                 const SeriesFn& fn);
  Result<> each_range(const Expr& e, const Steps& steps, std::string_view function, const SeriesFn& fn);
  std::int64_t time_of(const Expr& e, std::int64_t step_time) const;
  Result<StepVector> unary(const Expr& e, const Steps& steps);
  Result<StepVector> binary(const Expr& e, const Steps& steps);
  Result<StepVector> vector_scalar(const Expr& e, StepVector v, const std::vector<double>& s, bool swapped);
  Result<StepVector> vector_vector(const Expr& e, StepVector l, StepVector r, std::size_t n);
  Result<> match(const Expr& e, const std::vector<const StepSeries*>& many_side,
                 const std::vector<const StepSeries*>& one_side, std::size_t n, StepVector& out);
  Result<StepVector> set_operation(const Expr& e, StepVector l, StepVector r, std::size_t n);
  Result<StepVector> aggregate(const Expr& e, const Steps& steps);
  Result<StepVector> call(const Expr& e, const Steps& steps);
  Result<StepVector> over_range(const Expr& e, const Steps& steps, const Expr& range, WindowFunction fn,
                                const std::vector<double>* params,
                                const std::vector<double>* params2 = nullptr);
  Result<StepVector> over_range_with_params(const Expr& e, const Steps& steps, WindowFunction fn);
  Result<StepVector> sorted_by_label(const Expr& e, const Steps& steps);
  Result<StepVector> query_function(const Expr& e, const Steps& steps);
  Result<StepVector> info(const Expr& e, const Steps& steps);
  /// When the first selector below `e` reads for a step; false if there is none.
  bool info_time(const Expr& e, std::int64_t step_time, std::int64_t& out) const;
  Result<StepVector> absent(const Expr& e, const Steps& steps);
  Result<StepVector> histogram(const Expr& e, const Steps& steps);
  Result<StepVector> label_function(const Expr& e, const Steps& steps);
  Result<StepVector> clamp_or_round(const Expr& e, const Steps& steps);
  Result<StepVector> time_function(const Expr& e, const Steps& steps);
  Result<StepVector> sorted(const Expr& e, const Steps& steps);
  void annotate(std::set<std::string>& to, std::string_view kind, const std::string& message, const Expr& at);
  void check_quantile(double phi, const Expr& at);

  storage::MetricStore& store_;
  const EngineOptions& options_;
  const storage::Projects& projects_;
  const std::string_view text_;
  const std::int64_t lookback_;
  const QuerySpan outer_;
  WorkContext& context_;
};

/// The name and what belongs to it: `__type__` and `__unit__` say what the metric is, so they leave with it.
bool belongs_to_name(std::string_view label);
void erase_name(Labels& labels);

/// The key of the labels named (or, for without, of all others but the name).
std::string grouping_key(const Labels& labels, const std::vector<std::string>& names, bool without);

}  // namespace telltale::promql
