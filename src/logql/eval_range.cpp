// Range aggregations: planned onto the store's own aggregation where no row's text matters, else read row by
// row.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "logql/eval.hpp"
#include "logql/pipeline_impl.hpp"
#include "logql/pipeline_plan.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

constexpr std::string_view kPreserveLabel = "__preserve_error__";
// With fewer rows a quantile is computed of all values, not of a sketch within 1 %.
constexpr std::uint64_t kExactQuantileRows = 20'000;

/// What a range aggregation is made of.
struct RangeTask {
  query::WindowOp op = query::WindowOp::count;
  enum class Value : unsigned char { one, bytes, label, text } value = Value::one;
  bool per_second = false;
};

RangeTask task_of(const Expr& e) {
  using query::WindowOp;
  const bool unwrapped = e.log.unwrap.has_value();
  const auto of = [&](WindowOp op) { return RangeTask{op, RangeTask::Value::label, false}; };
  switch (e.range_op) {
    case RangeOp::rate:
      if (unwrapped) return {WindowOp::sum, RangeTask::Value::label, true};
      return {WindowOp::count, RangeTask::Value::one, true};
    case RangeOp::rate_counter:
      return {WindowOp::increase, RangeTask::Value::label, true};
    case RangeOp::count_over_time:
      return {WindowOp::count, RangeTask::Value::one, false};
    case RangeOp::absent_over_time:
      return {WindowOp::count, unwrapped ? RangeTask::Value::label : RangeTask::Value::one, false};
    case RangeOp::bytes_rate:
      return {WindowOp::sum, RangeTask::Value::bytes, true};
    case RangeOp::bytes_over_time:
      return {WindowOp::sum, RangeTask::Value::bytes, false};
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
      return {WindowOp::distinct, RangeTask::Value::text, false};
  }
  return {};
}

/// Series by the labels they keep. A row's labels in the order it has them are remembered as they are, so
/// that most rows cost one look-up and no sorting.
class SeriesNumbers {
 public:
  SeriesNumbers(Grouping grouping, std::string dropped)
      : grouping_(std::move(grouping)), dropped_(std::move(dropped)) {}

  std::uint32_t number(RowState& row) {
    key_.clear();
    if (grouping_.given && !grouping_.without) {
      for (const std::string& name : grouping_.labels)
        add_key({}, row.get(name).value_or(std::string_view()));
    } else {
      for (const RowState::Entry& e : row.labels())
        if (counts(e.name)) add_key(e.name, e.value);
    }
    if (const auto found = seen_.find(key_); found != seen_.end()) return found->second;
    std::vector<Label> labels;
    if (grouping_.given && !grouping_.without) {
      for (const std::string& name : grouping_.labels)
        labels.push_back({name, std::string(row.get(name).value_or(std::string_view()))});
    } else {
      for (const RowState::Entry& e : row.labels())
        if (counts(e.name)) labels.push_back({std::string(e.name), std::string(e.value)});
    }
    Labels sorted(std::move(labels));
    const auto [at, fresh] = numbers_.try_emplace(sorted, static_cast<std::uint32_t>(series_.size()));
    if (fresh) series_.push_back(std::move(sorted));
    if (seen_.size() > 4 * limits::kMaxQuerySeries) seen_.clear();
    seen_.emplace(key_, at->second);
    return at->second;
  }
  const std::vector<Labels>& series() const { return series_; }

 private:
  bool counts(std::string_view name) const {
    if (name == dropped_) return false;
    return !grouping_.without ||
           std::find(grouping_.labels.begin(), grouping_.labels.end(), name) == grouping_.labels.end();
  }
  void add_key(std::string_view name, std::string_view value) {
    const auto sizes = static_cast<std::uint64_t>(name.size()) << 32 | value.size();
    key_.append(reinterpret_cast<const char*>(&sizes), sizeof sizes);
    key_ += name;
    key_ += value;
  }

  struct LabelsHash {
    std::size_t operator()(const Labels& l) const { return l.hash(); }
  };
  const Grouping grouping_;
  const std::string dropped_;  // the unwrapped label
  std::string key_;
  std::unordered_map<std::string, std::uint32_t> seen_;
  std::unordered_map<Labels, std::uint32_t, LabelsHash> numbers_;
  std::vector<Labels> series_;
};

class LogSampleReader final : public query::SampleReader {
 public:
  static Result<std::unique_ptr<query::SampleReader>> make(const LogQuery& q, RangeTask::Value value,
                                                           const Grouping& grouping) {
    WantedLabels wanted;
    if (grouping.given && !grouping.without) wanted.emplace(grouping.labels.begin(), grouping.labels.end());
    TT_ASSIGN(StageChain chain, StageChain::make(q, wanted));
    auto out = std::make_unique<LogSampleReader>(std::move(chain), value, grouping,
                                                 q.unwrap ? q.unwrap->label : std::string());
    if (q.unwrap) {
      out->unwrap_ = *q.unwrap;
      for (const LabelFilter& f : q.unwrap->filters) {
        TT_ASSIGN(out->filters_.emplace_back(), make_filter_stage(f));
      }
    }
    return out;
  }
  LogSampleReader(StageChain chain, RangeTask::Value value, const Grouping& grouping, std::string dropped)
      : chain_(std::move(chain)),
        value_(value),
        numbers_(grouping, grouping.given && !grouping.without ? "" : std::move(dropped)) {}

  Result<bool> read(const EventRow& event, query::WindowSample& sample, std::uint32_t& series) override {
    if (!chain_.run(event)) return false;
    RowState& row = chain_.row();
    if (value_ == RangeTask::Value::bytes) sample.value = static_cast<double>(row.line().size());
    if (value_ == RangeTask::Value::one) sample.value = 1;
    if (unwrap_) {
      const auto text = row.get(unwrap_->label);
      if (!text || text->empty()) return false;
      if (value_ == RangeTask::Value::text) {
        sample.hash = hash64(*text);
      } else {
        convert(*text, row, sample.value);
      }
      for (const auto& f : filters_)
        if (!f->run(row)) return false;
    }
    if (row.has_error() && !row.get(kPreserveLabel)) return errored(row);
    series = numbers_.number(row);
    return true;
  }
  const std::vector<Labels>& series() const override { return numbers_.series(); }

 private:
  void convert(std::string_view text, RowState& row, double& out) const {
    std::optional<double> v;
    switch (unwrap_->conversion) {
      case Conversion::none:
        v = parse_go_float(text);
        break;
      case Conversion::bytes:
        if (const auto b = parse_byte_size(text)) v = static_cast<double>(*b);
        break;
      default:
        if (const auto d = parse_go_duration(text)) v = static_cast<double>(d->count()) / 1e9;
    }
    if (!v)
      row.set_error(pipeline_error::kSample,
                    fmt::format("{}: \"{}\" is no number of the kind wanted", unwrap_->label, text));
    out = v.value_or(0);
  }

  static tl::unexpected<Error> errored(const RowState& row) {
    std::vector<Label> labels;
    for (const auto& e : row.labels())
      if (e.home != LabelHome::parsed) labels.push_back({std::string(e.name), std::string(e.value)});
    return fail(ErrorKind::execution,
                fmt::format("pipeline error: '{}' in {}: {}. Lines with an error are left out by | "
                            "__error__=\"\" at the end of the "
                            "pipeline, behind unwrap if there is one.",
                            row.error(), Labels(std::move(labels)).to_string(), row.error_details()));
  }

  StageChain chain_;
  const RangeTask::Value value_;
  std::optional<Unwrap> unwrap_;
  std::vector<std::unique_ptr<RowStage>> filters_;
  SeriesNumbers numbers_;
};

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
    if (task.value != RangeTask::Value::one) return std::nullopt;
    return storage::Measure{MeasureOp::count, {}, 0};
  }
  const Unwrap& u = *e.log.unwrap;
  if (!u.filters.empty() && !drops_errors_only(u)) return std::nullopt;
  if (task.value == RangeTask::Value::text) return storage::Measure{MeasureOp::distinct, u.label, 0};
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
      return storage::Measure{MeasureOp::count, u.label, 0};
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
    if (e_.log.unwrap)
      (task_.value == RangeTask::Value::text ? texts : numbers).push_back(e_.log.unwrap->label);
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
      TT_ASSIGN(reader, LogSampleReader::make(e_.log, task_.value, grouping_));
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
