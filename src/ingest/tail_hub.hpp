// Live tails: rows are pushed to whoever watches as they become durable, never polled for. The commit thread
// only puts a reference to the batch into a bounded queue; filters run on the hub's own thread. What a tail
// misses, because the queue was full or its client reads too slowly, is counted and told to it.
//
// Invariants: a tail sees rows of its own projects only, and none once its credential has been gone for
// check_interval; rows arrive in the journal's order, or,
// where a tail asks for it, in that of their times; the commit thread never waits for a tail.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "storage/batch.hpp"
#include "storage/event_store.hpp"

namespace telltale::ingest {

struct TailRequest {
  Table table = Table::logs;
  storage::Projects projects;
  storage::EventFilter filter;
  /// How long rows wait for others whose own time is earlier; they are handed over in the order of their
  /// times, not later than `delay` after they came. 0: at once, in the journal's order.
  Nanos delay{0};
  /// Whether the client may still see these rows: asked on the hub's thread every check_interval, and before
  /// rows are handed over when the last answer is older than that. False once: the tail ends, nothing more is
  /// handed to it, and what asked closes its connection itself. Unset: always.
  std::function<bool()> still_allowed;
};

/// Receives matching rows (at most limits::kTailFrameRows and about limits::kTailFrameBytes, none when only
/// `dropped` is news) and how many rows were dropped since the last call that was taken. False: not taken,
/// the client is behind; the rows then count as dropped. Called on the hub's thread, one at a time; perhaps
/// once more just after unsubscribe().
using TailSink = std::function<bool(const std::vector<const EventRow*>& rows, std::uint64_t dropped)>;

struct TailHubOptions {
  std::size_t max_subscribers = limits::kMaxTailSubscribers;
  std::size_t max_queued_rows = limits::kTailQueueRows;
  Nanos retry_interval{std::chrono::seconds(1)};  // between attempts to tell of drops when no row comes
  Nanos check_interval{std::chrono::seconds(1)};  // between questions whether a client may still watch
};

/// Thread-safe.
class TailHub {
 public:
  explicit TailHub(MetricsRegistry& metrics, TailHubOptions options = {});
  ~TailHub();

  /// resource_exhausted when there are too many already; invalid_argument names the field of a bad filter.
  Result<std::uint64_t> subscribe(const TailRequest& request, TailSink sink);
  /// Quick: never waits for a sink.
  void unsubscribe(std::uint64_t id);
  /// For Pipeline::set_tap. Never blocks on a filter or a sink. Rows of a batch that finds the queue full
  /// count as dropped for every tail of their table and project, whether they would have matched or not.
  void offer(const std::shared_ptr<const storage::Batch>& batch);
  /// Ends the thread; queued batches are not looked at. Idempotent.
  void stop();
  std::size_t subscribers() const;

 private:
  struct Subscriber;
  using BatchPtr = std::shared_ptr<const storage::Batch>;
  using SubscriberList = std::vector<std::shared_ptr<Subscriber>>;
  void run();
  SubscriberList snapshot() const TT_REQUIRES(mutex_);
  void end_unwelcome(SubscriberList& subscribers);
  void deliver(const SubscriberList& subscribers, const BatchPtr& batch);
  void tell_drops(const SubscriberList& subscribers);
  void release_due(const SubscriberList& subscribers);
  void hand_over(Subscriber& subscriber, const std::vector<const EventRow*>& rows);

  const TailHubOptions options_;
  Counter& rows_total_;
  Counter& dropped_total_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::map<std::uint64_t, std::shared_ptr<Subscriber>> subscribers_ TT_GUARDED_BY(mutex_);
  std::uint64_t next_id_ TT_GUARDED_BY(mutex_) = 1;
  std::deque<BatchPtr> queue_ TT_GUARDED_BY(mutex_);
  std::size_t queued_rows_ TT_GUARDED_BY(mutex_) = 0;
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point next_due_ =
      std::chrono::steady_clock::time_point::max();  // hub's thread
  std::thread thread_;
};

}  // namespace telltale::ingest
