// A bounded pool: a fixed number of threads and a queue with a limit. submit() refuses rather than grow, so
// that overload is answered at the door. Some threads can be kept for what must not wait behind bulk work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.hpp"

namespace telltale {

enum class Lane : std::uint8_t {
  prompt,  // on any thread
  bulk,    // on all threads but ThreadPoolOptions::reserved
};

struct ThreadPoolOptions {
  std::size_t reserved = 0;  // threads that take no bulk tasks; one takes them in any case
  /// Told when a task threw, on its thread; must not throw. Unset: it is passed over.
  std::function<void(std::string_view what)> on_exception = nullptr;
};

class ThreadPool {
 public:
  /// Threads are named `name` for ps and gdb (15 characters at most).
  ThreadPool(std::string name, std::size_t threads, std::size_t max_queued, ThreadPoolOptions options = {});
  /// Runs what is queued, then joins.
  ~ThreadPool();

  /// False when the queue is full or the pool is stopping. What a task throws ends the task, not the thread.
  bool submit(std::function<void()> task, Lane lane = Lane::prompt);
  /// Refuses new work, runs what is queued, joins. Idempotent.
  void stop();
  std::size_t queued() const;

 private:
  struct Task {
    std::uint64_t number = 0;  // in order of submit()
    std::function<void()> run;
  };
  void run(const std::string& name);
  void call(const std::function<void()>& task) const;
  /// The queue that this thread's next task is in; null when there is none that it may take.
  std::deque<Task>* next() TT_REQUIRES(mutex_);

  const std::size_t max_queued_;
  const std::size_t max_bulk_;  // tasks at once
  const std::function<void(std::string_view)> on_exception_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<Task> prompt_ TT_GUARDED_BY(mutex_);
  std::deque<Task> bulk_ TT_GUARDED_BY(mutex_);
  std::uint64_t submitted_ TT_GUARDED_BY(mutex_) = 0;
  std::size_t running_bulk_ TT_GUARDED_BY(mutex_) = 0;
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
