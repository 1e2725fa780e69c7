// A run is one series' samples as columns, times strictly rising: the currency between head, parts and
// cursors. Most series have floats and no start times: the other two columns are empty then.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/sample.hpp"
#include "storage/metric_store.hpp"

namespace telltale::tsdb {

using HistogramPtr = std::shared_ptr<const Histogram>;

/// Of a run, or of a part of one.
struct SampleSlice {
  std::span<const std::int64_t> times;
  std::span<const double> values;
  std::span<const HistogramPtr> histograms;  // empty, or as many as times; null where a sample is a float
  std::span<const std::int64_t> starts;      // empty, or as many as times; 0 where none is known

  bool empty() const { return times.empty(); }
  std::size_t size() const { return times.size(); }
  SampleSlice part(std::size_t first, std::size_t count) const;
};

struct SampleRun {
  std::vector<std::int64_t> times;
  std::vector<double> values;
  std::vector<HistogramPtr> histograms;
  std::vector<std::int64_t> starts;

  bool empty() const { return times.empty(); }
  std::size_t size() const { return times.size(); }
  void clear();
  void push(const Sample& sample);
  /// Behind the last.
  void append(const SampleSlice& more);
  SampleSlice slice() const { return {times, values, histograms, starts}; }
  /// What it occupies, about; histograms included.
  std::size_t bytes() const;
};

/// Merges newer samples into `run`; at equal times the newer one wins. Both have strictly rising times. Cheap
/// when the newer ones begin after the end.
void merge_newer(SampleRun& run, const SampleSlice& newer);

/// Index range [first, last) of the times inside `range`.
std::pair<std::size_t, std::size_t> clip(std::span<const std::int64_t> times,
                                         const storage::MillisRange& range);
/// Leaves only those inside of `range`.
void keep_clipped(SampleRun& run, const storage::MillisRange& range);
/// The samples inside of `range`.
SampleSlice clipped(const SampleSlice& slice, const storage::MillisRange& range);

}  // namespace telltale::tsdb
