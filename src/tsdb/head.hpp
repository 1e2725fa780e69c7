// The samples that are not in a part yet. A series keeps its samples in order; what comes late is set beside
// and merged in when there is enough of it. Not thread-safe: the engine guards the active head, a frozen one
// is const.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/strong.hpp"
#include "model/sample.hpp"
#include "tsdb/sample_run.hpp"

namespace telltale::tsdb {

class HeadSeries {
 public:
  /// Later calls win at equal times.
  void add(Sample sample);
  /// Newer than whatever `out` holds: merged into it, restricted to `range`.
  void read(const storage::MillisRange& range, SampleRun& out) const;
  bool has_samples(const storage::MillisRange& range) const;
  void settle();
  const SampleRun& settled() const { return run_; }

 private:
  SampleRun run_;
  std::vector<Sample> late_;  // all before run_.times.back(), newer than run_'s
};

class Head {
 public:
  void add(SeriesId id, Sample sample) {
    series_[id].add(sample);
    ++samples_;
  }
  const HeadSeries* find(SeriesId id) const {
    const auto it = series_.find(id);
    return it == series_.end() ? nullptr : &it->second;
  }
  /// Merges all late samples in; to be called before freezing.
  void settle() {
    for (auto& [id, s] : series_) s.settle();
  }
  const std::unordered_map<SeriesId, HeadSeries>& series() const { return series_; }
  std::uint64_t samples() const { return samples_; }
  std::size_t bytes() const { return samples_ * 20 + series_.size() * 160; }
  bool empty() const { return samples_ == 0; }

 private:
  std::unordered_map<SeriesId, HeadSeries> series_;
  std::uint64_t samples_ = 0;
};

}  // namespace telltale::tsdb
