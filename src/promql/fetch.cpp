// Reading series from the store, one after the other, as the columns that windows slide over.
#include <algorithm>
#include <map>

#include "model/histogram_math.hpp"
#include "promql/eval.hpp"

namespace telltale::promql {

void OwnedColumns::clear() {
  times.clear();
  values.clear();
  histograms.clear();
  starts.clear();
  weights.clear();
}

void OwnedColumns::take(const Columns& from, std::size_t i) {
  times.push_back(from.times[i]);
  values.push_back(from.values[i]);
  if (!from.histograms.empty()) histograms.push_back(from.histograms[i]);
  if (!from.starts.empty()) starts.push_back(from.starts[i]);
  if (!from.weights.empty()) weights.push_back(from.weights[i]);
}

bool Columns::told_reset(std::size_t i) const {
  const std::int64_t began = starts[i];
  // Not told, or after its own sample; at it is OpenTelemetry's way to say that it is not known.
  if (began == 0 || began >= times[i]) return false;
  if (began != times[i - 1]) return began > times[i - 1];
  // It began where the sample before stands: a difference (each begins anew), or a counter whose start is not
  // known.
  return starts[i - 1] != 0 && starts[i - 1] < times[i - 1];
}

namespace {

constexpr std::size_t kSharesPerThread = 4;  // so that one with much in it does not keep the others waiting
constexpr std::size_t kSeriesPerCheck = 64;  // of the context

void assign(OwnedColumns& out, const storage::SeriesView& view) {
  out.times.assign(view.times_ms.begin(), view.times_ms.end());
  out.values.assign(view.values.begin(), view.values.end());
  out.histograms.assign(view.histograms.begin(), view.histograms.end());
  out.starts.assign(view.start_times_ms.begin(), view.start_times_ms.end());
}

/// Two projects may hold the same labels: where both have a time, the first keeps it.
void join(OwnedColumns& into, const storage::SeriesView& view) {
  const Columns a = into.view();
  const Columns b{view.times_ms, view.values, view.histograms, view.start_times_ms, {}};
  std::map<std::int64_t, std::pair<const Columns*, std::size_t>> by_time;
  for (const Columns* c : {&a, &b}) {
    for (std::size_t i = 0; i < c->times.size(); ++i) by_time.try_emplace(c->times[i], c, i);
  }
  OwnedColumns out;
  const bool histograms = !a.histograms.empty() || !b.histograms.empty();
  const bool starts = !a.starts.empty() || !b.starts.empty();
  for (const auto& [time, place] : by_time) {
    const auto& [c, i] = place;
    out.times.push_back(time);
    out.values.push_back(c->values[i]);
    if (histograms) out.histograms.push_back(c->histograms.empty() ? nullptr : c->histograms[i]);
    if (starts) out.starts.push_back(c->start(i));
  }
  into = std::move(out);
}

/// Each without its buckets, which nobody looks at: their resets are found here, where they still are.
void keep_statistics(std::vector<HistogramPtr>& histograms) {
  const Histogram* before = nullptr;
  std::vector<HistogramPtr> out(histograms.size());
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    const Histogram* h = histograms[i].get();
    if (h == nullptr) continue;
    auto s = std::make_shared<Histogram>();
    s->schema = h->schema;
    s->custom_values = h->custom_values;
    s->count = h->count;
    s->sum = h->sum;
    s->reset_hint = h->reset_hint;
    if (h->reset_hint == ResetHint::unknown && before != nullptr)
      s->reset_hint = detect_reset(*h, *before) ? ResetHint::yes : ResetHint::no;
    if (!is_stale_nan(h->sum)) before = h;
    out[i] = std::move(s);
  }
  histograms = std::move(out);
}

}  // namespace

storage::SelectHints Evaluator::hints_of(std::int64_t step, std::int64_t window,
                                         std::string_view function) const {
  const bool starts = function == "rate" || function == "increase" || function == "irate" ||
                      function == "resets" || function == "start_timestamp";
  return {step, window, std::string(function), starts && options_.has(Feature::start_timestamps), {}};
}

Result<> Evaluator::fetch(const Expr& selector, std::int64_t from, std::int64_t to,
                          const storage::SelectHints& hints, SeriesSink& sink) {
  storage::SeriesSelect query{projects_, {{from + 1}, {to}}, selector.matchers, hints};
  if (projects_.size() > 1) {
    query.hints.windows.reset();  // samples of both may have to be joined
    TT_ASSIGN(const auto cursor, store_.select(query, context_));
    sink.begin(1);
    return fetch_joined(*cursor, selector, hints, sink);
  }
  const std::size_t threads = options_.helpers.threads + 1;
  TT_ASSIGN(const auto cursors,
            store_.select_shares(query, threads == 1 ? 1 : threads * kSharesPerThread, context_));
  sink.begin(cursors.size());
  return for_each_parallel(options_.helpers, cursors.size(), [&](std::size_t share) -> Result<> {
    storage::SeriesView view;
    OwnedColumns own;
    std::uint64_t samples = 0;
    std::uint64_t longest = 0;
    for (std::size_t n = 0;; ++n) {
      TT_ASSIGN(const bool more, cursors[share]->next(view));
      if (!more) {
        series_read_ += n;
        samples_read_ += samples;
        hold(held_ + longest);
        return {};
      }
      if (n % kSeriesPerCheck == 0) TT_TRY(context_.check());
      Columns c{view.times_ms, view.values, view.histograms, view.start_times_ms, view.weights};
      const std::uint64_t count = c.times.size() + c.stood_for(0, c.times.size());
      samples += count;
      longest = std::max(longest, count);
      if (!hints.start_times) c.starts = {};
      if (selector.statistics_only && !c.histograms.empty()) {
        own.histograms.assign(c.histograms.begin(), c.histograms.end());
        keep_statistics(own.histograms);
        c.histograms = own.histograms;
      }
      TT_TRY(sink.take(share, *view.labels, false, c));
    }
  });
}

Result<> Evaluator::fetch_joined(storage::SeriesCursor& cursor, const Expr& selector,
                                 const storage::SelectHints& hints, SeriesSink& sink) {
  Labels labels;
  OwnedColumns columns;
  bool pending = false;
  const auto flush = [&]() -> Result<> {
    if (!pending) return {};
    pending = false;
    ++series_read_;
    samples_read_ += columns.times.size();
    hold(held_ + columns.times.size());
    if (!hints.start_times) columns.starts.clear();
    if (selector.statistics_only && !columns.histograms.empty()) keep_statistics(columns.histograms);
    return sink.take(0, storage::KeptLabels(labels), false, columns.view());
  };
  storage::SeriesView view;
  while (true) {
    TT_ASSIGN(const bool more, cursor.next(view));
    if (!more) break;
    TT_TRY(context_.check());
    Labels next = view.labels->all();
    if (pending && next == labels) {
      join(columns, view);
      continue;
    }
    TT_TRY(flush());
    labels = std::move(next);
    assign(columns, view);
    pending = true;
  }
  return flush();
}

}  // namespace telltale::promql
