// How many requests are made into rows at once: a few more than there are processors gain nothing and take
// each other's caches; more threads than that exist only because requests also wait, for the disk and for
// room in queues. So a slot is held while a request is decoded, masked and encoded, and given back before it
// waits.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "base/mutex.hpp"
#include "base/result.hpp"

namespace telltale::ingest {

/// With one processor, too: a large request must not hold up all small ones.
inline constexpr std::size_t kLeastWorkSlots = 2;
/// A slot is held for milliseconds; who has waited as long as this is told to come back.
inline constexpr std::chrono::nanoseconds kWorkSlotWait = std::chrono::seconds(10);

/// Thread-safe; outlives its slots.
class WorkSlots {
 public:
  explicit WorkSlots(std::size_t count, std::chrono::nanoseconds wait = kWorkSlotWait)
      : wait_(wait), free_(count) {}

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

  /// Waits for a free one; unavailable when none comes in time.
  Result<Slot> take() {
    const MutexLock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + wait_;
    while (free_ == 0) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left.count() > 0) {
        (void)freed_.wait_for(mutex_, left);
      } else {
        return fail(ErrorKind::unavailable,
                    "too many requests are being taken in: none ended in " +
                        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wait_).count()) +
                        " s; try again");
      }
    }
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

  const std::chrono::nanoseconds wait_;
  Mutex mutex_;
  CondVar freed_;
  std::size_t free_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::ingest
