#include "tsdb/sample_run.hpp"

#include <algorithm>

#include "model/histogram.hpp"

namespace telltale::tsdb {

SampleSlice SampleSlice::part(std::size_t first, std::size_t count) const {
  SampleSlice out{times.subspan(first, count), values.subspan(first, count), {}, {}};
  if (!histograms.empty()) out.histograms = histograms.subspan(first, count);
  if (!starts.empty()) out.starts = starts.subspan(first, count);
  return out;
}

void SampleRun::clear() {
  times.clear();
  values.clear();
  histograms.clear();
  starts.clear();
}

void SampleRun::push(const Sample& sample) {
  if (sample.histogram && histograms.empty()) histograms.resize(times.size());
  if (sample.start.ms != 0 && starts.empty()) starts.resize(times.size());
  const bool with_histograms = sample.histogram || !histograms.empty();
  const bool with_starts = sample.start.ms != 0 || !starts.empty();
  times.push_back(sample.time.ms);
  values.push_back(sample.value);
  if (with_histograms) histograms.push_back(sample.histogram);
  if (with_starts) starts.push_back(sample.start.ms);
}

void SampleRun::append(const SampleSlice& more) {
  const std::size_t before = times.size();
  times.insert(times.end(), more.times.begin(), more.times.end());
  values.insert(values.end(), more.values.begin(), more.values.end());
  if (!histograms.empty() || !more.histograms.empty()) {
    histograms.resize(before);
    histograms.insert(histograms.end(), more.histograms.begin(), more.histograms.end());
    histograms.resize(times.size());
  }
  if (!starts.empty() || !more.starts.empty()) {
    starts.resize(before);
    starts.insert(starts.end(), more.starts.begin(), more.starts.end());
    starts.resize(times.size());
  }
}

std::size_t SampleRun::bytes() const {
  std::size_t out = times.capacity() * sizeof(std::int64_t) + values.capacity() * sizeof(double) +
                    starts.capacity() * sizeof(std::int64_t) + histograms.capacity() * sizeof(HistogramPtr);
  for (const HistogramPtr& h : histograms) out += h ? h->bytes() : 0;
  return out;
}

void merge_newer(SampleRun& run, const SampleSlice& newer) {
  if (newer.empty()) return;
  if (run.empty() || run.times.back() < newer.times.front()) return run.append(newer);
  const SampleRun older = std::move(run);
  const SampleSlice old = older.slice();
  run = {};
  run.times.reserve(old.size() + newer.size());
  run.values.reserve(old.size() + newer.size());
  // Stretches between each other's times, rather than one sample after the other.
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < old.size() && j < newer.size()) {
    const auto older_end =
        static_cast<std::size_t>(std::lower_bound(old.times.begin() + static_cast<std::ptrdiff_t>(i),
                                                  old.times.end(), newer.times[j]) -
                                 old.times.begin());
    if (older_end > i) run.append(old.part(i, older_end - i));
    i = older_end;
    if (i == old.size()) break;
    const auto newer_end =
        static_cast<std::size_t>(std::upper_bound(newer.times.begin() + static_cast<std::ptrdiff_t>(j),
                                                  newer.times.end(), old.times[i]) -
                                 newer.times.begin());
    run.append(newer.part(j, newer_end - j));
    if (newer.times[newer_end - 1] == old.times[i]) ++i;
    j = newer_end;
  }
  if (i < old.size()) run.append(old.part(i, old.size() - i));
  if (j < newer.size()) run.append(newer.part(j, newer.size() - j));
}

std::pair<std::size_t, std::size_t> clip(std::span<const std::int64_t> times,
                                         const storage::MillisRange& range) {
  if (range.min > range.max) return {0, 0};
  const auto first = std::lower_bound(times.begin(), times.end(), range.min.ms);
  const auto last = std::upper_bound(first, times.end(), range.max.ms);
  return {static_cast<std::size_t>(first - times.begin()), static_cast<std::size_t>(last - times.begin())};
}

void keep_clipped(SampleRun& run, const storage::MillisRange& range) {
  const auto [first, last] = clip(run.times, range);
  const auto keep = [first = first, last = last](auto& column) {
    if (column.empty()) return;
    column.resize(last);
    column.erase(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(first));
  };
  keep(run.times);
  keep(run.values);
  keep(run.histograms);
  keep(run.starts);
}

SampleSlice clipped(const SampleSlice& slice, const storage::MillisRange& range) {
  const auto [first, last] = clip(slice.times, range);
  return slice.part(first, last - first);
}

}  // namespace telltale::tsdb
