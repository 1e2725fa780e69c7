// Functions over ranges of a selector or of a subquery: whose samples are read, and what each step's window
// of them gives.
#include <algorithm>

#include "base/double_scan.hpp"
#include "promql/eval.hpp"
#include "promql/mixed_window.hpp"
#include "promql/sliding_window.hpp"

namespace telltale::promql {

namespace {

constexpr std::size_t kSamplesACheck = 1 << 20;  // looked at in windows before the deadline is

/// What a hint says is of the sample before, which the steps of a subquery may leave out.
HistogramPtr without_reset_hint(const HistogramPtr& h) {
  if (h == nullptr || h->reset_hint == ResetHint::unknown || h->reset_hint == ResetHint::gauge) return h;
  auto out = std::make_shared<Histogram>(*h);
  out->reset_hint = ResetHint::unknown;
  return out;
}

bool any_stale(std::span<const double> values) {
  return any_nan(values) && std::any_of(values.begin(), values.end(), is_stale_nan);
}

/// Leaves the stale markers out, which no window shows.
class WithoutStale final : public SeriesSink {
 public:
  explicit WithoutStale(SeriesSink& to) : to_(to) {}
  void begin(std::size_t shares) override {
    kept_.resize(shares);
    to_.begin(shares);
  }
  Result<> take(std::size_t share, const storage::SeriesLabels& labels, bool drop_name,
                const Columns& c) override {
    if (!any_stale(c.values)) return to_.take(share, labels, drop_name, c);
    OwnedColumns& kept = kept_[share];
    kept.clear();
    for (std::size_t i = 0; i < c.values.size(); ++i) {
      if (!is_stale_nan(c.values[i])) kept.take(c, i);
    }
    return to_.take(share, labels, drop_name, kept.view());
  }

 private:
  SeriesSink& to_;
  std::vector<OwnedColumns> kept_;
};

}  // namespace

Result<> Evaluator::each_range(const Expr& e, const Steps& steps, std::string_view function,
                               SeriesSink& sink) {
  if (e.kind == ExprKind::matrix_selector) {
    const Expr& s = *e.args[0];
    WithoutStale without_stale(sink);
    const std::int64_t before = s.extension != Extension::none ? lookback_ : 0;
    const std::int64_t after = s.extension == Extension::smoothed ? lookback_ : 0;
    const std::int64_t first = time_of(s, steps.start);
    storage::SelectHints hints = hints_of(steps.step, e.range_ms, function);
    if (s.extension == Extension::none)
      hints.windows = {first, steps.step, s.at == AtKind::none ? steps.count : 1};
    return fetch(s, first - e.range_ms - before, time_of(s, steps.last()) + after, hints, without_stale);
  }
  // The inner steps are multiples of the step on the absolute time line, inside (start - range, end].
  const std::int64_t step = e.step_ms > 0 ? e.step_ms : options_.default_subquery_step.count();
  const std::int64_t from = time_of(e, steps.start) - e.range_ms;
  const std::int64_t to = time_of(e, steps.last());
  std::int64_t first = from / step * step;
  if (first > from && from < 0) first -= step;
  if (first <= from) first += step;
  if (first > to) return {};
  const Steps inner{first, step, static_cast<std::size_t>((to - first) / step + 1)};
  TT_TRY(context_.charge(inner.count * sizeof(double)));
  // What the inner steps looked at does not count, but what the outer ones look at of them.
  const std::uint64_t queryable = queryable_;
  TT_ASSIGN(StepVector v, eval(*e.args[0], inner));
  queryable_ = queryable;
  sink.begin(1);
  OwnedColumns kept;
  for (const StepSeries& s : v.series) {
    kept.clear();
    for (std::size_t i = 0; i < inner.count; ++i) {
      if (is_absent(s.values[i])) continue;
      kept.times.push_back(inner.at(i));
      kept.values.push_back(s.values[i]);
      if (!s.histograms.empty()) kept.histograms.push_back(without_reset_hint(s.histograms[i]));
    }
    TT_TRY(sink.take(0, storage::KeptLabels(s.labels), s.drop_name, kept.view()));
  }
  return {};
}

Evaluator::RangeCall Evaluator::range_call(const Expr& e, const Steps& steps, const Expr& range,
                                           WindowFunction fn, const std::vector<double>* params,
                                           const std::vector<double>* params2) const {
  const Expr& selector = range.kind == ExprKind::matrix_selector ? *range.args[0] : range;
  const bool overlapping = selector.extension == Extension::none && steps.count > 1 &&
                           range.range_ms >= 2 * steps.step && selector.at == AtKind::none;
  const std::int64_t before = selector.extension != Extension::none ? lookback_ : 0;
  const std::int64_t after = selector.extension == Extension::smoothed ? lookback_ : 0;
  const WindowTimes windows = windows_of(selector, steps, range.range_ms + before, after);
  return {e, range, selector, fn, params, params2, windows, overlapping};
}

Result<std::uint64_t> Evaluator::range_row(const RangeCall& call, const Steps& steps,
                                           const storage::SeriesLabels& labels, const Columns& c,
                                           StepSeries& out, WindowPlan& plan) {
  const Extension extension = call.selector.extension;
  const bool with_histograms = std::any_of(c.histograms.begin(), c.histograms.end(),
                                           [](const HistogramPtr& h) { return h != nullptr; });
  TT_TRY(follow(plan, call.windows, c));
  bool any = false;
  std::size_t looked_at = 0;  // samples, since the last check
  if (call.growth() && extension == Extension::none && !with_histograms && c.starts.empty()) {
    any = growth_row(plan, c.values, call.counter(), call.e.text == "rate", out.values);
  } else {
    MixedWindow mixed(*this, call.e, labels);
    SlidingWindow sliding(call.e.text, call.fn, c, call.overlapping && !with_histograms);
    for (std::size_t i = 0; i < steps.count; ++i) {
      const auto [begin, end, beyond] = plan.places()[i];
      if (begin == end) continue;
      // Windows share their samples: one series may be a thousand times longer in them than in memory.
      if ((looked_at += end - begin) > kSamplesACheck) {
        TT_TRY(context_.check());
        looked_at = 0;
      }
      const std::int64_t to = call.windows.at(i);
      const Window w{c.part(begin, end - begin),
                     to - call.range.range_ms,
                     to,
                     steps.at(i),
                     call.params != nullptr ? (*call.params)[i] : 0,
                     call.params2 != nullptr ? (*call.params2)[i] : 0,
                     beyond};
      if (with_histograms && mixed.concerns(w)) {
        StepValue v = mixed.value(w, call.fn, extension);
        TT_TRY(charge(v.histogram));
        out.put(i, std::move(v));
      } else {
        out.values[i] = extension == Extension::none ? sliding.value(w, begin, end)
                                                     : extended_value(call.e.text, w, extension);
        if (call.counter() && !w.starts.empty()) mixed.check_starts(w);
        any = any || !is_absent(out.values[i]);
      }
    }
  }
  if (any && call.counter()) check_counter(labels, *call.e.args[0]);
  return plan.samples();
}

Result<StepVector> Evaluator::over_range(const Expr& e, const Steps& steps, const Expr& range,
                                         WindowFunction fn, const std::vector<double>* params,
                                         const std::vector<double>* params2) {
  const RangeCall call = range_call(e, steps, range, fn, params, params2);
  auto sink = list_sink<StepSeries>([&](const storage::SeriesLabels& labels, bool drop, const Columns& c,
                                        ListShare<StepSeries>& share) -> Result<> {
    TT_TRY(context_.charge(steps.count * sizeof(double) + sizeof(StepSeries)));
    StepSeries& s = share.list.emplace_back();
    s.labels = labels.all();
    s.drop_name = drop || !call.keeps_name();
    s.values.assign(steps.count, absent_value());
    TT_ASSIGN(const std::uint64_t seen, range_row(call, steps, labels, c, s, share.plan));
    see(seen);
    return {};
  });
  TT_TRY(each_range(range, steps, e.text, sink));
  StepVector out;
  out.series = sink.take_all();
  TT_TRY(finish(out.series, false));
  return out;
}

Result<std::vector<ResultSeries>> Evaluator::raw(const Expr& e, const Steps& steps) {
  const Expr& selector = e.kind == ExprKind::matrix_selector ? *e.args[0] : e;
  if (selector.extension != Extension::none) {
    return fail(ErrorKind::invalid_argument,
                "a range with anchored or smoothed is for functions and cannot be shown itself");
  }
  const WindowTimes window{time_of(selector, steps.start), 0, 1, e.range_ms, 0};
  auto sink = list_sink<ResultSeries>([&](const storage::SeriesLabels& labels, bool drop, const Columns& c,
                                          ListShare<ResultSeries>& share) -> Result<> {
    ResultSeries s{labels.all(), {}, {}};
    if (drop) erase_name(s.labels);
    share.plan.follow(window, c.times, {});
    const WindowPlan::Place shown = share.plan.places()[0];
    for (std::size_t i = shown.begin; i < shown.end; ++i) {
      s.samples.push_back({UnixMillis{c.times[i]}, c.values[i]});
      if (!c.histograms.empty()) s.histograms.push_back(c.histograms[i]);
    }
    TT_TRY(
        context_.charge(s.samples.size() * sizeof(ResultPoint) + s.histograms.size() * sizeof(HistogramPtr)));
    see(s.samples.size());
    if (!s.samples.empty()) share.list.push_back(std::move(s));
    return {};
  });
  TT_TRY(each_range(e, steps, "", sink));
  return sink.take_all();
}

}  // namespace telltale::promql
