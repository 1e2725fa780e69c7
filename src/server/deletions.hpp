// Deletions by query, one after the other. Each is a record before it is acknowledged and is worked on until
// it is done: a crash in between leaves rows that the same work, begun again, finds.
#pragma once

#include <atomic>

#include "base/log.hpp"
#include "base/mutex.hpp"
#include "server/erasure.hpp"
#include "server/stores.hpp"
#include "storage/erasure.hpp"

namespace telltale::server {

/// Thread-safe; one thread calls run().
class DeletionQueue final : public storage::Deletions {
 public:
  DeletionQueue(Stores& stores, Erasure& erasure, const Clock& clock, const Logger& log)
      : stores_(stores), erasure_(erasure), clock_(clock), log_(log) {}

  Result<storage::Deletion> add(const storage::Deletion& wanted) override;
  Result<std::vector<storage::Deletion>> list() override;
  Result<> cancel(std::uint64_t id) override;

  /// Does all that waits, oldest first; returns at once when nothing does. What cannot be done now (a full
  /// disk, a store that is behind) is tried again some seconds later.
  void run();
  /// The work that is going on ends after the part it is at, and goes on at the next start.
  void stop() { stopping_ = true; }

 private:
  Result<> work_on(storage::Deletion& deletion);
  Result<> fulfil(storage::Deletion& deletion);
  Result<> put(const storage::Deletion& deletion);
  Result<> forget_oldest(const std::vector<storage::Deletion>& all);

  Stores& stores_;
  Erasure& erasure_;
  const Clock& clock_;
  const Logger& log_;
  std::atomic<bool> waiting_{true};  // something may wait; at the start, what an earlier run left
  std::atomic<bool> stopping_{false};
  UnixNanos not_before_{};  // of run()'s thread
};

}  // namespace telltale::server
