#include "ingest/applier.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/thread_pool.hpp"

namespace telltale::ingest {

Applier::Applier(storage::DerivedStore& store, const Logger& log, MetricsRegistry& metrics)
    : store_(store),
      log_(log),
      errors_(metrics.counter("telltale_apply_errors_total", "Batches a store failed to apply.",
                              {{"store", std::string(store.name())}})),
      queued_(metrics.gauge("telltale_apply_queue_batches",
                            "Durable batches that a store has not applied yet.",
                            {{"store", std::string(store.name())}})) {}

bool Applier::full() const { return size_.load() >= limits::kApplyQueueBatches; }

void Applier::start() {
  thread_ = std::thread([this] { run(); });
}

void Applier::push(Sequence sequence, SharedBatch batch) {
  {
    const MutexLock lock(mutex_);
    queue_.emplace_back(sequence, std::move(batch));
    size_.store(queue_.size());
  }
  queued_.set(static_cast<double>(size_.load()));
  wake_.notify_one();
}

void Applier::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Applier::wait_applied(Sequence sequence, std::chrono::steady_clock::time_point until) {
  const MutexLock lock(mutex_);
  while (store_.applied() < sequence) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) return false;
    applied_.wait_for(mutex_, left);
  }
  return true;
}

void Applier::run() {
  name_thread("apply-" + std::string(store_.name()));
  while (true) {
    std::pair<Sequence, SharedBatch> next;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
      size_.store(queue_.size());
    }
    queued_.set(static_cast<double>(size_.load()));
    apply_until_done(next.first, next.second);
    {
      const MutexLock lock(mutex_);  // a waiter between its check and its wait must not miss this
    }
    applied_.notify_all();
  }
}

// The batch is durable and acknowledged, so it may not be skipped: a store that cannot take it now (a full
// disk) is asked again, and ingest stops at the door meanwhile because the queue fills up.
void Applier::apply_until_done(Sequence sequence, const SharedBatch& batch) {
  for (int attempt = 0;; ++attempt) {
    const auto done = store_.apply_shared(sequence, batch);
    if (done) return;
    errors_.add();
    if (attempt == 0) {
      log_.error("store cannot apply a batch",
                 {{"store", store_.name()}, {"reason", done.error().message()}});
    }
    const MutexLock lock(mutex_);
    if (stopping_) return;  // the journal keeps it
    wake_.wait_for(mutex_, std::chrono::milliseconds(std::min(1000, 10 << std::min(attempt, 6))));
  }
}

}  // namespace telltale::ingest
