// How many requests are made into rows at once: a few more than there are processors gain nothing and take
// each other's caches; more threads than that exist only because requests also wait, for the disk and for
// room in queues. So a slot is held while a request is decoded, masked and encoded, and given back before it
// waits.
#pragma once

#include <utility>

#include "base/mutex.hpp"

namespace telltale::ingest {

/// With one processor, too: a large request must not hold up all small ones.
inline constexpr std::size_t kLeastWorkSlots = 2;

/// Thread-safe; outlives its slots.
class WorkSlots {
 public:
  explicit WorkSlots(std::size_t count) : free_(count) {}

  /// Held until release() or its end.
  class Slot {
   public:
    Slot() = default;
    explicit Slot(WorkSlots& slots) : slots_(&slots) {}
    Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() { release(); }
    void release() {
      if (slots_ != nullptr) std::exchange(slots_, nullptr)->give_back();
    }

   private:
    WorkSlots* slots_ = nullptr;
  };

  /// Waits for a free one.
  Slot take() {
    const MutexLock lock(mutex_);
    while (free_ == 0) freed_.wait(mutex_);
    --free_;
    return Slot(*this);
  }

 private:
  void give_back() {
    {
      const MutexLock lock(mutex_);
      ++free_;
    }
    freed_.notify_one();
  }

  Mutex mutex_;
  CondVar freed_;
  std::size_t free_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::ingest
