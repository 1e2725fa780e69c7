// One piece of work in many parts, done by the thread that asks and by those of a pool that are free just
// then. Whoever asks does whatever nobody else takes, so a busy or absent pool costs time and nothing else.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.hpp"
#include "base/thread_pool.hpp"

namespace telltale {

/// Threads that may help; none by default. The pool must outlive its use.
struct Helpers {
  ThreadPool* pool = nullptr;
  std::size_t threads = 0;
};

/// Calls f(i) once for each i below `count`, from several threads at a time; returns when none runs any more.
/// The first error is returned; parts that were not begun then are left out.
Result<> for_each_parallel(const Helpers& helpers, std::size_t count,
                           const std::function<Result<>(std::size_t)>& f);

}  // namespace telltale
