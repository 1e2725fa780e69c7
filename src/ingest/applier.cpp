#include "ingest/applier.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/thread_pool.hpp"

namespace telltale::ingest {

namespace {

using storage::Urgency;

/// As long as batches that are wanted `soon` gather behind one that was applied; the first is at once.
constexpr std::chrono::milliseconds kGather{50};

const SharedBatch& nothing() {
  static const SharedBatch batch = std::make_shared<const storage::Batch>();
  return batch;
}

std::size_t memory_of(const storage::Batch& batch) {
  constexpr std::size_t kSeriesBytes = 512;  // a definition's labels, about
  return limits::kApplyBatchBytes + batch.row_bytes + batch.samples.size() * sizeof(storage::SamplePoint) +
         batch.new_series.size() * kSeriesBytes;
}

}  // namespace

Applier::Applier(storage::DerivedStore& store, const Logger& log, MetricsRegistry& metrics)
    : store_(store),
      log_(log),
      errors_(metrics.counter("telltale_apply_errors_total", "Batches a store failed to apply.",
                              {{"store", std::string(store.name())}})),
      queued_(metrics.gauge("telltale_apply_queue_batches",
                            "Durable batches that a store has not applied yet.",
                            {{"store", std::string(store.name())}})),
      queued_bytes_(metrics.gauge("telltale_apply_queue_bytes",
                                  "What durable batches that a store has not applied yet occupy in memory.",
                                  {{"store", std::string(store.name())}})) {}

bool Applier::wait_for_room(const storage::Batch& batch) {
  const std::size_t most = batch.row_count() > 0 ? limits::kApplyQueueBytes : 2 * limits::kApplyQueueBytes;
  if (bytes_.load() < most) return true;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(limits::kApplyWaitMs);
  const MutexLock lock(mutex_);
  if (waiting_ == limits::kApplyWaiters) return false;
  ++waiting_;
  while (bytes_.load() >= most && !stopping_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) break;
    room_.wait_for(mutex_, left);
  }
  --waiting_;
  return bytes_.load() < most;
}

void Applier::start() {
  thread_ = std::thread([this] { run(); });
}

void Applier::push(Sequence sequence, SharedBatch batch) {
  const Urgency urgency = store_.urgency(*batch);
  bool wake = urgency == Urgency::now;
  {
    const MutexLock lock(mutex_);
    wake = wake || queue_.empty();
    if (urgency == Urgency::none && !queue_.empty() && queue_.back().urgency == Urgency::none) {
      queue_.back().sequence = sequence;
    } else {
      if (urgency == Urgency::none) batch = nothing();
      const std::size_t bytes = urgency == Urgency::none ? 0 : memory_of(*batch);
      queue_.push_back({sequence, std::move(batch), bytes, urgency});
      bytes_ += bytes;
      if (urgency == Urgency::now) ++urgent_;
    }
    queued_.set(static_cast<double>(queue_.size()));
  }
  queued_bytes_.set(static_cast<double>(bytes_.load()));
  if (wake) wake_.notify_one();
}

void Applier::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  room_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Applier::wait_applied(Sequence sequence, std::chrono::steady_clock::time_point until) {
  const MutexLock lock(mutex_);
  while (store_.applied() < sequence) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) return false;
    awaited_ = true;
    wake_.notify_one();
    applied_.wait_for(mutex_, left);
  }
  return true;
}

void Applier::wait_for_work(std::chrono::steady_clock::time_point last) {
  while (queue_.empty() && !stopping_) wake_.wait(mutex_);
  const auto until = last + kGather;
  while (urgent_ == 0 && !awaited_ && !stopping_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) break;
    wake_.wait_for(mutex_, left);
  }
}

void Applier::run() {
  name_thread("apply-" + std::string(store_.name()));
  bool behind = false;
  std::chrono::steady_clock::time_point last;  // a round began
  while (true) {
    // What has gathered while the store was busy goes to it together.
    std::vector<storage::PlacedBatch> next;
    std::size_t bytes = 0;
    {
      const MutexLock lock(mutex_);
      // More than one commit takes has gathered already.
      if (queue_.empty() || !behind) wait_for_work(last);
      last = std::chrono::steady_clock::now();
      if (queue_.empty()) return;
      while (!queue_.empty() && next.size() < limits::kApplyTogether && bytes < limits::kApplyTogetherBytes) {
        next.push_back({queue_.front().sequence, std::move(queue_.front().batch)});
        bytes += queue_.front().bytes;
        if (queue_.front().urgency == Urgency::now) --urgent_;
        queue_.pop_front();
      }
      behind = !queue_.empty();
      if (!behind) awaited_ = false;
      queued_.set(static_cast<double>(queue_.size()));
    }
    // The journal keeps it, and all that is behind it: a store that went on would be past it.
    if (!apply_until_done(next)) return;
    next.clear();
    {
      const MutexLock lock(mutex_);  // a waiter between its check and its wait must not miss this
      bytes_ -= bytes;
    }
    queued_bytes_.set(static_cast<double>(bytes_.load()));
    applied_.notify_all();
    room_.notify_all();
  }
}

// Batches are durable and acknowledged, so none may be skipped: a store that cannot take one now (a full
// disk) is asked again for all of them, of which it knows those it has; and ingest stops at the door
// meanwhile because the queue fills up.
bool Applier::apply_until_done(const std::vector<storage::PlacedBatch>& batches) {
  for (int attempt = 0;; ++attempt) {
    const auto done = store_.apply_all(batches);
    if (done) return true;
    errors_.add();
    if (attempt == 0) {
      log_.error("store cannot apply a batch",
                 {{"store", store_.name()}, {"reason", done.error().message()}});
    }
    const MutexLock lock(mutex_);
    if (stopping_) return false;
    wake_.wait_for(mutex_, std::chrono::milliseconds(std::min(1000, 10 << std::min(attempt, 6))));
  }
}

}  // namespace telltale::ingest
