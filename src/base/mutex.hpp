// Locks that the compiler can read: std::mutex with clang's thread-safety annotations (checked by
// the clang build of `./dev fuzz`; g++ ignores them). Members of a class are grouped: constant after
// construction, self-synchronised, guarded by a mutex.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TT_ATTR(x) __attribute__((x))
#else
#define TT_ATTR(x)
#endif
#define TT_GUARDED_BY(m) TT_ATTR(guarded_by(m))
#define TT_REQUIRES(...) TT_ATTR(requires_capability(__VA_ARGS__))
#define TT_EXCLUDES(...) TT_ATTR(locks_excluded(__VA_ARGS__))

namespace telltale {

class TT_ATTR(capability("mutex")) Mutex {
 public:
  void lock() TT_ATTR(acquire_capability()) { m_.lock(); }
  void unlock() TT_ATTR(release_capability()) { m_.unlock(); }

 private:
  friend class CondVar;
  std::mutex m_;
};

class TT_ATTR(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& m) TT_ATTR(acquire_capability(m)) : m_(m) { m_.lock(); }
  ~MutexLock() TT_ATTR(release_capability()) { m_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& m_;
};

/// Waits are in a loop over the condition at the call site, where the annotations can see the guarded
/// members.
class CondVar {
 public:
  void wait(Mutex& m) TT_REQUIRES(m) {
    std::unique_lock<std::mutex> lock(m.m_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  /// False when the time was over before a notification came.
  bool wait_for(Mutex& m, std::chrono::nanoseconds d) TT_REQUIRES(m) {
    std::unique_lock<std::mutex> lock(m.m_, std::adopt_lock);
    const auto status = cv_.wait_for(lock, d);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void notify_one() { cv_.notify_one(); }
  void notify_all() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace telltale
