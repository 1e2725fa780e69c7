#include "promql/engine.hpp"

#include <algorithm>
#include <utility>

#include "promql/eval.hpp"
#include "promql/parser.hpp"
#include "promql/range_cache.hpp"

namespace telltale::promql {
namespace {

QueryResult to_result(StepVector v, const Steps& steps, bool instant) {
  QueryResult out;
  out.type = instant ? v.type : ValueType::matrix;
  out.text = std::move(v.text);
  if (v.type == ValueType::scalar && instant) out.scalar = {UnixMillis{steps.start}, v.scalars[0]};
  if (v.type == ValueType::scalar && !instant)
    v.series.push_back({Labels(), std::move(v.scalars), false, {}});
  for (StepSeries& s : v.series) {
    ResultSeries r{std::move(s.labels), {}, {}};
    r.samples.reserve(s.values.size());
    for (std::size_t i = 0; i < s.values.size(); ++i) {
      if (is_absent(s.values[i])) continue;
      r.samples.push_back({UnixMillis{steps.at(i)}, s.values[i]});
      if (!s.histograms.empty()) r.histograms.push_back(std::move(s.histograms[i]));
    }
    if (!r.samples.empty()) out.series.push_back(std::move(r));
  }
  return out;
}

void sort_by_labels(std::vector<ResultSeries>& series) {
  std::sort(series.begin(), series.end(), [](const auto& a, const auto& b) { return a.labels < b.labels; });
}

/// Marks the selectors of whose histograms only count and sum can be seen, because histogram_count() or its
/// kin stand above them and nothing that needs the buckets does in between. An operator, which may hand
/// histograms to either side, ends the search, and a subquery, which picks samples, hides resets between
/// them.
void mark_statistics(Expr& e, bool only) {
  if (e.kind == ExprKind::vector_selector) e.statistics_only = only;
  if (e.kind == ExprKind::binary || e.kind == ExprKind::subquery) only = false;
  if (e.kind == ExprKind::call) {
    const std::string& f = e.text;
    if (f == "histogram_count" || f == "histogram_sum" || f == "histogram_avg") {
      only = true;
    } else if (f.starts_with("histogram_") || f == "info") {
      only = false;
    }
  }
  if (e.param) mark_statistics(*e.param, false);
  for (const ExprPtr& arg : e.args) mark_statistics(*arg, only);
}

/// A checked tree with its durations, ready to be evaluated.
Result<ExprPtr> prepared(std::string_view text, const EngineOptions& options, const QuerySpan& span) {
  TT_ASSIGN(ExprPtr expr, parse(text));
  TT_TRY(check_features(text, *expr, options.features));
  TT_TRY(resolve_durations(text, *expr, span));
  mark_statistics(*expr, false);
  return expr;
}

constexpr std::size_t kLeastStepsKept = 4;  // of a range query whose answer is worth its room

/// What must be alike for steps of one answer to be those of another.
std::string range_key(std::string_view text, const storage::Projects& projects, const Steps& steps,
                      Millis lookback) {
  std::string out(text);
  for (const std::int64_t part : {steps.step, ((steps.start % steps.step) + steps.step) % steps.step,
                                  static_cast<std::int64_t>(lookback.count())})
    out += '\0' + std::to_string(part);
  for (const ProjectId project : projects) out += '\0' + std::to_string(project.value);
  return out;
}

/// Tells how long the parts of a query took: each call, since the one before.
class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(clock), last_(clock.steady()) {}
  Nanos lap() {
    const Nanos now = clock_.steady();
    return now - std::exchange(last_, now);
  }

 private:
  const Clock& clock_;
  Nanos last_;
};

void take_told(Evaluator& evaluator, QueryResult& out, Nanos preparing, Nanos evaluating, Nanos sorting) {
  out.stats = evaluator.stats();
  out.stats.preparing = preparing;
  out.stats.evaluating = evaluating;
  out.stats.sorting = sorting;
  out.warnings.assign(evaluator.warnings.begin(), evaluator.warnings.end());
  out.infos.assign(evaluator.infos.begin(), evaluator.infos.end());
}

}  // namespace

Engine::Engine(storage::MetricStore& store, EngineOptions options)
    : store_(store),
      options_(options),
      cache_(options.range_cache_bytes > 0 ? std::make_unique<RangeCache>(options.range_cache_bytes)
                                           : nullptr) {}
Engine::~Engine() = default;

Result<> Engine::check(std::string_view text) const {
  TT_ASSIGN(const ExprPtr expr, parse(text));
  return check_features(text, *expr, options_.features);
}

Result<QueryResult> Engine::instant(std::string_view text, const storage::Projects& projects, UnixMillis time,
                                    WorkContext& context, QueryOptions options) const {
  Stopwatch watch(context.clock());
  const Steps steps{time.ms, 1, 1};
  const QuerySpan span{time.ms, time.ms, 0};
  TT_ASSIGN(const ExprPtr expr, prepared(text, options_, span));
  const Millis lookback = options.lookback.count() > 0 ? options.lookback : options_.lookback;
  Evaluator evaluator(store_, options_, projects, text, lookback.count(), span, context);
  const Nanos preparing = watch.lap();
  Nanos evaluating{0};
  QueryResult out;
  if (expr->type == ValueType::matrix) {
    out.type = ValueType::matrix;
    TT_ASSIGN(out.series, evaluator.raw(unwrap(*expr), steps));
    evaluating = watch.lap();
    sort_by_labels(out.series);
  } else {
    TT_ASSIGN(StepVector v, evaluator.eval(*expr, steps));
    TT_TRY(evaluator.finish(v.series, true));
    out = to_result(std::move(v), steps, true);
    evaluating = watch.lap();
  }
  take_told(evaluator, out, preparing, evaluating, watch.lap());
  return out;
}

Result<QueryResult> Engine::range(std::string_view text, const storage::Projects& projects, UnixMillis start,
                                  UnixMillis end, Millis step, WorkContext& context,
                                  QueryOptions options) const {
  if (step.count() <= 0) return fail(ErrorKind::invalid_argument, "step: must be above zero");
  if (end < start) return fail(ErrorKind::invalid_argument, "end: must not be before start");
  Stopwatch watch(context.clock());
  const QuerySpan span{start.ms, end.ms, step.count()};
  TT_ASSIGN(const ExprPtr expr, prepared(text, options_, span));
  if (expr->type != ValueType::scalar && expr->type != ValueType::vector) {
    return fail(ErrorKind::invalid_argument,
                std::string("invalid expression type \"") +
                    (expr->type == ValueType::matrix ? "range vector" : "string") +
                    "\" for range query, must be Scalar or instant Vector");
  }
  const Steps steps{start.ms, step.count(), static_cast<std::size_t>((end.ms - start.ms) / step.count() + 1)};
  TT_TRY(context.charge(steps.count * sizeof(double)));
  const Millis lookback = options.lookback.count() > 0 ? options.lookback : options_.lookback;
  Evaluator evaluator(store_, options_, projects, text, lookback.count(), span, context);
  const auto ahead = cache_ != nullptr && options.may_reuse && steps.count >= kLeastStepsKept &&
                             expr->type == ValueType::vector
                         ? looks_ahead(text, *expr, lookback.count())
                         : std::nullopt;
  const Nanos preparing = watch.lap();
  StepVector v;
  if (ahead) {
    const std::string key = range_key(text, projects, steps, lookback);
    TT_ASSIGN(v.series, range_kept(key, *ahead, *expr, steps, projects, evaluator, context));
  } else {
    TT_ASSIGN(v, evaluator.eval(*expr, steps));
    TT_TRY(evaluator.finish(v.series, true));
  }
  QueryResult out = to_result(std::move(v), steps, false);
  const Nanos evaluating = watch.lap();
  sort_by_labels(out.series);
  take_told(evaluator, out, preparing, evaluating, watch.lap());
  return out;
}

Result<std::vector<StepSeries>> Engine::range_kept(const std::string& key, std::int64_t ahead,
                                                   const Expr& expr, const Steps& steps,
                                                   const storage::Projects& projects, Evaluator& evaluator,
                                                   WorkContext& context) const {
  const auto old = cache_->get(key);
  // Asked before anything is read: what comes while it is has a later version.
  const storage::Changes changes = store_.changes(projects, old != nullptr ? old->version : 0);
  Reusable use;
  if (old != nullptr) use = reusable(*old, steps, changes.since.ms, ahead);
  std::vector<StepSeries> series;
  if (use.count < steps.count) {
    const Steps rest{steps.at(use.count), steps.step, steps.count - use.count};
    TT_ASSIGN(StepVector v, evaluator.eval(expr, rest));
    TT_TRY(evaluator.finish(v.series, true));
    series = std::move(v.series);
  }
  if (use.count > 0) {
    TT_TRY(context.charge((old->series.size() + series.size()) *
                          (steps.count * sizeof(double) + sizeof(StepSeries))));
    series = joined_steps(*old, use, std::move(series), steps.count);
    evaluator.warnings.insert(old->warnings.begin(), old->warnings.end());
    evaluator.infos.insert(old->infos.begin(), old->infos.end());
  }
  const bool floats =
      std::all_of(series.begin(), series.end(), [](const StepSeries& s) { return s.histograms.empty(); });
  if (floats && changes.version > 0) {
    cache_->put(key, std::make_shared<RangeCache::Answer>(RangeCache::Answer{
                         steps, changes.version, series, evaluator.warnings, evaluator.infos}));
  }
  return series;
}

}  // namespace telltale::promql
