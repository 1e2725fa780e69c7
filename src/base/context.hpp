// What limits a piece of work: a deadline, a cancel token and a memory budget. Every request makes one and
// hands it down to the innermost loop, which calls check() every few thousand rows and charge() before it
// grows.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace telltale {

struct WorkLimits {
  Nanos timeout{std::chrono::seconds(30)};
  std::size_t max_memory_bytes = std::size_t{256} << 20;
};

/// Thread-safe: the parts of one request share it.
class WorkContext {
 public:
  WorkContext(const Clock& clock, WorkLimits limits)
      : clock_(clock), limits_(limits), deadline_(clock.steady() + limits.timeout) {}

  /// cancelled or deadline_exceeded once the work should stop.
  Result<> check() const;
  /// Counts `bytes` against the budget; resource_exhausted, naming the budget, once it is spent.
  Result<> charge(std::size_t bytes);
  void release(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  Nanos remaining() const { return deadline_ - clock_.steady(); }
  std::size_t memory_used() const { return used_.load(std::memory_order_relaxed); }
  const Clock& clock() const { return clock_; }

 private:
  const Clock& clock_;
  const WorkLimits limits_;
  const Nanos deadline_;
  std::atomic<std::size_t> used_{0};
  std::atomic<bool> cancelled_{false};
};

}  // namespace telltale
