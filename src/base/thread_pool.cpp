#include "base/thread_pool.hpp"

#include <exception>
#include <new>
#include <utility>

#include <pthread.h>

namespace telltale {

void name_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

ThreadPool::ThreadPool(std::string name, std::size_t threads, std::size_t max_queued,
                       ThreadPoolOptions options)
    : max_queued_(max_queued),
      max_bulk_(threads > options.reserved ? threads - options.reserved : 1),
      on_exception_(std::move(options.on_exception)) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this, name] { run(name); });
}

ThreadPool::~ThreadPool() { stop(); }

bool ThreadPool::submit(std::function<void()> task, Lane lane) {
  {
    const MutexLock lock(mutex_);
    if (stopping_ || prompt_.size() + bulk_.size() >= max_queued_) return false;
    (lane == Lane::bulk ? bulk_ : prompt_).push_back({submitted_++, std::move(task)});
  }
  wake_.notify_one();
  return true;
}

void ThreadPool::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& t : threads_) {
    if (t.joinable()) t.join();
  }
}

std::size_t ThreadPool::queued() const {
  const MutexLock lock(mutex_);
  return prompt_.size() + bulk_.size();
}

std::deque<ThreadPool::Task>* ThreadPool::next() {
  const bool bulk = !bulk_.empty() && running_bulk_ < max_bulk_;
  if (prompt_.empty()) return bulk ? &bulk_ : nullptr;
  return bulk && bulk_.front().number < prompt_.front().number ? &bulk_ : &prompt_;
}

void ThreadPool::call(const std::function<void()>& task) const {
  std::string_view problem = "unknown";
  try {
    return task();
  } catch (const std::bad_alloc&) {
    problem = "out of memory";
  } catch (const std::exception& error) {
    if (on_exception_) on_exception_(error.what());
    return;
  } catch (...) {
  }
  if (on_exception_) on_exception_(problem);
}

// Bulk tasks over the limit stay in the queue: who ends one looks for the next, so that none is forgotten,
// while stopping, too.
void ThreadPool::run(const std::string& name) {
  name_thread(name);
  while (true) {
    std::function<void()> task;
    bool bulk = false;
    {
      const MutexLock lock(mutex_);
      while (next() == nullptr && !stopping_) wake_.wait(mutex_);
      std::deque<Task>* const queue = next();
      if (queue == nullptr) return;
      bulk = queue == &bulk_;
      if (bulk) ++running_bulk_;
      task = std::move(queue->front().run);
      queue->pop_front();
    }
    call(task);
    task = nullptr;
    if (!bulk) continue;
    const MutexLock lock(mutex_);
    --running_bulk_;
  }
}

PeriodicTask::PeriodicTask(std::string name, std::chrono::nanoseconds period, std::function<void()> tick)
    : thread_([this, name = std::move(name), period, tick = std::move(tick)] {
        name_thread(name);
        while (true) {
          {
            const MutexLock lock(mutex_);
            const auto until = std::chrono::steady_clock::now() + period;
            while (!stopping_ && !due_) {
              const auto left = until - std::chrono::steady_clock::now();
              if (left.count() <= 0) break;
              wake_.wait_for(mutex_, left);
            }
            if (stopping_) return;
            due_ = false;
          }
          tick();
        }
      }) {}

PeriodicTask::~PeriodicTask() { stop(); }

void PeriodicTask::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PeriodicTask::wake() {
  {
    const MutexLock lock(mutex_);
    due_ = true;
  }
  wake_.notify_all();
}

}  // namespace telltale
