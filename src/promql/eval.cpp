// Selectors, ranges and the dispatch. binary.cpp, aggregate.cpp and call.cpp hold the operators.
#include "promql/eval.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/limits.hpp"
#include "promql/mixed_window.hpp"
#include "promql/parser.hpp"

namespace telltale::promql {

bool belongs_to_name(std::string_view label) {
  return label == kMetricName || label == "__type__" || label == "__unit__";
}

void erase_name(Labels& labels) {
  for (std::string_view label : {kMetricName, std::string_view("__type__"), std::string_view("__unit__")})
    labels.erase(label);
}

std::string grouping_key(const Labels& labels, const std::vector<std::string>& names, bool without) {
  std::string key;
  if (without) {
    for (const Label& l : labels) {
      if (belongs_to_name(l.name) || std::find(names.begin(), names.end(), l.name) != names.end()) continue;
      key += l.name + '\xff' + l.value + '\xfe';
    }
  } else {
    for (const std::string& name : names) key += std::string(labels.get(name)) + '\xfe';
  }
  return key;
}

void Evaluator::annotate(std::set<std::string>& to, std::string_view kind, const std::string& message,
                         const Expr& at) {
  const std::lock_guard lock(annotations_);
  to.insert("PromQL " + std::string(kind) + ": " + message + " (" + position(text_, at.begin) + ")");
}

void Evaluator::check_quantile(double phi, const Expr& at) {
  if (phi >= 0 && phi <= 1) return;
  annotate(warnings, "warning", "quantile value should be between 0 and 1, got " + format_value(phi), at);
}

void Evaluator::check_counter(const storage::SeriesLabels& labels, const Expr& at) {
  const std::string_view name = labels.get(kMetricName);
  if (name.empty()) return;
  if (options_.has(Feature::type_and_unit_labels)) {
    const std::string_view type = labels.get("__type__");
    if (type == "counter" || type == "histogram") return;
    inform(
        "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got \"" +
            std::string(type) + "\": \"" + std::string(name) + "\"",
        at);
    return;
  }
  for (std::string_view end : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.ends_with(end)) return;
  }
  inform("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"" +
             std::string(name) + "\"",
         at);
}

Result<> Evaluator::finish(std::vector<StepSeries>& series, bool last) {
  const bool drop = last || !options_.has(Feature::delayed_name_removal);
  std::unordered_map<std::string, std::size_t> seen;
  std::vector<StepSeries> out;
  for (StepSeries& s : series) {
    if (drop && s.drop_name) {
      erase_name(s.labels);
      s.drop_name = false;
    }
    if (std::all_of(s.values.begin(), s.values.end(), is_absent)) continue;
    std::string key = s.drop_name ? "-" : "";
    for (const Label& l : s.labels) key += l.name + '\xff' + l.value + '\xfe';
    const auto [it, fresh] = seen.try_emplace(std::move(key), out.size());
    if (fresh) {
      out.push_back(std::move(s));
      continue;
    }
    StepSeries& other = out[it->second];
    for (std::size_t i = 0; i < s.values.size(); ++i) {
      if (is_absent(s.values[i])) continue;
      if (!is_absent(other.values[i])) {
        return fail(ErrorKind::execution, "vector cannot contain metrics with the same labelset");
      }
      other.put(i, s.at(i));
    }
  }
  series = std::move(out);
  return {};
}

namespace {

/// True when every step gives the same value, so that one evaluation serves all.
bool is_step_invariant(const Expr& e) {
  static constexpr std::string_view kTimed[] = {
      "time",        "timestamp", "predict_linear", "days_in_month", "day_of_month", "day_of_week",
      "day_of_year", "hour",      "minute",         "month",         "year"};
  switch (e.kind) {
    case ExprKind::number:
    case ExprKind::string:
      return false;  // cheaper to fill than to copy
    case ExprKind::vector_selector:
    case ExprKind::subquery:
      return e.at != AtKind::none;
    case ExprKind::call:
      if (std::find(std::begin(kTimed), std::end(kTimed), e.text) != std::end(kTimed)) return false;
      break;
    default:
      break;
  }
  const auto fixed = [](const Expr& x) {
    const Expr& u = unwrap(x);
    return u.kind == ExprKind::number || u.kind == ExprKind::string || is_step_invariant(u);
  };
  if (e.param && !fixed(*e.param)) return false;
  return !e.args.empty() &&
         std::all_of(e.args.begin(), e.args.end(), [&](const auto& a) { return fixed(*a); });
}

}  // namespace

QueryStats Evaluator::stats() const {
  QueryStats out;
  out.series_read = series_read_;
  out.samples_read = samples_read_;
  out.queryable = queryable_;
  out.peak = peak_;
  return out;
}

void Evaluator::hold(std::uint64_t samples) {
  std::uint64_t most = peak_.load(std::memory_order_relaxed);
  while (samples > most && !peak_.compare_exchange_weak(most, samples, std::memory_order_relaxed)) {
  }
}

Result<StepVector> Evaluator::eval(const Expr& e, const Steps& steps) {
  const std::uint64_t before = held_;
  TT_ASSIGN(StepVector v, eval_steps(e, steps));
  const std::uint64_t made = v.series.size() * steps.count;
  // A parenthesis hands on what it holds.
  hold((e.kind == ExprKind::paren ? before : held_) + made);
  held_ = before + made;
  return v;
}

Result<StepVector> Evaluator::eval_steps(const Expr& e, const Steps& steps) {
  TT_TRY(context_.check());
  if (steps.count == 1 || e.kind == ExprKind::paren || !is_step_invariant(e)) return eval_now(e, steps);
  const std::uint64_t seen = queryable_;
  TT_ASSIGN(StepVector v, eval_now(e, Steps{steps.start, steps.step, 1}));
  see((queryable_ - seen) * (steps.count - 1));
  TT_TRY(context_.charge(v.series.size() * steps.count * sizeof(double)));
  for (StepSeries& s : v.series) {
    s.values.assign(steps.count, s.values[0]);
    if (s.histogram(0) != nullptr) s.histograms.assign(steps.count, s.histograms[0]);
  }
  if (v.type == ValueType::scalar) v.scalars.assign(steps.count, v.scalars[0]);
  return v;
}

Result<StepVector> Evaluator::eval_now(const Expr& e, const Steps& steps) {
  StepVector out;
  switch (e.kind) {
    case ExprKind::number:
      out.type = ValueType::scalar;
      out.scalars.assign(steps.count, e.number);
      return out;
    case ExprKind::string:
      out.type = ValueType::string;
      out.text = e.text;
      return out;
    case ExprKind::paren:
      return eval(*e.args[0], steps);
    case ExprKind::vector_selector:
      return selector(e, steps, Read::values);
    case ExprKind::unary:
      return unary(e, steps);
    case ExprKind::binary:
      return binary(e, steps);
    case ExprKind::aggregate:
      return aggregate(e, steps);
    case ExprKind::call:
      return call(e, steps);
    case ExprKind::matrix_selector:
    case ExprKind::subquery:
      break;
  }
  return fail(ErrorKind::execution, "a range vector cannot stand here");
}

std::int64_t Evaluator::time_of(const Expr& e, std::int64_t step_time) const {
  std::int64_t t = step_time;
  if (e.at == AtKind::time) t = e.at_ms;
  if (e.at == AtKind::start) t = outer_.start;
  if (e.at == AtKind::end) t = outer_.end;
  return t - e.offset_ms;
}

StepValue Evaluator::smoothed_value(const Expr& e, const storage::SeriesLabels& labels, const Columns& c,
                                    std::size_t i, std::int64_t t) {
  const bool next = i + 1 < c.times.size() && c.times[i + 1] <= t + lookback_;
  const Histogram* a = c.histogram(i);
  const Histogram* b = next ? c.histogram(i + 1) : nullptr;
  if (a == nullptr && b == nullptr) return smoothed_at(c, i, t, lookback_);
  if (!next || c.times[i] == t || is_stale_nan(c.values[i + 1]))
    return a != nullptr ? StepValue(c.histograms[i]) : StepValue(c.values[i]);
  MixedWindow mixed(*this, e, labels);
  return mixed.between(c, i, t);
}

WindowTimes Evaluator::windows_of(const Expr& e, const Steps& steps, std::int64_t back,
                                  std::int64_t ahead) const {
  const std::int64_t first = time_of(e, steps.start);
  const bool moves = steps.count > 1 && e.at == AtKind::none;
  return {first, moves ? steps.step : 0, steps.count, back, ahead};
}

WindowTimes Evaluator::instants_of(const Expr& e, const Steps& steps) const {
  return windows_of(e, steps, lookback_, 0);
}

Result<> Evaluator::follow(WindowPlan& plan, const WindowTimes& windows, const Columns& c) {
  if (plan.places().empty()) TT_TRY(context_.charge(windows.count * WindowPlan::kBytesAWindow));
  plan.follow(windows, c.times, c.weights);
  return {};
}

Result<std::uint64_t> Evaluator::instant_row(const WindowTimes& instants, const Columns& c, StepSeries& out,
                                             WindowPlan& plan) {
  TT_TRY(follow(plan, instants, c));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < instants.count; ++i) {
    const auto [first, next, beyond] = plan.places()[i];
    if (first == next || is_stale_nan(c.values[next - 1])) continue;
    out.values[i] = c.values[next - 1];
    ++seen;
  }
  return seen;
}

Result<StepVector> Evaluator::selector(const Expr& e, const Steps& steps, Read read) {
  const std::int64_t from = time_of(e, steps.start) - lookback_;
  const bool smooth = e.extension == Extension::smoothed;
  const std::int64_t to = time_of(e, steps.last()) + (smooth ? lookback_ : 0);
  const WindowTimes instants = instants_of(e, steps);
  auto sink = list_sink<StepSeries>([&](const storage::SeriesLabels& labels, bool, const Columns& c,
                                        ListShare<StepSeries>& share) -> Result<> {
    TT_TRY(context_.charge(steps.count * sizeof(double) + sizeof(StepSeries)));
    if (!c.histograms.empty()) TT_TRY(context_.charge(steps.count * sizeof(HistogramPtr)));
    StepSeries& s = share.list.emplace_back();
    s.labels = labels.all();
    s.values.assign(steps.count, absent_value());
    if (read == Read::values && !smooth && c.histograms.empty()) {
      TT_ASSIGN(const std::uint64_t seen, instant_row(instants, c, s, share.plan));
      see(seen);
      return {};
    }
    const Histogram* charged = nullptr;
    std::uint64_t seen = 0;
    TT_TRY(follow(share.plan, instants, c));
    for (std::size_t i = 0; i < steps.count; ++i) {
      const auto [first, next, beyond] = share.plan.places()[i];
      if (first == next || is_stale_nan(c.values[next - 1])) continue;
      ++seen;
      if (read != Read::values) {
        s.values[i] = in_seconds(read == Read::timestamps ? c.times[next - 1] : c.start(next - 1));
      } else if (smooth) {
        StepValue v = smoothed_value(e, labels, c, next - 1, instants.at(i));
        TT_TRY(charge(v.histogram));
        s.put(i, std::move(v));
      } else if (c.histogram(next - 1) != nullptr) {
        if (c.histogram(next - 1) != std::exchange(charged, c.histogram(next - 1)))
          TT_TRY(charge(c.histograms[next - 1]));
        s.put(i, StepValue(c.histograms[next - 1]));
      } else {
        s.values[i] = c.values[next - 1];
      }
    }
    see(seen);
    return {};
  });
  const std::string_view function = read == Read::start_times ? "start_timestamp" : "";
  TT_TRY(fetch(e, from, to, hints_of(steps.step, 0, function), sink));
  StepVector out;
  out.series = sink.take_all();
  TT_TRY(finish(out.series, false));
  return out;
}

}  // namespace telltale::promql
