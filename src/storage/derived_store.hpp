// A store that is derived from the journal. Batches are applied in sequence order by one thread. checkpoint()
// makes everything applied so far durable and, atomically with it, the sequence it goes up to; after a crash
// the server replays from applied() on. Applying a sequence that is not newer than applied() is a no-op, so
// that replay counts nothing twice.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "storage/batch.hpp"

namespace telltale::storage {

/// A batch and its place in the journal.
struct PlacedBatch {
  Sequence sequence;
  std::shared_ptr<const Batch> batch;
};

/// How soon a store wants a batch: every batch that wakes its thread costs two switches of threads.
enum class Urgency : unsigned char {
  none,  // nothing in it for this store: only the sequence, whenever it is convenient
  soon,  // may gather for a moment: nobody waits for each of them
  now,
};

class DerivedStore {
 public:
  virtual ~DerivedStore() = default;
  virtual std::string_view name() const = 0;
  /// Of one batch; of `none` the store is shown an empty one in its place. Thread-safe.
  virtual Urgency urgency(const Batch&) const { return Urgency::now; }
  /// Applies in memory; visible to queries when it returns. Only one thread applies at a time.
  virtual Result<> apply(Sequence sequence, const Batch& batch) = 0;
  /// The same of a batch that others share: a store may keep it for a while instead of copying out of it.
  virtual Result<> apply_shared(Sequence sequence, std::shared_ptr<const Batch> batch) {
    return apply(sequence, *batch);
  }
  /// Some that follow each other, for a store that is behind: what costs once a commit it may then do once
  /// for all of them. Where it fails, applied() says how far it came; the same batches may be given again.
  virtual Result<> apply_all(std::span<const PlacedBatch> batches) {
    for (const PlacedBatch& b : batches) TT_TRY(apply_shared(b.sequence, b.batch));
    return {};
  }
  /// The newest sequence applied, in memory or on disk.
  virtual Sequence applied() const = 0;
  /// The newest sequence that survives a crash.
  virtual Sequence durable() const = 0;
  /// Makes applied() durable. Runs beside apply() and queries. disk_full and io leave the store as it was.
  virtual Result<> checkpoint() = 0;
  /// True when the store would rather checkpoint now (its head is large or old).
  virtual bool wants_checkpoint() const = 0;
};

}  // namespace telltale::storage
