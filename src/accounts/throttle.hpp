// Counts failed sign-ins by remote address or account in fixed windows and refuses one that has had its
// share. The table is bounded: when it is full, the oldest window makes room, so that a flood of addresses
// cannot grow it.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/mutex.hpp"

namespace telltale::accounts {

/// Thread-safe. An empty address is never refused.
class FailureThrottle {
 public:
  explicit FailureThrottle(const Clock& clock, int max_failures = limits::kMaxFailedLogins)
      : clock_(clock), max_failures_(max_failures) {}
  bool refuses(std::string_view address);
  void failed(std::string_view address);
  /// Counts a failure ahead of the outcome, so that many at once are counted, too; false when refused.
  /// forgive() takes back all failures of one that turned out well.
  bool attempt(std::string_view address);
  void forgive(std::string_view address);
  std::size_t size() const;

 private:
  struct Window {
    std::string address;
    Nanos start;
    int failures;
  };
  void drop_old(Nanos now) TT_REQUIRES(mutex_);
  bool full(std::string_view address) TT_REQUIRES(mutex_);
  void count(std::string_view address, Nanos now) TT_REQUIRES(mutex_);

  const Clock& clock_;
  const int max_failures_;
  mutable Mutex mutex_;
  std::list<Window> windows_ TT_GUARDED_BY(mutex_);  // oldest first
  std::unordered_map<std::string_view, std::list<Window>::iterator> by_address_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::accounts
