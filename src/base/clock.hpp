// Time is injected. Nothing below server/ reads the system's clock itself, so that a test can move days in a
// microsecond and a run can be replayed.
#pragma once

#include <atomic>

#include "base/time.hpp"

namespace telltale {

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock: may step backwards. For timestamps.
  virtual UnixNanos now() const = 0;
  /// Monotonic since an arbitrary origin. For measuring and for deadlines.
  virtual Nanos steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  UnixNanos now() const override;
  Nanos steady() const override;
};

/// Stands still until told to move; `advance` moves both clocks, `set_wall` only the wall clock.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(UnixNanos start = UnixNanos::from_seconds(1'700'000'000)) : wall_(start.ns) {}
  UnixNanos now() const override { return {wall_.load()}; }
  Nanos steady() const override { return Nanos(steady_.load()); }
  void advance(Nanos d) {
    wall_ += d.count();
    steady_ += d.count();
  }
  void set_wall(UnixNanos t) { wall_ = t.ns; }

 private:
  std::atomic<std::int64_t> wall_;
  std::atomic<std::int64_t> steady_{0};
};

}  // namespace telltale
