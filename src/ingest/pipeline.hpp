// From an accepted batch to every store. commit() journals a batch (durable when it returns) and hands it, in
// the journal's order, to one applier thread a store; what a crash took from a store's memory, replay()
// brings back from the journal. A store that falls behind by limits::kApplyQueueBytes slows ingest down, then
// stops it at the door, rather than let memory grow. Segments of the journal go once every store has made its
// part durable.
//
// Invariants: a batch is acknowledged only after its record is durable; each store sees sequences in rising
// order; client ids are admitted in sorted order, so that two requests with the same ids cannot wait for each
// other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "io/journal.hpp"
#include "storage/batch.hpp"
#include "storage/derived_store.hpp"
#include "storage/metric_store.hpp"

namespace telltale::ingest {

/// For each row of a batch's tables the id its client gave it, zero for none; a list is empty or as long as
/// its table. A row whose id was seen in the journal's window is dropped.
struct ClientIds {
  std::vector<Id128> logs;
  std::vector<Id128> spans;
  std::vector<Id128> errors;
};

struct Committed {
  Sequence sequence;           // 0 when nothing was left to journal
  std::size_t rows = 0;        // journaled
  std::size_t duplicates = 0;  // rows that had been accepted before
};

/// Thread-safe after start().
class Pipeline {
 public:
  /// `metric_store` is one of `stores`. `accepting` says whether the disk takes writes (io::DiskGuard).
  /// Everything outlives the pipeline.
  Pipeline(io::Journal& journal, const std::vector<storage::DerivedStore*>& stores,
           storage::MetricStore& metric_store, std::function<bool()> accepting, const Clock& clock,
           const Logger& log, MetricsRegistry& metrics,
           std::uint64_t max_replay_bytes = limits::kJournalReplayBytes);
  ~Pipeline();

  /// Applies to each store the journal's records it has not seen. Before start().
  Result<> replay();
  /// Called for each batch once it is durable, on the commit thread: for live tails, which only take a
  /// reference there. Before start().
  using Tap = std::function<void(const std::shared_ptr<const storage::Batch>&)>;
  void set_tap(Tap tap);
  void start();
  /// Applies what is queued, checkpoints every store, ends the threads. The journal must have been stopped.
  void stop();

  /// Whether the disk takes writes.
  bool accepting() const;
  /// Called once the rows that were accepted before are out of the batch: counts of the rest go into it.
  using Settle = std::function<void(storage::Batch&)>;
  /// Durable when it returns. disk_full while the disk is full, resource_exhausted when a store is too far
  /// behind. `encoder` has the batch's rows already.
  Result<Committed> commit(storage::Batch batch, const ClientIds& ids = {},
                           storage::BatchEncoder* encoder = nullptr, const Settle& settle = {});
  /// MetricStore::resolve(); a series over a limit is counted.
  Result<SeriesId> resolve(ProjectId project, const Labels& labels, std::vector<storage::SeriesDef>& defs);
  /// Resolves the series and commits. Series over a limit are counted and left out; the error tells of them
  /// after the rest is durable.
  Result<> write_samples(ProjectId project, UnixNanos received,
                         const std::vector<std::pair<Labels, Sample>>& samples,
                         storage::BatchItems items = {});

  /// Checkpoints the stores that want it (all of them if `force`; the furthest behind when the journal is
  /// larger than `max_replay_bytes`) and releases the journal's old segments.
  Result<> checkpoint(bool force);
  /// Nothing that was accepted before stays in the journal: every store makes it durable, and its segments
  /// go. unavailable when a store does not catch up in time.
  Result<> empty_journal(Nanos timeout);
  /// Runs `body` while nothing is checkpointed and no segment goes: what it copies of the stores can be
  /// completed from the journal it copies after them.
  Result<> without_checkpoints(const std::function<Result<>()>& body);
  /// True once every store has applied `sequence`; waits at most `timeout`.
  bool wait_applied(Sequence sequence, Nanos timeout);
  /// The same of everything committed so far.
  bool wait_settled(Nanos timeout);

 private:
  Sequence oldest_durable() const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::ingest
