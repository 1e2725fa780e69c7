#include "base/rng.hpp"

#include <sys/random.h>

#include "base/check.hpp"

namespace telltale {

std::string secure_random(std::size_t size) {
  std::string out(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::getrandom(out.data() + done, size - done, 0);
    TT_CHECK(n > 0);
    done += static_cast<std::size_t>(n);
  }
  return out;
}

}  // namespace telltale
