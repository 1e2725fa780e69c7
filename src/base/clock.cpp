#include "base/clock.hpp"

#include <chrono>

namespace telltale {

UnixNanos SystemClock::now() const {
  return {std::chrono::duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

Nanos SystemClock::steady() const {
  return std::chrono::duration_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace telltale
