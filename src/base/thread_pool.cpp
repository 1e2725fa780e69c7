#include "base/thread_pool.hpp"

#include <pthread.h>

namespace telltale {

void name_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

ThreadPool::ThreadPool(std::string name, std::size_t threads, std::size_t max_queued)
    : max_queued_(max_queued) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this, name] { run(name); });
}

ThreadPool::~ThreadPool() { stop(); }

bool ThreadPool::submit(std::function<void()> task) {
  {
    const MutexLock lock(mutex_);
    if (stopping_ || queue_.size() >= max_queued_) return false;
    queue_.push_back(std::move(task));
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
  return queue_.size();
}

void ThreadPool::run(const std::string& name) {
  name_thread(name);
  while (true) {
    std::function<void()> task;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
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
