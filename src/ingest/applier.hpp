// One store and the thread that applies durable batches to it, in the journal's order. A batch that the store
// does not wait for (storage::Urgency) does not wake the thread: it is applied with the next that does, when
// somebody waits for it, or a moment after the batches before.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "storage/derived_store.hpp"

namespace telltale::ingest {

using SharedBatch = std::shared_ptr<const storage::Batch>;

/// push() from one thread, in order of sequence; the rest from any.
class Applier {
 public:
  Applier(storage::DerivedStore& store, const Logger& log, MetricsRegistry& metrics);

  storage::DerivedStore& store() { return store_; }
  /// Whether there is room for `batch`, for which it waits a little (limits::kApplyWaitMs): whoever sends
  /// rows faster than the store can take them is slowed down first and refused after that. As much again is
  /// kept for batches without rows, so that logs do not hold up alerts and scrapes.
  bool wait_for_room(const storage::Batch& batch);
  void start();
  void push(Sequence sequence, SharedBatch batch);
  /// Applies what is queued, then joins.
  void stop();
  bool wait_applied(Sequence sequence, std::chrono::steady_clock::time_point until);

 private:
  struct Waiting {
    Sequence sequence;
    SharedBatch batch;
    std::size_t bytes = 0;
    storage::Urgency urgency = storage::Urgency::now;
  };
  void run();
  void wait_for_work(std::chrono::steady_clock::time_point last) TT_REQUIRES(mutex_);
  /// False: stopping, and the store cannot take them.
  bool apply_until_done(const std::vector<storage::PlacedBatch>& batches);

  storage::DerivedStore& store_;
  const Logger& log_;
  Counter& errors_;
  Gauge& queued_;
  Gauge& queued_bytes_;
  std::atomic<std::size_t> bytes_{0};  // of batches not yet applied, the one at hand included
  Mutex mutex_;
  CondVar wake_;
  CondVar applied_;
  CondVar room_;
  std::size_t waiting_ TT_GUARDED_BY(mutex_) = 0;
  std::deque<Waiting> queue_ TT_GUARDED_BY(mutex_);
  std::size_t urgent_ TT_GUARDED_BY(mutex_) = 0;  // in the queue
  bool awaited_ TT_GUARDED_BY(mutex_) = false;    // somebody waits for what is queued
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace telltale::ingest
