#include "accounts/throttle.hpp"

#include "base/limits.hpp"

namespace telltale::accounts {

namespace {
constexpr Nanos kWindow = std::chrono::seconds(limits::kFailedLoginWindowSeconds);
}

void FailureThrottle::drop_old(Nanos now) {
  while (!windows_.empty() &&
         (now - windows_.front().start >= kWindow || windows_.size() > limits::kMaxThrottledAddresses)) {
    by_address_.erase(windows_.front().address);
    windows_.pop_front();
  }
}

bool FailureThrottle::refuses(std::string_view address) {
  if (address.empty()) return false;
  MutexLock lock(mutex_);
  drop_old(clock_.steady());
  return full(address);
}

bool FailureThrottle::full(std::string_view address) {
  const auto it = by_address_.find(address);
  return it != by_address_.end() && it->second->failures >= max_failures_;
}

void FailureThrottle::failed(std::string_view address) {
  if (address.empty()) return;
  MutexLock lock(mutex_);
  const Nanos now = clock_.steady();
  drop_old(now);
  count(address, now);
}

bool FailureThrottle::attempt(std::string_view address) {
  if (address.empty()) return true;
  MutexLock lock(mutex_);
  const Nanos now = clock_.steady();
  drop_old(now);
  if (full(address)) return false;
  count(address, now);
  return true;
}

void FailureThrottle::forgive(std::string_view address) {
  MutexLock lock(mutex_);
  const auto it = by_address_.find(address);
  if (it == by_address_.end()) return;
  const auto window = it->second;
  by_address_.erase(it);
  windows_.erase(window);
}

void FailureThrottle::count(std::string_view address, Nanos now) {
  if (const auto it = by_address_.find(address); it != by_address_.end()) {
    ++it->second->failures;
    return;
  }
  windows_.push_back({std::string(address), now, 1});
  by_address_.emplace(windows_.back().address, std::prev(windows_.end()));
  drop_old(now);
}

std::size_t FailureThrottle::size() const {
  MutexLock lock(mutex_);
  return windows_.size();
}

}  // namespace telltale::accounts
