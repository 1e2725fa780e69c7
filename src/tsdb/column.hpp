// Numbers as columns of bits. Integers take the cheapest of: one value, an even step, or what is left above a
// base (of the values, their differences, or the differences of those) in as few bits as pay, with the few
// that need more set beside as exceptions; a factor that all steps share is taken out before. Floating-point
// values are mostly decimal fractions or whole numbers: those become integers with a common power of ten, and
// what is no such number stands beside. Sums of decimals, which are none but for their last bits, become
// their steps; what is neither is kept as its bits. Every form restores each value bit for bit. Layout:
// docs/formats/tsdb.md.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.hpp"

namespace telltale::tsdb {

/// Values of one column at most; a column's count is kept by its owner.
inline constexpr std::size_t kMaxColumnValues = 1024;

/// Any integers; differences wrap around. At least one value.
void encode_ints(std::span<const std::int64_t> values, ByteWriter& out);
/// Writes out.size() values; false when the bytes are not such a column.
bool decode_ints(ByteReader& in, std::span<std::int64_t> out);

/// At least one value; NaNs keep their bits.
void encode_doubles(std::span<const double> values, ByteWriter& out);
bool decode_doubles(ByteReader& in, std::span<double> out);

}  // namespace telltale::tsdb
