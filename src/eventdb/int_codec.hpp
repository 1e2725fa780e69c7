// Integers of a column, and the packed small numbers below them. An integer column is constant, or packed:
// each run of 1,024 values as differences from its least, divided by the column's common divisor, in as many
// bits as the largest needs; where that is smaller, the same of the differences between neighbours. Bytes:
// docs/formats/eventdb.md.
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

std::string encode_int_column(std::span<const std::int64_t> values);
/// corruption unless the bytes hold exactly `rows` values.
Result<std::vector<std::int64_t>> decode_int_column(std::string_view bytes, std::size_t rows);

/// Doubles bit for bit: as integers over a power of ten where every value is one, else as their bits.
std::string encode_real_column(std::span<const double> values);
Result<std::vector<double>> decode_real_column(std::string_view bytes, std::size_t rows);

}  // namespace telltale::eventdb
