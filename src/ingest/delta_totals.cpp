#include "ingest/delta_totals.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ingest/otlp_metrics.hpp"

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

namespace {

constexpr auto kMostBuckets = static_cast<std::int64_t>(limits::kMaxDeltaBuckets);
constexpr std::uint64_t kMostCounted = std::uint64_t{1} << 53;

void trim(BucketRow& row) {
  std::size_t first = 0;
  while (first < row.counts.size() && row.counts[first] == 0) ++first;
  while (row.counts.size() > first && row.counts.back() == 0) row.counts.pop_back();
  if (first == 0) return;
  row.counts.erase(row.counts.begin(), row.counts.begin() + static_cast<std::ptrdiff_t>(first));
  row.offset = row.counts.empty() ? 0 : row.offset + static_cast<std::int32_t>(first);
}

}  // namespace

bool bound_buckets(DataPoint& point, std::int32_t coarsest) {
  trim(point.positive);
  trim(point.negative);
  DataPoint bounded;
  bounded.scale = point.scale;
  if (!add_exponential(bounded, point, coarsest)) return false;
  point.scale = bounded.scale;
  point.positive = std::move(bounded.positive);
  point.negative = std::move(bounded.negative);
  return true;
}

bool add_exponential(DataPoint& total, const DataPoint& delta, std::int32_t coarsest) {
  if (total.count > kMostCounted || delta.count > kMostCounted - total.count) return false;
  std::int32_t scale = std::min(total.scale, delta.scale);
  const auto row_at = [&](const DataPoint& p, const BucketRow& row) {
    return coarser(row, static_cast<int>(std::min<std::int64_t>(kCoarsest, std::int64_t{p.scale} - scale)));
  };
  for (int halved = 0; halved <= kCoarsest && scale >= coarsest; ++halved, --scale) {
    BucketRow positive[] = {row_at(total, total.positive), row_at(delta, delta.positive)};
    BucketRow negative[] = {row_at(total, total.negative), row_at(delta, delta.negative)};
    if (spanned(positive[0], positive[1]) > kMostBuckets || spanned(negative[0], negative[1]) > kMostBuckets)
      continue;
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

std::size_t DeltaTotals::bytes_of(const Series& series) {
  constexpr std::size_t kNode = 64;  // of the map
  std::size_t bytes = sizeof(std::pair<Id128, Series>) + kNode;
  if (series.histogram)
    bytes += sizeof *series.histogram + sizeof(std::uint64_t) * (series.histogram->positive.counts.size() +
                                                                 series.histogram->negative.counts.size());
  return bytes;
}

bool DeltaTotals::has_room(ProjectId project, std::size_t series, std::size_t bytes) const {
  const auto found = shares_.find(project.value);
  const Share share = found == shares_.end() ? Share{} : found->second;
  return series_.size() + series <= max_series_ && bytes_ + bytes <= max_bytes_ &&
         share.series + series <= (max_series_ + 1) / 2 && share.bytes + bytes <= max_bytes_ / 2;
}

Result<> DeltaTotals::make_room(ProjectId project, std::size_t series, std::size_t bytes, UnixNanos now) {
  if (has_room(project, series, bytes)) return {};
  if (!forgotten_ || now - *forgotten_ >= std::chrono::seconds(limits::kDeltaForgetSeconds)) {
    forgotten_ = now;
    forget_idle(now);
    if (has_room(project, series, bytes)) return {};
  }
  return fail(ErrorKind::resource_exhausted,
              "over the limit of " + std::to_string(max_series_) + " series or " +
                  std::to_string(max_bytes_) +
                  " bytes of those that are sent as deltas; a project may have half");
}

void DeltaTotals::account(const Series& series, bool comes) {
  const std::size_t bytes = bytes_of(series);
  const auto share = shares_.try_emplace(series.project.value).first;
  if (comes) {
    bytes_ += bytes;
    share->second.bytes += bytes;
    ++share->second.series;
    return;
  }
  bytes_ -= bytes;
  share->second.bytes -= bytes;
  if (--share->second.series == 0) shares_.erase(share);
}

Result<DeltaTotals::Found> DeltaTotals::series_of(ProjectId project, Id128 key, UnixNanos start,
                                                  UnixNanos time, UnixNanos now, bool& again) {
  const Id128 place = in_project(project, key);
  auto found = series_.find(place);
  if (found == series_.end()) {
    Series series{project, start, {INT64_MIN}, now, 0, nullptr};
    TT_TRY(make_room(project, 1, bytes_of(series), now));
    account(series, true);
    found = series_.emplace(place, std::move(series)).first;
  }
  again = found->second.last == time;
  if (found->second.last > time)
    return fail(ErrorKind::invalid_argument, "a delta that is older than the one before it");
  return found;
}

Result<DeltaTotals::Total> DeltaTotals::add_locked(ProjectId project, Id128 key, UnixNanos start,
                                                   UnixNanos time, double delta, UnixNanos now) {
  if (!std::isfinite(delta)) return fail(ErrorKind::invalid_argument, "a delta that is no finite number");
  bool again = false;
  TT_ASSIGN(const Found found, series_of(project, key, start, time, now, again));
  Series& series = found->second;
  if (!again && !std::isfinite(series.value + delta))
    return fail(ErrorKind::invalid_argument, "a total that is no finite number");
  if (!again) series.value += delta;
  series.last = time;
  series.seen = now;
  return Total{series.value, series.start};
}

Result<DeltaTotals::Total> DeltaTotals::add(ProjectId project, Id128 key, UnixNanos start, UnixNanos time,
                                            double delta, UnixNanos now) {
  const MutexLock lock(mutex_);
  return add_locked(project, key, start, time, delta, now);
}

void DeltaTotals::show_total(const Series& series, DataPoint& point) {
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

Result<> DeltaTotals::keep_total(Found found, std::unique_ptr<DataPoint> total, UnixNanos now) {
  Series& series = found->second;
  Series next{series.project, series.start, series.last, now, series.value, std::move(total)};
  const std::size_t before = bytes_of(series);
  const std::size_t after = bytes_of(next);
  series.seen = now;  // so that making room does not take it
  if (after > before) TT_TRY(make_room(series.project, 0, after - before, now));
  account(series, false);
  account(next, true);
  series = std::move(next);
  return {};
}

Result<> DeltaTotals::add_histogram(ProjectId project, Id128 key, DataPoint& point, UnixNanos now) {
  const MutexLock lock(mutex_);
  return add_histogram_locked(project, key, point, now);
}

Result<> DeltaTotals::add_histogram_locked(ProjectId project, Id128 key, DataPoint& point, UnixNanos now) {
  if (point.sum && !std::isfinite(*point.sum))
    return fail(ErrorKind::invalid_argument, "a sum that is no finite number");
  if (!bound_buckets(point, kMinSchema))
    return fail(ErrorKind::invalid_argument, "buckets too far apart, or too many counted");
  TT_TRY(native_histogram(point));
  bool again = false;
  TT_ASSIGN(const Found found, series_of(project, key, point.start, point.time, now, again));
  Series& series = found->second;
  if (!again || series.histogram == nullptr) {  // a number of the same name may have this time
    auto total = std::make_unique<DataPoint>();
    if (series.histogram == nullptr) {
      *total = point;
      total->attributes = {};
      total->exemplars = {};
    } else {
      *total = *series.histogram;
      if (!add_exponential(*total, point, kMinSchema) || (total->sum && !std::isfinite(*total->sum)))
        return fail(ErrorKind::invalid_argument, "buckets too far apart to be added up");
    }
    TT_TRY(keep_total(found, std::move(total), now));
  }
  series.last = point.time;
  series.seen = now;
  show_total(series, point);
  return {};
}

Result<DeltaTotals::Total> DeltaTotals::count(ProjectId project, Id128 key, UnixNanos now, double delta) {
  const MutexLock lock(mutex_);
  const auto known = series_.find(in_project(project, key));
  const UnixNanos time = known == series_.end() ? now : std::max(now, known->second.last + Nanos(1));
  return add_locked(project, key, now, time, delta, now);
}

Result<> DeltaTotals::count_histogram(ProjectId project, Id128 key, DataPoint& point, UnixNanos now) {
  const MutexLock lock(mutex_);
  const auto known = series_.find(in_project(project, key));
  if (known != series_.end()) point.time = std::max(point.time, known->second.last + Nanos(1));
  return add_histogram_locked(project, key, point, now);
}

void DeltaTotals::forget_idle(UnixNanos now) {
  const UnixNanos oldest = now - std::chrono::seconds(limits::kDeltaIdleSeconds);
  for (auto at = series_.begin(); at != series_.end();) {
    if (at->second.seen >= oldest) {
      ++at;
      continue;
    }
    account(at->second, false);
    at = series_.erase(at);
  }
}

std::size_t DeltaTotals::size() const {
  const MutexLock lock(mutex_);
  return series_.size();
}

std::size_t DeltaTotals::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace telltale::ingest
