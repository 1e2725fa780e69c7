// The smallest MetricStore that can serve a query: a sorted map of series in memory, for the conformance
// runner and tests. It takes no batches. Histograms come with the reset hints with which Prometheus' store
// gives them back: the files expect them.
#pragma once

#include <map>

#include "storage/metric_store.hpp"

namespace telltale::promql {

class TestStore final : public storage::MetricStore {
 public:
  /// Times of a series in any order; a time added twice keeps the last value.
  void add(const Labels& labels, std::int64_t time_ms, double value) {
    data_[labels][time_ms] = {UnixMillis{time_ms}, value};
  }
  void add(const Labels& labels, Sample sample) { data_[labels][sample.time.ms] = std::move(sample); }
  /// The start of the sample that is, or will be, at that time. A sample that has none takes this one.
  void add_start(const Labels& labels, std::int64_t time_ms, std::int64_t start_ms) {
    starts_[labels][time_ms] = start_ms;
  }
  void clear() {
    data_.clear();
    starts_.clear();
  }

  std::string_view name() const override { return "test"; }
  Result<> apply(Sequence, const storage::Batch&) override { return refuse(); }
  Sequence applied() const override { return {}; }
  Sequence durable() const override { return {}; }
  Result<> checkpoint() override { return {}; }
  bool wants_checkpoint() const override { return false; }
  Result<SeriesId> resolve(ProjectId, const Labels&, std::vector<storage::SeriesDef>&) override {
    return refuse();
  }
  void journaled(std::span<const storage::SeriesDef>) override {}
  Result<std::unique_ptr<storage::SeriesCursor>> select(const storage::SeriesSelect& query,
                                                        WorkContext&) override;
  Result<std::vector<std::string>> label_names(const storage::LabelQuery&, WorkContext&) override {
    return refuse();
  }
  Result<storage::TextList> label_values(std::string_view, const storage::LabelQuery&,
                                         WorkContext&) override {
    return refuse();
  }
  Result<std::vector<Labels>> series(const storage::LabelQuery&, WorkContext&) override { return refuse(); }
  Result<storage::Cardinality> cardinality(const storage::LabelQuery&, WorkContext&) override {
    return refuse();
  }
  Result<std::uint64_t> delete_samples(const storage::LabelQuery&, WorkContext&) override { return refuse(); }

 private:
  static tl::unexpected<Error> refuse() {
    return fail(ErrorKind::unsupported, "the test store only selects");
  }
  std::map<Labels, std::map<std::int64_t, Sample>> data_;
  std::map<Labels, std::map<std::int64_t, std::int64_t>> starts_;
};

}  // namespace telltale::promql
