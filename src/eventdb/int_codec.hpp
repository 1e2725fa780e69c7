// Integers of a column, and the packed small numbers below them. An integer column is constant, or packed:
// each run of 1,024 values as differences from its least, divided by the column's common divisor, in as many
// bits as the largest needs; where that is smaller, the same of the differences between neighbours, each run
// beginning with its first value. So one value is read out of its run. Bytes: docs/formats/eventdb.md.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::eventdb {

/// Bits that hold every number up to `largest`.
unsigned bits_for(std::uint64_t largest);
/// Bytes of `n` numbers of `bits` each, with the eight of slack that reading needs.
std::size_t packed_bytes(std::size_t n, unsigned bits);
/// Appends them, least significant bit first. `bits` ≤ 56 or 64.
void pack_bits(std::span<const std::uint64_t> values, unsigned bits, std::string& out);
void pack_bits(std::span<const std::uint16_t> values, unsigned bits, std::string& out);

/// The number at position `i`; `bits` ≤ 56.
inline std::uint64_t packed_at(const char* packed, std::size_t i, unsigned bits) {
  const std::size_t bit = i * bits;
  std::uint64_t word;
  std::memcpy(&word, packed + bit / 8, sizeof word);
  return (word >> (bit % 8)) & ((std::uint64_t{1} << bits) - 1);
}

/// An integer column open for reading where it stands. The bytes must live on.
class PackedInts {
 public:
  /// corruption unless the bytes hold exactly `rows` values.
  static Result<PackedInts> open(std::string_view bytes, std::size_t rows);
  std::int64_t at(std::size_t row) const;
  /// at() adds differences up: who wants many values is better off with all().
  bool adds_up() const { return codec_ >= 2; }
  std::vector<std::int64_t> all() const;

 private:
  struct Run {
    std::uint64_t first = 0;  // of run differences
    std::uint64_t base = 0;
    const char* packed = nullptr;  // null: no bits, all are the base
    unsigned bits = 0;
  };
  std::uint64_t raw_at(const Run& run, std::size_t k) const {
    if (run.packed == nullptr) return run.base;
    if (run.bits == 64) {
      std::uint64_t v;
      std::memcpy(&v, run.packed + k * 8, 8);
      return run.base + v * divisor_;
    }
    return run.base + packed_at(run.packed, k, run.bits) * divisor_;
  }
  void unpack(const Run& run, std::span<std::int64_t> out) const;

  std::uint8_t codec_ = 0;
  std::size_t rows_ = 0;
  std::uint64_t first_ = 0;  // the constant, or the first value of differences through all runs
  std::uint64_t divisor_ = 1;
  std::vector<Run> runs_;
};

std::string encode_int_column(std::span<const std::int64_t> values);
/// corruption unless the bytes hold exactly `rows` values.
Result<std::vector<std::int64_t>> decode_int_column(std::string_view bytes, std::size_t rows);

/// Doubles bit for bit: as integers over a power of ten where every value is one, else as their bits.
std::string encode_real_column(std::span<const double> values);

/// A column of reals open for reading where it stands, as PackedInts.
class PackedReals {
 public:
  static Result<PackedReals> open(std::string_view bytes, std::size_t rows);
  double at(std::size_t row) const { return real_of(ints_.at(row)); }
  bool adds_up() const { return ints_.adds_up(); }
  std::vector<double> all() const;

 private:
  double real_of(std::int64_t v) const;
  int scale_ = -1;  // -1: the integers are the bits
  PackedInts ints_;
};
Result<std::vector<double>> decode_real_column(std::string_view bytes, std::size_t rows);

}  // namespace telltale::eventdb
