// The smallest MetricStore that can serve a query: a sorted map of series in memory, for the conformance
// runner and tests. It takes no batches.
#pragma once

#include <map>

#include "storage/metric_store.hpp"

namespace telltale::promql {

class TestStore final : public storage::MetricStore {
 public:
  /// Times of a series in any order; a time added twice keeps the last value.
  void add(const Labels& labels, std::int64_t time_ms, double value) { data_[labels][time_ms] = value; }
  void clear() { data_.clear(); }

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
  Result<std::vector<std::string>> label_values(std::string_view, const storage::LabelQuery&,
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
  std::map<Labels, std::map<std::int64_t, double>> data_;
};

}  // namespace telltale::promql
