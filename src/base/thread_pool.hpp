// A bounded pool: a fixed number of threads and a queue with a limit. submit() refuses rather than grow, so
// that overload is answered at the door.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"

namespace telltale {

class ThreadPool {
 public:
  /// Threads are named `name` for ps and gdb (15 characters at most).
  ThreadPool(std::string name, std::size_t threads, std::size_t max_queued);
  /// Runs what is queued, then joins.
  ~ThreadPool();

  /// False when the queue is full or the pool is stopping.
  bool submit(std::function<void()> task);
  /// Refuses new work, runs what is queued, joins. Idempotent.
  void stop();
  std::size_t queued() const;

 private:
  void run(const std::string& name);
  const std::size_t max_queued_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ TT_GUARDED_BY(mutex_);
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

/// A named thread that calls `tick` every `period` until stopped or destroyed.
class PeriodicTask {
 public:
  PeriodicTask(std::string name, std::chrono::nanoseconds period, std::function<void()> tick);
  ~PeriodicTask();
  void stop();
  /// Runs the next tick at once.
  void wake();

 private:
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
  bool due_ TT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

/// Names the calling thread (15 characters at most).
void name_thread(const std::string& name);

}  // namespace telltale
