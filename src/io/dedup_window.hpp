// Which client ids were taken within the window. An id is in flight from admit() until its record is durable
// or given up; whoever asks meanwhile waits for that. Thread-safe.
#pragma once

#include <deque>
#include <span>
#include <unordered_map>

#include "base/id.hpp"
#include "base/mutex.hpp"
#include "base/time.hpp"

namespace telltale::io {

class DedupWindow {
 public:
  DedupWindow(Nanos window, std::size_t max_ids) : window_(window), max_ids_(max_ids) {}

  /// True: new, and in flight from now. False: durable already.
  bool admit(Id128 id, UnixNanos now) {
    MutexLock lock(mutex_);
    expire(now);
    for (;;) {
      const auto [entry, inserted] = state_.try_emplace(id, State::in_flight);
      if (inserted) return true;
      if (entry->second == State::durable) return false;
      settled_.wait(mutex_);
    }
  }

  void forget(Id128 id) {
    MutexLock lock(mutex_);
    const auto entry = state_.find(id);
    if (entry == state_.end() || entry->second == State::durable) return;
    state_.erase(entry);
    settled_.notify_all();
  }

  void commit(std::span<const Id128> ids, UnixNanos accepted) {
    if (ids.empty()) return;
    MutexLock lock(mutex_);
    for (const Id128& id : ids) {
      if (!id.present()) continue;
      state_[id] = State::durable;
      by_age_.emplace_back(accepted, id);
    }
    expire(accepted);
    settled_.notify_all();
  }

  std::size_t size() const {
    MutexLock lock(mutex_);
    return state_.size();
  }

 private:
  enum class State : unsigned char { in_flight, durable };

  void expire(UnixNanos now) TT_REQUIRES(mutex_) {
    while (!by_age_.empty() && (by_age_.front().first < now - window_ || by_age_.size() > max_ids_)) {
      const auto entry = state_.find(by_age_.front().second);
      if (entry != state_.end() && entry->second == State::durable) state_.erase(entry);
      by_age_.pop_front();
    }
  }

  const Nanos window_;
  const std::size_t max_ids_;
  mutable Mutex mutex_;
  CondVar settled_;
  std::unordered_map<Id128, State> state_ TT_GUARDED_BY(mutex_);
  std::deque<std::pair<UnixNanos, Id128>> by_age_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::io
