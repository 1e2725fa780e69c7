#include "ingest/delta_totals.hpp"

#include <algorithm>

namespace telltale::ingest {
namespace {

using wire::otlp::BucketRow;
using wire::otlp::DataPoint;

constexpr int kCoarsest = 40;  // halvings after which all indices of 32 bits are one bucket

std::int64_t first_of(const BucketRow& row) { return row.offset; }
std::int64_t end_of(const BucketRow& row) {
  return row.offset + static_cast<std::int64_t>(row.counts.size());
}

/// Buckets that both together would span.
std::int64_t spanned(const BucketRow& a, const BucketRow& b) {
  if (a.counts.empty()) return static_cast<std::int64_t>(b.counts.size());
  if (b.counts.empty()) return static_cast<std::int64_t>(a.counts.size());
  return std::max(end_of(a), end_of(b)) - std::min(first_of(a), first_of(b));
}

BucketRow added(const BucketRow& a, const BucketRow& b) {
  if (a.counts.empty()) return b;
  if (b.counts.empty()) return a;
  BucketRow out;
  out.offset = std::min(a.offset, b.offset);
  out.counts.resize(static_cast<std::size_t>(spanned(a, b)));
  for (const BucketRow* row : {&a, &b}) {
    const auto shift = static_cast<std::size_t>(first_of(*row) - out.offset);
    for (std::size_t i = 0; i < row->counts.size(); ++i) out.counts[shift + i] += row->counts[i];
  }
  return out;
}

Id128 in_project(ProjectId project, Id128 key) {
  return {key.hi ^ (project.value * 0x9E3779B97F4A7C15ULL), key.lo};
}

}  // namespace

BucketRow coarser(const BucketRow& row, int by) {
  if (by <= 0 || row.counts.empty()) return row;
  const auto index = [&](std::int64_t i) { return i >> std::min(by, 62); };
  BucketRow out;
  out.offset = static_cast<std::int32_t>(index(first_of(row)));
  out.counts.resize(static_cast<std::size_t>(index(end_of(row) - 1) - out.offset + 1));
  for (std::size_t i = 0; i < row.counts.size(); ++i)
    out.counts[static_cast<std::size_t>(index(first_of(row) + static_cast<std::int64_t>(i)) - out.offset)] +=
        row.counts[i];
  return out;
}

bool add_exponential(DataPoint& total, const DataPoint& delta) {
  std::int32_t scale = std::min(total.scale, delta.scale);
  const auto row_at = [&](const DataPoint& p, const BucketRow& row) {
    return coarser(row, static_cast<int>(std::min<std::int64_t>(kCoarsest, std::int64_t{p.scale} - scale)));
  };
  constexpr auto kMost = static_cast<std::int64_t>(limits::kMaxBucketsPerHistogram) / 4;
  for (int halved = 0; halved <= kCoarsest; ++halved, --scale) {
    BucketRow positive[] = {row_at(total, total.positive), row_at(delta, delta.positive)};
    BucketRow negative[] = {row_at(total, total.negative), row_at(delta, delta.negative)};
    if (spanned(positive[0], positive[1]) > kMost || spanned(negative[0], negative[1]) > kMost) continue;
    total.positive = added(positive[0], positive[1]);
    total.negative = added(negative[0], negative[1]);
    total.scale = scale;
    total.zero_count += delta.zero_count;
    total.zero_threshold = std::max(total.zero_threshold, delta.zero_threshold);
    total.count += delta.count;
    if (total.sum && delta.sum) {
      *total.sum += *delta.sum;
    } else {
      total.sum.reset();
    }
    return true;
  }
  return false;
}

Result<DeltaTotals::Series*> DeltaTotals::series_of(ProjectId project, Id128 key, UnixNanos start,
                                                    UnixNanos time, bool& again) {
  const Id128 place = in_project(project, key);
  auto found = series_.find(place);
  if (found == series_.end()) {
    if (series_.size() >= max_series_) forget_idle(time);
    if (series_.size() >= max_series_) {
      return fail(ErrorKind::resource_exhausted,
                  "over the limit of " + std::to_string(max_series_) + " series that are sent as deltas");
    }
    found = series_.emplace(place, Series{start, {INT64_MIN}, 0, nullptr}).first;
  }
  again = found->second.last == time;
  if (found->second.last > time)
    return fail(ErrorKind::invalid_argument, "a delta that is older than the one before it");
  return &found->second;
}

Result<DeltaTotals::Total> DeltaTotals::add(ProjectId project, Id128 key, UnixNanos start, UnixNanos time,
                                            double delta) {
  const MutexLock lock(mutex_);
  bool again = false;
  TT_ASSIGN(Series* const series, series_of(project, key, start, time, again));
  if (!again) series->value += delta;
  series->last = time;
  return Total{series->value, series->start};
}

void DeltaTotals::show_total(Series& series, DataPoint& point) {
  const DataPoint& total = *series.histogram;
  point.start = series.start;
  point.count = total.count;
  point.sum = total.sum;
  point.scale = total.scale;
  point.zero_count = total.zero_count;
  point.zero_threshold = total.zero_threshold;
  point.positive = total.positive;
  point.negative = total.negative;
}

Result<> DeltaTotals::add_histogram(ProjectId project, Id128 key, DataPoint& point) {
  const MutexLock lock(mutex_);
  bool again = false;
  TT_ASSIGN(Series* const series, series_of(project, key, point.start, point.time, again));
  if (series->histogram == nullptr) {
    series->histogram = std::make_unique<DataPoint>(point);
    series->histogram->attributes.clear();
    series->histogram->exemplars.clear();
  } else if (!again && !add_exponential(*series->histogram, point)) {
    return fail(ErrorKind::invalid_argument, "buckets too far apart to be added up");
  }
  series->last = point.time;
  show_total(*series, point);
  return {};
}

Result<DeltaTotals::Total> DeltaTotals::count(ProjectId project, Id128 key, UnixNanos now, double delta) {
  const MutexLock lock(mutex_);
  bool again = false;
  const auto known = series_.find(in_project(project, key));
  const UnixNanos time = known == series_.end() ? now : std::max(now, known->second.last + Nanos(1));
  TT_ASSIGN(Series* const series, series_of(project, key, now, time, again));
  series->value += delta;
  series->last = time;
  return Total{series->value, series->start};
}

Result<> DeltaTotals::count_histogram(ProjectId project, Id128 key, DataPoint& point) {
  {
    const MutexLock lock(mutex_);
    const auto known = series_.find(in_project(project, key));
    if (known != series_.end()) point.time = std::max(point.time, known->second.last + Nanos(1));
  }
  return add_histogram(project, key, point);
}

void DeltaTotals::forget_idle(UnixNanos now) {
  const UnixNanos oldest = now - std::chrono::seconds(limits::kDeltaIdleSeconds);
  std::erase_if(series_, [&](const auto& s) { return s.second.last < oldest; });
}

std::size_t DeltaTotals::size() const {
  const MutexLock lock(mutex_);
  return series_.size();
}

}  // namespace telltale::ingest
