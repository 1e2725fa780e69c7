#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <new>

#include "base/mutex.hpp"

namespace telltale {

namespace {

/// Outlives the work: a helper may come when all is done.
class SharedWork {
 public:
  SharedWork(std::size_t count, const std::function<Result<>(std::size_t)>& f) : count_(count), f_(&f) {}

  void help() {
    {
      MutexLock lock(mutex_);
      if (closed_) return;
      ++active_;
    }
    run();
    MutexLock lock(mutex_);
    if (--active_ == 0) idle_.notify_all();
  }

  void run() {
    for (std::size_t i = next_++; i < count_; i = next_++) {
      auto done = call(i);
      if (done) continue;
      next_ = count_;
      MutexLock lock(mutex_);
      if (result_) result_ = std::move(done);
    }
  }

  Result<> end() {
    MutexLock lock(mutex_);
    closed_ = true;
    while (active_ > 0) idle_.wait(mutex_);
    return std::move(result_);
  }

 private:
  /// What is thrown must not leave the others waiting for a helper that is gone.
  Result<> call(std::size_t i) const {
    try {
      return (*f_)(i);
    } catch (const std::bad_alloc&) {
      return fail(ErrorKind::resource_exhausted, "out of memory");
    } catch (const std::exception& error) {
      return fail(ErrorKind::internal, error.what());
    }
  }

  const std::size_t count_;
  const std::function<Result<>(std::size_t)>* f_;  // touched by nobody once closed_
  std::atomic<std::size_t> next_{0};
  Mutex mutex_;
  CondVar idle_;
  std::size_t active_ TT_GUARDED_BY(mutex_) = 0;
  bool closed_ TT_GUARDED_BY(mutex_) = false;
  Result<> result_ TT_GUARDED_BY(mutex_);
};

}  // namespace

Result<> for_each_parallel(const Helpers& helpers, std::size_t count,
                           const std::function<Result<>(std::size_t)>& f) {
  const std::size_t wanted = helpers.pool == nullptr || count < 2 ? 0 : std::min(helpers.threads, count - 1);
  if (wanted == 0) {
    for (std::size_t i = 0; i < count; ++i) TT_TRY(f(i));
    return {};
  }
  const auto work = std::make_shared<SharedWork>(count, f);
  for (std::size_t i = 0; i < wanted; ++i)
    if (!helpers.pool->submit([work] { work->help(); })) break;
  work->run();
  return work->end();
}

}  // namespace telltale
