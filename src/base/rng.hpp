// Randomness is injected, too. Rng is the deterministic generator of tests, jitter and sampling (splitmix64:
// Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014); secure_random is for secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace telltale {

/// Not thread-safe; each owner has its own.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, bound); bound > 0. The bias of the multiply-shift is below 2^-32 for bounds in use here.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double p) { return unit() < p; }

 private:
  std::uint64_t state_;
};

/// `size` bytes from the operating system's generator.
std::string secure_random(std::size_t size);

}  // namespace telltale
