// Range aggregations: planned onto the store's own aggregation where no row's text matters, else read row by
// row.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "logql/eval.hpp"
#include "logql/log_samples.hpp"
#include "logql/pipeline_plan.hpp"
#include "logql/row_state.hpp"

namespace telltale::logql {
namespace {

// With fewer rows a quantile is computed of all values, not of a sketch within 1 %.
constexpr std::uint64_t kExactQuantileRows = 20'000;

/// What a range aggregation is made of.
struct RangeTask {
  query::WindowOp op = query::WindowOp::count;
  SampleValue value = SampleValue::one;
  bool per_second = false;
};

RangeTask task_of(const Expr& e) {
  using query::WindowOp;
  const bool unwrapped = e.log.unwrap.has_value();
  const auto of = [&](WindowOp op) { return RangeTask{op, SampleValue::label, false}; };
  switch (e.range_op) {
    case RangeOp::rate:
      if (unwrapped) return {WindowOp::sum, SampleValue::label, true};
      return {WindowOp::count, SampleValue::one, true};
    case RangeOp::rate_counter:
      return {WindowOp::increase, SampleValue::label, true};
    case RangeOp::count_over_time:
      return {WindowOp::count, SampleValue::one, false};
    case RangeOp::absent_over_time:
      return {WindowOp::count, unwrapped ? SampleValue::label : SampleValue::one, false};
    case RangeOp::bytes_rate:
      return {WindowOp::sum, SampleValue::bytes, true};
    case RangeOp::bytes_over_time:
      return {WindowOp::sum, SampleValue::bytes, false};
    case RangeOp::sum_over_time:
      return of(WindowOp::sum);
    case RangeOp::avg_over_time:
      return of(WindowOp::avg);
    case RangeOp::min_over_time:
      return of(WindowOp::min);
    case RangeOp::max_over_time:
      return of(WindowOp::max);
    case RangeOp::stdvar_over_time:
      return of(WindowOp::stdvar);
    case RangeOp::stddev_over_time:
      return of(WindowOp::stddev);
    case RangeOp::quantile_over_time:
      return of(WindowOp::quantile);
    case RangeOp::first_over_time:
      return of(WindowOp::first);
    case RangeOp::last_over_time:
      return of(WindowOp::last);
    case RangeOp::distinct_over_time:
      return {WindowOp::distinct, SampleValue::text, false};
  }
  return {};
}

/// Whether the filters behind unwrap do nothing but leave out errors.
bool drops_errors_only(const Unwrap& u) {
  return !u.filters.empty() && std::all_of(u.filters.begin(), u.filters.end(), [](const LabelFilter& f) {
    return f.kind == LabelFilterKind::text && f.name == kErrorLabel && f.op == CompareOp::eq &&
           f.value.empty();
  });
}

/// The store's measure for a task, if it has one that means the same.
std::optional<storage::Measure> measure_of(const Expr& e, const RangeTask& task) {
  using query::WindowOp;
  using storage::MeasureOp;
  if (!e.log.unwrap) {
    if (task.value != SampleValue::one) return std::nullopt;
    return storage::Measure{MeasureOp::count, {}, 0};
  }
  const Unwrap& u = *e.log.unwrap;
  if (!u.filters.empty() && !drops_errors_only(u)) return std::nullopt;
  if (task.value == SampleValue::text) return storage::Measure{MeasureOp::distinct, u.label, 0};
  if (u.conversion != Conversion::none) return std::nullopt;
  switch (task.op) {
    case WindowOp::sum:
      return storage::Measure{MeasureOp::sum, u.label, 0};
    case WindowOp::min:
      return storage::Measure{MeasureOp::min, u.label, 0};
    case WindowOp::max:
      return storage::Measure{MeasureOp::max, u.label, 0};
    case WindowOp::first:
      return storage::Measure{MeasureOp::first, u.label, 0};
    case WindowOp::last:
      return storage::Measure{MeasureOp::last, u.label, 0};
    case WindowOp::count:
      return storage::Measure{MeasureOp::count, {}, 0};  // of rows that have the label, as the plan asks
    case WindowOp::quantile: {
      const double q = e.parameter.value_or(0);
      if (!(q >= 0 && q <= 1)) return std::nullopt;
      return storage::Measure{MeasureOp::quantile, u.label, q};
    }
    default:
      return std::nullopt;  // averages do not add up
  }
}

/// Whether numbers of two sets of rows make the number of both.
bool adds_up(query::WindowOp op) {
  return op == query::WindowOp::count || op == query::WindowOp::sum || op == query::WindowOp::min ||
         op == query::WindowOp::max;
}

class RangeEvaluation {
 public:
  RangeEvaluation(const Expr& e, const Grouping& grouping, const query::WindowGrid& grid,
                  EvalContext& context)
      : e_(e),
        task_(task_of(e)),
        grouping_(grouping),
        grid_(grid),
        context_(context),
        pushed_(push_down(e.log)) {}

  Result<std::vector<SeriesValues>> run() {
    const auto measure = groups_by_fields() ? measure_of(e_, task_) : std::nullopt;
    const auto stored = measure ? plan() : std::nullopt;
    if (!stored) return row_by_row(pushed_.filter);
    // The rows of which the stored fields do not tell: mostly none, so they come first.
    std::vector<SeriesValues> rest;
    if (!stored->given.children.empty()) {
      TT_ASSIGN(rest, row_by_row(storage::EventFilter::all_of({pushed_.filter, none(stored->given)})));
      if (!rest.empty() && !adds_up(task_.op)) return row_by_row(pushed_.filter);
    }
    TT_ASSIGN(auto by_store, by_the_store(*stored, *measure));
    if (!by_store) return row_by_row(pushed_.filter);
    return joined(*std::move(by_store), std::move(rest));
  }

  bool per_second() const { return task_.per_second; }

 private:
  static storage::EventFilter none(storage::EventFilter f) {
    return {storage::FilterOp::none, {}, {}, {std::move(f)}, {}, false};
  }

  bool groups_by_fields() const {
    if (!grouping_.given || grouping_.without || grouping_.labels.size() > limits::kMaxGroupFields)
      return false;
    return std::none_of(grouping_.labels.begin(), grouping_.labels.end(), [](const std::string& label) {
      return label == kErrorLabel || label == kErrorDetailsLabel;
    });
  }

  std::optional<StoredPlan> plan() const {
    std::vector<std::string> texts = grouping_.labels;
    std::vector<std::string> numbers;
    if (e_.log.unwrap) (task_.value == SampleValue::text ? texts : numbers).push_back(e_.log.unwrap->label);
    // Without a parser a label is a stored field by definition.
    if (pushed_.exact && numbers.empty()) return StoredPlan{pushed_.filter, {}};
    return plan_on_stored(e_.log, texts, numbers);
  }

  Result<std::optional<std::vector<SeriesValues>>> by_the_store(const StoredPlan& stored,
                                                                const storage::Measure& measure) {
    query::AggregatePlan plan;
    plan.table = context_.request.table;
    plan.projects = context_.request.projects;
    plan.filter = storage::EventFilter::all_of({stored.filter, stored.given});
    // A row without the label is no sample, not even of an empty group.
    if (e_.log.unwrap)
      plan.filter.children.push_back(
          storage::EventFilter::spelled(storage::FilterOp::exists, e_.log.unwrap->label));
    plan.group_by = grouping_.labels;
    plan.grid = grid_;
    plan.measure = measure;
    plan.max_series = limits::kMaxQuerySeries;
    // Few values are worth an exact quantile.
    if (measure.op == storage::MeasureOp::quantile) plan.least_samples = kExactQuantileRows;
    auto out = query::run_aggregated(context_.store, plan, context_.context);
    if (out && *out) context_.stats.aggregated_groups += (*out)->size();
    return out;
  }

  Result<std::vector<SeriesValues>> row_by_row(storage::EventFilter filter) {
    query::WindowPlan plan;
    plan.scan.table = context_.request.table;
    plan.scan.projects = context_.request.projects;
    plan.scan.filter = std::move(filter);
    plan.grid = grid_;
    plan.op = task_.op;
    plan.q = e_.parameter.value_or(0);
    plan.max_series = limits::kMaxQuerySeries;
    std::vector<std::unique_ptr<query::SampleReader>> readers(query::scan_pieces(grid_.covered()));
    for (auto& reader : readers) {
      TT_ASSIGN(reader, make_sample_reader(e_.log, task_.value, grouping_));
    }
    query::ScanStats stats;
    auto out =
        query::run_windows(context_.store, std::move(plan), std::move(readers), stats, context_.context);
    context_.stats.rows += stats.rows;
    context_.stats.bytes += stats.bytes;
    return out;
  }

  Result<std::vector<SeriesValues>> joined(std::vector<SeriesValues> a, std::vector<SeriesValues> b) const {
    if (b.empty()) return a;
    std::map<Labels, std::vector<double>> out;
    for (SeriesValues& s : a) out.emplace(std::move(s.labels), std::move(s.values));
    for (SeriesValues& s : b) {
      const auto [at, fresh] = out.try_emplace(std::move(s.labels), std::move(s.values));
      for (std::size_t k = 0; !fresh && k < s.values.size(); ++k)
        at->second[k] = both(at->second[k], s.values[k]);
    }
    if (out.size() > limits::kMaxQuerySeries)
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("more than {} series (kMaxQuerySeries)", limits::kMaxQuerySeries));
    std::vector<SeriesValues> list;
    for (auto& [labels, values] : out) list.push_back({labels, std::move(values)});
    return list;
  }
  double both(double a, double b) const {
    if (!query::has_value(a)) return b;
    if (!query::has_value(b)) return a;
    if (task_.op == query::WindowOp::min) return std::min(a, b);
    if (task_.op == query::WindowOp::max) return std::max(a, b);
    return a + b;
  }

  const Expr& e_;
  const RangeTask task_;
  const Grouping& grouping_;
  const query::WindowGrid grid_;
  EvalContext& context_;
  const PushDown pushed_;
};

/// The labels that absent_over_time's answer has: of equality matchers whose label stands once.
Labels absent_labels(const LogQuery& q) {
  std::vector<Label> out;
  for (const Matcher& m : q.matchers) {
    const auto same = std::count_if(q.matchers.begin(), q.matchers.end(),
                                    [&m](const Matcher& o) { return o.name == m.name; });
    if (m.op == CompareOp::eq && same == 1) out.push_back({m.name, m.value});
  }
  return Labels(std::move(out));
}

StepValues absent(const Expr& e, const std::vector<SeriesValues>& present, std::size_t steps) {
  SeriesValues out{absent_labels(e.log), std::vector<double>(steps, 1)};
  for (const SeriesValues& s : present)
    for (std::size_t k = 0; k < steps; ++k)
      if (query::has_value(s.values[k])) out.values[k] = query::no_value();
  StepValues result;
  if (std::any_of(out.values.begin(), out.values.end(), query::has_value))
    result.series.push_back(std::move(out));
  return result;
}

}  // namespace

Result<StepValues> eval_range(const Expr& e, const Grouping* inner_grouping, EvalContext& context) {
  query::WindowGrid grid = context.grid;
  grid.range = e.log.range;
  grid.offset = e.log.offset;
  Grouping grouping = inner_grouping != nullptr ? *inner_grouping : e.grouping;
  if (e.range_op == RangeOp::absent_over_time) grouping = {true, false, {}};
  RangeEvaluation evaluation(e, grouping, grid, context);
  StepValues out;
  TT_ASSIGN(out.series, evaluation.run());
  if (e.range_op == RangeOp::absent_over_time) return absent(e, out.series, grid.steps);
  if (evaluation.per_second()) {
    const double seconds = static_cast<double>(grid.range.count()) / 1e9;
    for (SeriesValues& s : out.series)
      for (double& v : s.values)
        if (query::has_value(v)) v /= seconds;
  }
  return out;
}

}  // namespace telltale::logql
