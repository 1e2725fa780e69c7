#include "promql/conformance/test_store.hpp"

namespace telltale::promql {
namespace {

class TestCursor final : public storage::SeriesCursor {
 public:
  struct Series {
    Labels labels;
    std::vector<std::int64_t> times;
    std::vector<double> values;
  };
  explicit TestCursor(std::vector<Series> series) : series_(std::move(series)) {}
  Result<bool> next(storage::SeriesView& out) override {
    if (at_ == series_.size()) return false;
    const Series& s = series_[at_++];
    out = {&s.labels, s.times, s.values};
    return true;
  }

 private:
  std::vector<Series> series_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::unique_ptr<storage::SeriesCursor>> TestStore::select(const storage::SeriesSelect& query,
                                                                 WorkContext&) {
  std::vector<TestCursor::Series> found;
  for (const auto& [labels, samples] : data_) {
    if (!storage::matches_all(query.matchers, labels)) continue;
    TestCursor::Series s{labels, {}, {}};
    for (auto it = samples.lower_bound(query.range.min.ms);
         it != samples.end() && it->first <= query.range.max.ms; ++it) {
      s.times.push_back(it->first);
      s.values.push_back(it->second);
    }
    if (!s.times.empty()) found.push_back(std::move(s));
  }
  return std::make_unique<TestCursor>(std::move(found));
}

}  // namespace telltale::promql
