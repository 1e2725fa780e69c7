// What generators draw from and write with: the same on every machine, since nothing is the standard
// library's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// 0 … n-1.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }
  /// [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// Ranks 0 … n-1, rank k with a probability proportional to 1 / (k + 1)^exponent.
class Zipf {
 public:
  Zipf(std::size_t n, double exponent);
  std::size_t draw(Random& random) const;

 private:
  std::vector<double> cumulative_;
};

void put_number(std::string& out, std::uint64_t n);
void put_padded(std::string& out, std::uint64_t n, int width);
void put_hex(std::string& out, std::uint64_t n, int digits = 16);
/// Two decimals.
void put_price(std::string& out, Random& random);
/// RFC 3339 in UTC; 3 or 6 `digits` of a second.
void put_time(std::string& out, std::int64_t ns, int digits = 3);
/// Four letters, distinct for every rank below 26^4.
void put_ticker(std::string& out, std::size_t rank);
/// Of 10.0.0.0/10.
void put_address(std::string& out, std::uint32_t ip);

}  // namespace bench
