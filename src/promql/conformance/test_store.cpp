#include "promql/conformance/test_store.hpp"

#include "model/histogram_math.hpp"

namespace telltale::promql {
namespace {

using HistogramPtr = std::shared_ptr<const Histogram>;

class TestCursor final : public storage::SeriesCursor {
 public:
  struct Series {
    Labels labels;
    std::vector<std::int64_t> times;
    std::vector<double> values;
    std::vector<HistogramPtr> histograms;
    std::vector<std::int64_t> starts;
  };
  explicit TestCursor(std::vector<Series> series) : series_(std::move(series)) {}
  Result<bool> next(storage::SeriesView& out) override {
    if (at_ == series_.size()) return false;
    const Series& s = series_[at_++];
    labels_ = storage::KeptLabels(s.labels);
    out = {&labels_, s.times, s.values, s.histograms, s.starts};
    return true;
  }

 private:
  std::vector<Series> series_;
  std::size_t at_ = 0;
  storage::KeptLabels labels_;
};

/// A chunk of histograms begins with one of which it is not known whether there was a reset; the others
/// follow theirs. What cannot follow (a reset, another layout, a gauge after a counter) begins a chunk.
class ChunkHints {
 public:
  HistogramPtr next(const HistogramPtr& h) {
    if (h == nullptr) {
      last_ = nullptr;
      return h;
    }
    const HistogramPtr before = std::exchange(last_, h);
    if (h->reset_hint == ResetHint::gauge) return h;
    auto out = std::make_shared<Histogram>(*h);
    out->reset_hint = before != nullptr && follows(*h, *before) ? ResetHint::no : ResetHint::unknown;
    return out;
  }

 private:
  static bool follows(const Histogram& h, const Histogram& before) {
    return before.reset_hint != ResetHint::gauge && h.schema == before.schema &&
           h.zero_threshold == before.zero_threshold && h.custom_values == before.custom_values &&
           !detect_reset(h, before);
  }
  HistogramPtr last_;
};

}  // namespace

Result<std::unique_ptr<storage::SeriesCursor>> TestStore::select(const storage::SeriesSelect& query,
                                                                 WorkContext&) {
  std::vector<TestCursor::Series> found;
  for (const auto& [labels, samples] : data_) {
    if (!storage::matches_all(query.matchers, labels)) continue;
    TestCursor::Series s{labels, {}, {}, {}, {}};
    ChunkHints hints;
    bool any_histogram = false;
    const auto starts = starts_.find(labels);
    for (const auto& [time, sample] : samples) {
      const HistogramPtr h = hints.next(sample.histogram);
      if (time < query.range.min.ms || time > query.range.max.ms) continue;
      s.times.push_back(time);
      s.values.push_back(sample.value);
      s.histograms.push_back(h);
      any_histogram = any_histogram || h != nullptr;
      if (starts == starts_.end()) continue;
      const auto told = starts->second.find(time);
      s.starts.push_back(told == starts->second.end() ? 0 : told->second);
    }
    if (!any_histogram) s.histograms.clear();
    if (!s.times.empty()) found.push_back(std::move(s));
  }
  return std::make_unique<TestCursor>(std::move(found));
}

}  // namespace telltale::promql
