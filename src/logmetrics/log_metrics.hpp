// Metrics counted out of log lines. A store that is derived from the journal, like the engines: each batch is
// counted once, when it is applied, and checkpoint() keeps the counts and the sequence they have come to
// together. A metric counts the rows that were accepted after it was made, whatever their own time within the
// allowance; counts only rise, also over restarts, as PromQL's rate() wants it.
//
// tick() hands the present values to the sink, a sample a series every interval. A counter's series begins
// with a zero in the millisecond before its first row came.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "logmetrics/live_metric.hpp"
#include "storage/derived_store.hpp"
#include "storage/metric_store.hpp"
#include "storage/records.hpp"

namespace telltale::logmetrics {

struct MetricStatus {
  std::int64_t id = 0;
  ProjectId project;
  UnixNanos created;
  Definition definition;
  std::size_t series = 0;
  RowCounts counts;
  std::optional<UnixNanos> last_match;  // time of the newest row that the query showed
};

using SampleSink = std::function<Result<>(ProjectId, const Samples&)>;

/// Thread-safe; apply() on one thread at a time, tick() on one at a time.
class LogMetrics final : public storage::DerivedStore {
 public:
  /// `records` and the others outlive it.
  static Result<std::unique_ptr<LogMetrics>> open(storage::RecordStore& records, const Clock& clock,
                                                  const Logger& log, MetricsRegistry& metrics);

  /// Rows that are older when they arrive are not counted (distinct counts go by their window).
  void set_max_late(Nanos max_late) { max_late_.store(max_late.count()); }
  /// Before the first tick().
  void set_sink(SampleSink sink) { sink_ = std::move(sink); }

  /// Kept when it returns. conflict when a name is taken in the project; resource_exhausted over
  /// kMaxLogMetrics.
  Result<MetricStatus> add(ProjectId project, Definition definition);
  /// Its series end. not_found.
  Result<> remove(std::int64_t id);
  Result<MetricStatus> get(std::int64_t id) const;
  /// By name.
  std::vector<MetricStatus> list(const storage::Projects& projects) const;
  void tick();

  std::string_view name() const override { return "log_metrics"; }
  storage::Urgency urgency(const storage::Batch& batch) const override {
    return batch.logs.empty() ? storage::Urgency::none : storage::Urgency::now;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override;
  Sequence applied() const override { return {applied_.load()}; }
  Sequence durable() const override { return {durable_.load()}; }
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;

 private:
  LogMetrics(storage::RecordStore& records, const Clock& clock, const Logger& log, MetricsRegistry& metrics);
  Result<> load();
  Result<> may_add(ProjectId project, const Definition& definition) const TT_REQUIRES(mutex_);
  static MetricStatus status_of(const LiveMetric& metric);
  void count_up(const RowCounts& before, const RowCounts& after);
  void write(ProjectId project, const Samples& samples);

  storage::RecordStore& records_;
  const Clock& clock_;
  const Logger& log_;
  Counter& counted_total_;
  Counter& late_total_;
  Counter& unusable_total_;
  Counter& over_limit_total_;
  Counter& write_failures_;
  Gauge& series_;
  SampleSink sink_;
  std::atomic<std::int64_t> max_late_;
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::int64_t> last_checkpoint_{0};  // steady
  std::atomic<bool> dirty_{false};                // something was counted since
  std::int64_t last_slot_ = 0;                    // tick() only

  // Changes of what is kept come one after the other: add(), remove(), checkpoint(). Taken before mutex_.
  Mutex kept_mutex_;
  std::uint64_t kept_mark_ TT_GUARDED_BY(kept_mutex_) = 0;  // changes up to here are kept

  mutable Mutex mutex_;
  std::map<std::int64_t, LiveMetric> live_ TT_GUARDED_BY(mutex_);
  std::uint64_t mark_ TT_GUARDED_BY(mutex_) = 0;
  std::size_t distinct_room_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::logmetrics
