// What was counted since the last report, added up: clients that send deltas get cumulative series. A total
// is kept for each series that sends deltas, as long as it goes on sending them; after a restart of this
// server counting begins again at zero, which queries see as a counter's reset.
//
// A point that is sent again (the answer to it got lost) has the time of the one before and counts once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/id.hpp"
#include "base/intake_limits.hpp"
#include "base/metric_limits.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "wire/otlp/metrics.hpp"

namespace telltale::ingest {

/// Buckets of two exponential histograms added up, at the coarser of their scales or one that is coarser
/// still, so that neither side has over limits::kMaxDeltaBuckets. False, and nothing is changed, when that
/// takes a scale below `coarsest`, or when the total would count more than a double can tell (2^53).
bool add_exponential(wire::otlp::DataPoint& total, const wire::otlp::DataPoint& delta,
                     std::int32_t coarsest = INT32_MIN);
/// The same bound for a point by itself: without empty buckets at the ends, and as coarse as it has to be.
/// False when that is below `coarsest`.
bool bound_buckets(wire::otlp::DataPoint& point, std::int32_t coarsest = INT32_MIN);
/// At a coarser scale: `by` halvings of the resolution.
wire::otlp::BucketRow coarser(const wire::otlp::BucketRow& row, int by);

/// Thread-safe. Bounded in series and in bytes; one project may have half of each, so that there is room for
/// others. `now` is the server's: a client's times decide nothing here but the order of its own points.
class DeltaTotals {
 public:
  DeltaTotals() : DeltaTotals(limits::kMaxDeltaTotals) {}
  explicit DeltaTotals(std::size_t max_series, std::size_t max_bytes = limits::kMaxDeltaBytes)
      : max_series_(max_series), max_bytes_(max_bytes) {}

  struct Total {
    double value = 0;
    UnixNanos start;
  };
  /// The total with the point. `key` is of the series' labels; `start` of the first point becomes the
  /// total's. invalid_argument for a delta that is no finite number or a point that is older than the newest,
  /// resource_exhausted for a new series when there are too many. After an error the total is what it was.
  Result<Total> add(ProjectId project, Id128 key, UnixNanos start, UnixNanos time, double delta,
                    UnixNanos now);
  /// The same of an exponential histogram, which becomes a native one (native_histogram()): `point` becomes
  /// the total. Its counts add up, and it has no bucket that a native histogram could not have.
  Result<> add_histogram(ProjectId project, Id128 key, wire::otlp::DataPoint& point, UnixNanos now);
  /// The same of what is counted as it arrives: it has no time of its own, so that none is sent again.
  Result<Total> count(ProjectId project, Id128 key, UnixNanos now, double delta);
  Result<> count_histogram(ProjectId project, Id128 key, wire::otlp::DataPoint& point, UnixNanos now);
  std::size_t size() const;
  /// What all totals take in memory, about.
  std::size_t bytes() const;

 private:
  struct Series {
    ProjectId project;
    UnixNanos start;
    UnixNanos last;  // of its points
    UnixNanos seen;  // when the newest came
    double value = 0;
    std::unique_ptr<wire::otlp::DataPoint> histogram;
  };
  struct Share {
    std::size_t series = 0;
    std::size_t bytes = 0;
  };
  using Found = std::unordered_map<Id128, Series>::iterator;

  static std::size_t bytes_of(const Series& series);
  /// `again`: the point is there already.
  Result<Found> series_of(ProjectId project, Id128 key, UnixNanos start, UnixNanos time, UnixNanos now,
                          bool& again) TT_REQUIRES(mutex_);
  Result<Total> add_locked(ProjectId project, Id128 key, UnixNanos start, UnixNanos time, double delta,
                           UnixNanos now) TT_REQUIRES(mutex_);
  Result<> keep_total(Found found, std::unique_ptr<wire::otlp::DataPoint> total, UnixNanos now)
      TT_REQUIRES(mutex_);
  Result<> add_histogram_locked(ProjectId project, Id128 key, wire::otlp::DataPoint& point, UnixNanos now)
      TT_REQUIRES(mutex_);
  bool has_room(ProjectId project, std::size_t series, std::size_t bytes) const TT_REQUIRES(mutex_);
  /// has_room(), after idle ones have made some. resource_exhausted when there is none.
  Result<> make_room(ProjectId project, std::size_t series, std::size_t bytes, UnixNanos now)
      TT_REQUIRES(mutex_);
  void account(const Series& series, bool comes) TT_REQUIRES(mutex_);
  static void show_total(const Series& series, wire::otlp::DataPoint& point);
  void forget_idle(UnixNanos now) TT_REQUIRES(mutex_);

  const std::size_t max_series_;
  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  std::unordered_map<Id128, Series> series_ TT_GUARDED_BY(mutex_);
  std::unordered_map<std::uint32_t, Share> shares_ TT_GUARDED_BY(mutex_);  // by project
  std::size_t bytes_ TT_GUARDED_BY(mutex_) = 0;
  std::optional<UnixNanos> forgotten_ TT_GUARDED_BY(mutex_);  // when idle ones were last looked for
};

}  // namespace telltale::ingest
