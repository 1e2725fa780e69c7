// What was counted since the last report, added up: clients that send deltas get cumulative series. A total
// is kept for each series that sends deltas, as long as it goes on sending them; after a restart of this
// server counting begins again at zero, which queries see as a counter's reset.
//
// A point that is sent again (the answer to it got lost) has the time of the one before and counts once.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/id.hpp"
#include "base/metric_limits.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "wire/otlp/metrics.hpp"

namespace telltale::ingest {

/// Buckets of two exponential histograms added up, at the coarser of their scales. False when that cannot be:
/// a total would have over limits::kMaxBucketsPerHistogram buckets however coarse it is.
bool add_exponential(wire::otlp::DataPoint& total, const wire::otlp::DataPoint& delta);
/// At a coarser scale: `by` halvings of the resolution.
wire::otlp::BucketRow coarser(const wire::otlp::BucketRow& row, int by);

/// Thread-safe.
class DeltaTotals {
 public:
  explicit DeltaTotals(std::size_t max_series = limits::kMaxDeltaSeries) : max_series_(max_series) {}

  struct Total {
    double value = 0;
    UnixNanos start;
  };
  /// The total with the point. `key` is of the series' labels; `start` of the first point becomes the
  /// total's. invalid_argument for a point that is older than the newest, resource_exhausted for a new series
  /// when there are too many.
  Result<Total> add(ProjectId project, Id128 key, UnixNanos start, UnixNanos time, double delta);
  /// The same of an exponential histogram: `point` becomes the total.
  Result<> add_histogram(ProjectId project, Id128 key, wire::otlp::DataPoint& point);
  /// The same of what is counted as it arrives: it has no time of its own, so that none is sent again.
  Result<Total> count(ProjectId project, Id128 key, UnixNanos now, double delta);
  Result<> count_histogram(ProjectId project, Id128 key, wire::otlp::DataPoint& point);
  std::size_t size() const;

 private:
  struct Series {
    UnixNanos start;
    UnixNanos last;
    double value = 0;
    std::unique_ptr<wire::otlp::DataPoint> histogram;
  };
  /// Null for a point that is there already.
  Result<Series*> series_of(ProjectId project, Id128 key, UnixNanos start, UnixNanos time, bool& again)
      TT_REQUIRES(mutex_);
  static void show_total(Series& series, wire::otlp::DataPoint& point);
  void forget_idle(UnixNanos now) TT_REQUIRES(mutex_);

  const std::size_t max_series_;
  mutable Mutex mutex_;
  std::unordered_map<Id128, Series> series_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::ingest
