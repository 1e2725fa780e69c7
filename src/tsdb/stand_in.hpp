// Entries that stand for whole chunks in front of a query's windows (storage::SelectHints::windows). A chunk
// within which no window begins or ends is in a window with all its samples or with none, so that for the
// greatest value of a window the chunk's own greatest does, as its sum does for a sum; of a counter that only
// rises its first and last value do for a rate. What of it would depend on other samples (an overwritten one,
// a sum that is no longer exact) is found when all of a series is there; then it is read anew without.
#pragma once

#include <cstdint>
#include <vector>

#include "storage/metric_store.hpp"
#include "tsdb/chunk_summary.hpp"

namespace telltale::tsdb {

/// Of one series at a time. Not thread-safe.
class StandIns {
 public:
  explicit StandIns(const storage::SelectHints& hints);

  /// False: these hints allow none.
  bool wanted() const { return kind_ != Kind::none; }
  bool empty() const { return chunks_.empty(); }
  void clear() { chunks_.clear(); }

  /// Whether a chunk of so many samples from `min_ms` to `max_ms` may be stood for, if its summary says
  /// enough; `decoded` is what the series has besides, so far.
  bool may_stand_for(std::int64_t min_ms, std::int64_t max_ms, std::uint32_t samples,
                     const SampleRun& decoded) const;
  /// False when the summary does not say what is needed. Chunks in the order of time.
  bool add(std::int64_t min_ms, std::int64_t max_ms, std::uint32_t samples, const ChunkSummary& summary);

  /// Everything that the series has, `decoded` being what was not stood for. False when stand-ins would tell.
  bool merge(const SampleRun& decoded);
  /// Of the last merge(); valid until the next one.
  std::span<const std::int64_t> times() const { return times_; }
  std::span<const double> values() const { return values_; }
  std::span<const std::uint32_t> weights() const { return weights_; }
  std::size_t bytes() const;

 private:
  enum class Kind : unsigned char { none, least, greatest, sum, any, ends };
  static Kind kind_of(const storage::SelectHints& hints);
  struct Chunk {
    std::int64_t min_ms;
    std::int64_t max_ms;
    std::uint32_t samples;
    double value;
    double last;  // of Kind::ends
    double most;  // absolute value
  };
  /// Some window begins or ends between two times of [min_ms, max_ms].
  bool cut(std::int64_t min_ms, std::int64_t max_ms) const;
  bool edge_within(std::int64_t first_edge, std::int64_t min_ms, std::int64_t max_ms) const;
  bool adds_up_exactly(const SampleRun& decoded) const;
  void push(std::int64_t ms, double value, std::uint32_t weight);
  void push(const Chunk& chunk);

  const Kind kind_;
  const storage::Windows windows_;
  const std::int64_t window_ms_;
  std::vector<Chunk> chunks_;
  std::vector<std::int64_t> times_;
  std::vector<double> values_;
  std::vector<std::uint32_t> weights_;
};

}  // namespace telltale::tsdb
