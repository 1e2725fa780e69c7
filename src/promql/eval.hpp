// The evaluator's own types. A vector is a list of series with one value per step; "no value here" is the
// stale marker, which no operator can produce, because arithmetic turns it into a quiet NaN. A histogram
// stands beside its place in the values; series of floats alone have no list of histograms, so that they cost
// nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include "model/histogram.hpp"
#include "promql/duration.hpp"
#include "promql/engine.hpp"
#include "promql/window_plan.hpp"

namespace telltale::promql {

inline double absent_value() { return stale_nan(); }
inline bool is_absent(double v) { return is_stale_nan(v); }

using HistogramPtr = std::shared_ptr<const Histogram>;

/// What a series has at a step: a number, a histogram (then the number is its sum), or nothing.
struct StepValue {
  double number = absent_value();
  HistogramPtr histogram;

  StepValue() = default;
  StepValue(double v) : number(v) {}  // NOLINT: a number is a value
  explicit StepValue(HistogramPtr h) : number(h->sum), histogram(std::move(h)) {}
  explicit StepValue(Histogram h) : StepValue(std::make_shared<const Histogram>(std::move(h))) {}
  bool absent() const { return is_absent(number); }
};

struct StepSeries {
  Labels labels;
  std::vector<double> values;
  bool drop_name = false;
  /// Empty where all are floats; else one for each step, null where there is a float or nothing.
  std::vector<HistogramPtr> histograms;

  const Histogram* histogram(std::size_t i) const {
    return histograms.empty() ? nullptr : histograms[i].get();
  }
  StepValue at(std::size_t i) const {
    StepValue out(values[i]);
    if (!histograms.empty()) out.histogram = histograms[i];
    return out;
  }
  void put(std::size_t i, StepValue v) {
    values[i] = v.number;
    if (v.histogram != nullptr && histograms.empty()) histograms.resize(values.size());
    if (!histograms.empty()) histograms[i] = std::move(v.histogram);
  }
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

/// Samples of one series, in order. `histograms` and `starts` are empty where there are none.
struct Columns {
  std::span<const std::int64_t> times;
  std::span<const double> values;
  std::span<const HistogramPtr> histograms;
  std::span<const std::int64_t> starts;
  std::span<const std::uint32_t> weights;  // of how many samples each tells; empty: of itself

  /// Without weights.
  Columns part(std::size_t begin, std::size_t count) const {
    return {times.subspan(begin, count),
            values.subspan(begin, count),
            histograms.empty() ? histograms : histograms.subspan(begin, count),
            starts.empty() ? starts : starts.subspan(begin, count),
            {}};
  }
  const Histogram* histogram(std::size_t i) const {
    return histograms.empty() ? nullptr : histograms[i].get();
  }
  std::int64_t start(std::size_t i) const { return starts.empty() ? 0 : starts[i]; }
  /// Whether a counter began anew between sample i and the one before it, by what the two say of their start.
  bool start_reset(std::size_t i) const { return !starts.empty() && told_reset(i); }
  bool told_reset(std::size_t i) const;
  /// How many samples entries [begin, end) tell of beyond themselves.
  std::uint64_t stood_for(std::size_t begin, std::size_t end) const {
    std::uint64_t n = 0;
    if (weights.empty()) return n;
    for (const std::uint32_t w : weights.subspan(begin, end - begin)) n += w - 1;
    return n;
  }
};

/// Columns with their memory.
struct OwnedColumns {
  std::vector<std::int64_t> times;
  std::vector<double> values;
  std::vector<HistogramPtr> histograms;
  std::vector<std::int64_t> starts;
  std::vector<std::uint32_t> weights;

  void clear();
  /// Sample i of `from`.
  void take(const Columns& from, std::size_t i);
  Columns view() const { return {times, values, histograms, starts, weights}; }
};

/// One window of one series: (from, to].
struct Window : Columns {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t step_time = 0;
  double param = 0;
  double param2 = 0;
  std::uint64_t beyond = 0;  // samples that it tells of without having them (storage::SeriesView::weights)

  double samples() const { return static_cast<double>(values.size() + beyond); }
};
/// Over a window of floats.
using WindowFunction = double (*)(const Window&);
/// Null when `name` is not a function over a range.
WindowFunction find_window_function(std::string_view name);
bool takes_extension(std::string_view function, Extension extension);
/// `w` holds samples from outside of (from, to], too, as far as the look-back.
double extended_value(std::string_view function, const Window& w, Extension extension);
/// The value at `t`, on the line from sample i, the last one at or before `t`, to the next.
double smoothed_at(const Columns& c, std::size_t i, std::int64_t t, std::int64_t lookback);
double quantile_of(double phi, std::vector<double>& values);
/// The factor by which growth that was seen is stretched to the window's edges; `grown` of `first` is how
/// much of it a counter had at its first sample. With `start`, the counter began inside of the window at that
/// time.
double extrapolation_factor(const Window& w, bool counter, double first, double grown, bool from_start);
/// Whether the window's first sample tells that its counter began inside of the window.
bool starts_inside(const Window& w);

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
  void add(double v) {
    const double t = sum + v;
    if (std::isinf(t)) {
      error = 0;
    } else {
      error += std::abs(sum) >= std::abs(v) ? (sum - t) + v : (v - t) + sum;
    }
    sum = t;
  }
  double value() const { return std::isinf(sum) ? sum : sum + error; }
};

/// Takes series as they are read: begin() first, then take() from several threads at once, each with shares
/// of its own. A share's series come one after the other.
class SeriesSink {
 public:
  virtual ~SeriesSink() = default;
  virtual void begin(std::size_t shares) = 0;
  virtual Result<> take(std::size_t share, const storage::SeriesLabels& labels, bool drop_name,
                        const Columns& samples) = 0;
};

/// What a share of the series has come to.
template <class T>
struct ListShare {
  std::vector<T> list;
  WindowPlan plan;  // of the series before
};

/// Keeps what `make(labels, drop_name, samples, share)` adds to a list of things with labels.
template <class T, class Make>
class LabelledListSink final : public SeriesSink {
 public:
  explicit LabelledListSink(Make make) : make_(std::move(make)) {}
  void begin(std::size_t shares) override { shares_.resize(shares); }
  Result<> take(std::size_t share, const storage::SeriesLabels& labels, bool drop_name,
                const Columns& samples) override {
    return make_(labels, drop_name, samples, shares_[share]);
  }
  /// All of it, in the order of labels.
  std::vector<T> take_all() {
    if (shares_.empty()) return {};
    std::vector<T> out = std::move(shares_.front().list);
    for (std::size_t i = 1; i < shares_.size(); ++i)
      std::move(shares_[i].list.begin(), shares_[i].list.end(), std::back_inserter(out));
    const auto before = [](const T& a, const T& b) { return a.labels < b.labels; };
    if (!std::is_sorted(out.begin(), out.end(), before)) std::stable_sort(out.begin(), out.end(), before);
    return out;
  }

 private:
  Make make_;
  std::vector<ListShare<T>> shares_;
};
template <class T, class Make>
LabelledListSink<T, Make> list_sink(Make make) {
  return LabelledListSink<T, Make>(std::move(make));
}

/// One query's evaluation. Not thread-safe, but for annotations and what a SeriesSink is given.
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
  void annotate(std::set<std::string>& to, std::string_view kind, const std::string& message, const Expr& at);
  void warn(const std::string& message, const Expr& at) { annotate(warnings, "warning", message, at); }
  void inform(const std::string& message, const Expr& at) { annotate(infos, "info", message, at); }

  std::set<std::string> warnings;
  std::set<std::string> infos;
  /// Without times.
  QueryStats stats() const;

 private:
  Result<StepVector> eval_now(const Expr& e, const Steps& steps);
  /// One step for all when none differs.
  Result<StepVector> eval_steps(const Expr& e, const Steps& steps);
  /// What an instant selector is read for.
  enum class Read { values, timestamps, start_times };
  Result<StepVector> selector(const Expr& e, const Steps& steps, Read read);
  StepValue smoothed_value(const Expr& e, const storage::SeriesLabels& labels, const Columns& c,
                           std::size_t i, std::int64_t t);
  /// Counts a histogram that the query keeps against its memory.
  Result<> charge(const HistogramPtr& h) { return h == nullptr ? Result<>() : context_.charge(h->bytes()); }
  storage::SelectHints hints_of(std::int64_t step, std::int64_t window, std::string_view function) const;
  /// Says so when a metric that is used as a counter is not named (or typed) like one.
  void check_counter(const storage::SeriesLabels& labels, const Expr& at);
  Result<> fetch(const Expr& selector, std::int64_t from, std::int64_t to, const storage::SelectHints& hints,
                 SeriesSink& sink);
  Result<> fetch_joined(storage::SeriesCursor& cursor, const Expr& selector,
                        const storage::SelectHints& hints, SeriesSink& sink);
  Result<> each_range(const Expr& e, const Steps& steps, std::string_view function, SeriesSink& sink);
  /// Where an instant selector looks at the steps; the last sample in a window is its value.
  WindowTimes instants_of(const Expr& e, const Steps& steps) const;
  /// Its floats at the steps; how many there are.
  Result<std::uint64_t> instant_row(const WindowTimes& instants, const Columns& c, StepSeries& out,
                                    WindowPlan& plan);
  /// WindowPlan::follow; what a plan takes is charged once.
  Result<> follow(WindowPlan& plan, const WindowTimes& windows, const Columns& c);
  /// A function over windows of one selector or subquery.
  struct RangeCall {
    const Expr& e;
    const Expr& range;
    const Expr& selector;  // range's, if it has one
    WindowFunction fn;
    const std::vector<double>* params;
    const std::vector<double>* params2;
    WindowTimes windows;
    bool overlapping;  // windows share samples with the next

    bool counter() const { return e.text == "rate" || e.text == "increase"; }
    bool growth() const { return counter() || e.text == "delta"; }
    bool keeps_name() const { return e.text == "last_over_time" || e.text == "first_over_time"; }
  };
  RangeCall range_call(const Expr& e, const Steps& steps, const Expr& range, WindowFunction fn,
                       const std::vector<double>* params, const std::vector<double>* params2) const;
  /// Its values at the steps, for one series; how many samples they were made of.
  Result<std::uint64_t> range_row(const RangeCall& call, const Steps& steps,
                                  const storage::SeriesLabels& labels, const Columns& c, StepSeries& out,
                                  WindowPlan& plan);
  /// Of the steps' times as `e` reads them.
  WindowTimes windows_of(const Expr& e, const Steps& steps, std::int64_t back, std::int64_t ahead) const;
  std::int64_t time_of(const Expr& e, std::int64_t step_time) const;
  Result<StepVector> unary(const Expr& e, const Steps& steps);
  Result<StepVector> binary(const Expr& e, const Steps& steps);
  Result<StepVector> vector_scalar(const Expr& e, StepVector v, const std::vector<double>& s, bool swapped);
  /// A pair of which at least one is a histogram, or whose operator is for histograms.
  StepValue mixed_pair(const Expr& e, const StepValue& a, const StepValue& b, const StepValue& kept);
  StepValue histogram_sum(const Expr& e, const Histogram& a, const Histogram& b);
  Result<StepVector> vector_vector(const Expr& e, StepVector l, StepVector r, std::size_t n);
  /// `matters`: the steps at which duplicates of the one side are refused.
  Result<> match(const Expr& e, const std::vector<const StepSeries*>& many_side,
                 const std::vector<const StepSeries*>& one_side, const std::vector<bool>& matters,
                 StepVector& out);
  Result<StepVector> set_operation(const Expr& e, StepVector l, StepVector r, std::size_t n);
  Result<StepVector> aggregate(const Expr& e, const Steps& steps);
  /// The same without a row for each series in memory, where that can be (fused.cpp); else nullopt.
  Result<std::optional<StepVector>> fused(const Expr& e, const Steps& steps);
  /// What the members, some of which are histograms, give at a step.
  StepValue fold_mixed(const Expr& e, const StepVector& v, const std::vector<std::size_t>& members,
                       std::size_t step, double param);
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
  struct HistogramArgument;
  void sort_into(const StepSeries& s, HistogramArgument& in, const Expr& arg);
  double quantile_of_native(const Histogram& h, double phi, const StepSeries& s, const Expr& arg);
  double fraction_of(const Histogram& h, double lower, double upper, const StepSeries& s, const Expr& arg);
  Result<StepVector> histogram_statistic(const Expr& e, const Steps& steps);
  /// execution when the value is longer than limits::kMaxMadeLabelBytes.
  Result<> set_label(StepSeries& s, const std::string& name, const std::string& value);
  Result<StepVector> label_function(const Expr& e, const Steps& steps);
  Result<StepVector> clamp_or_round(const Expr& e, const Steps& steps);
  Result<StepVector> time_function(const Expr& e, const Steps& steps);
  Result<StepVector> sorted(const Expr& e, const Steps& steps);
  void check_quantile(double phi, const Expr& at);

  storage::MetricStore& store_;
  const EngineOptions& options_;
  const storage::Projects& projects_;
  const std::string_view text_;
  const std::int64_t lookback_;
  const QuerySpan outer_;
  WorkContext& context_;
  std::mutex annotations_;
  // What was read and looked at (QueryStats); from several threads.
  std::atomic<std::uint64_t> series_read_{0};
  std::atomic<std::uint64_t> samples_read_{0};
  std::atomic<std::uint64_t> queryable_{0};
  std::atomic<std::uint64_t> peak_{0};
  std::uint64_t held_ = 0;  // values of operands that are evaluated and not yet used
  void see(std::uint64_t samples) { queryable_.fetch_add(samples, std::memory_order_relaxed); }
  void hold(std::uint64_t samples);
};

/// The name and what belongs to it: `__type__` and `__unit__` say what the metric is, so they leave with it.
bool belongs_to_name(std::string_view label);
void erase_name(Labels& labels);

/// The key of the labels named (or, for without, of all others but the name).
std::string grouping_key(const Labels& labels, const std::vector<std::string>& names, bool without);

}  // namespace telltale::promql
