// What all ways in for numbers share: a MetricWrite becomes a batch. Known series are found by their keys
// (series_cache.hpp); a new one has its labels checked and masked, once. The good part is kept. One file a
// protocol (prometheus.cpp, …) decodes. For this folder's .cpp files only.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ingest/request.hpp"
#include "wire/metric/metric_write.hpp"

namespace telltale::ingest {

/// Not thread-safe; lives as long as one call. Takes a work slot, so make it before anything is decoded.
class MetricRequest {
 public:
  /// Waits for a slot; unavailable as WorkSlots::take() says it.
  static Result<MetricRequest> begin(Ingest::Impl& impl, ProjectId project);
  /// Of a request that has a slot already.
  MetricRequest(Ingest::Impl& impl, ProjectId project, WorkSlots::Slot slot);

  UnixNanos now() const { return now_; }
  /// The times between which a sample is taken.
  UnixMillis oldest() const { return oldest_; }
  UnixMillis newest() const { return newest_; }
  /// Durable when it returns. `write` and what it views into outlive the call. Errors: those of
  /// Pipeline::commit(); what is wrong with the data is in the outcome.
  Result<MetricOutcome> commit(wire::MetricWrite write);
  /// Instead of commit(): to a batch of the same project that the caller commits, and then calls added().
  MetricOutcome add_to(storage::Batch& batch, wire::MetricWrite& write);
  void added();

 private:
  using Series = wire::MetricWrite::Series;

  /// Its id; nothing, and told in `write`, when it is refused.
  std::optional<SeriesId> resolve(wire::MetricWrite& write, const Series& series);
  void add_samples(wire::MetricWrite& write, const Series& series, SeriesId id);
  void add_exemplars(const wire::MetricWrite& write, const std::vector<SeriesId>& ids);
  void add_families(wire::MetricWrite& write);
  Result<Labels> labels_of(const wire::MetricWrite& write, const Series& series);
  void collect(wire::MetricWrite& write);

  Ingest::Impl& impl_;
  const ProjectId project_;
  WorkSlots::Slot slot_;
  const UnixNanos now_;
  const std::shared_ptr<const redact::Redactor> rules_;
  const UnixMillis oldest_;
  const UnixMillis newest_;
  redact::Counts counts_;
  storage::Batch batch_;
  std::vector<wire::LabelView> views_;
  std::vector<std::pair<Id128, SeriesId>> fresh_;  // to be known once the batch is journaled
  MetricOutcome outcome_;
};

}  // namespace telltale::ingest
