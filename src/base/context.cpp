#include "base/context.hpp"

#include <fmt/format.h>

namespace telltale {

Result<> WorkContext::check() const {
  if (cancelled_.load(std::memory_order_relaxed))
    return fail(ErrorKind::cancelled, "the request was cancelled");
  if (clock_.steady() >= deadline_) {
    return fail(ErrorKind::deadline_exceeded,
                fmt::format("over the time limit of {}", format_duration(limits_.timeout)));
  }
  return {};
}

Result<> WorkContext::charge(std::size_t bytes) {
  const std::size_t used = used_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (used <= limits_.max_memory_bytes) return {};
  return fail(ErrorKind::resource_exhausted,
              fmt::format("over the memory limit of {} bytes for one request", limits_.max_memory_bytes));
}

}  // namespace telltale
