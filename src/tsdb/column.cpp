#include "tsdb/column.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.hpp"

namespace telltale::tsdb {
namespace {

// Stored: never renumber.
enum IntForm : std::uint8_t { kOneInt = 0, kEvenSteps = 1, kPlain = 2, kDeltas = 3, kDeltaDeltas = 4 };
enum DoubleForm : std::uint8_t { kOneDouble = 0, kDecimals = 1, kBits = 2, kSwappedXor = 3 };

using Ints = std::array<std::int64_t, kMaxColumnValues>;
using Rests = std::array<std::uint64_t, kMaxColumnValues>;

// Wrapping, so that any two integers have a difference.
std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::uint64_t above(std::int64_t v, std::int64_t base) {
  return static_cast<std::uint64_t>(v) - static_cast<std::uint64_t>(base);
}

unsigned bits_of(std::uint64_t v) { return static_cast<unsigned>(64 - std::countl_zero(v)); }
std::size_t varint_bytes(std::uint64_t v) { return std::max<std::size_t>(1, (bits_of(v) + 6) / 7); }

/// How values above a base are written: in `width` bits, or beside.
struct Packing {
  std::int64_t base = 0;
  unsigned width = 0;
  std::size_t exceptions = 0;
  std::size_t bytes = SIZE_MAX;  // about
};

Packing pack_above(std::span<const std::int64_t> values, std::int64_t base) {
  std::array<std::size_t, 65> of_width{};
  for (const std::int64_t v : values) ++of_width[bits_of(above(v, base))];
  Packing best;
  std::size_t beside = 0;
  std::size_t beside_bytes = 0;
  for (unsigned w = 65; w-- > 0;) {
    const std::size_t bytes = (values.size() * w + 7) / 8 + beside_bytes;
    if (bytes < best.bytes) best = {base, w, beside, bytes};
    beside += of_width[w];
    beside_bytes += of_width[w] * (1 + (w + 6) / 7);
  }
  return best;
}

/// Base: the least value, or, where a few lie far below the others (a counter that began anew), one above
/// them.
Packing pack_values(std::span<const std::int64_t> values) {
  if (values.empty()) return {0, 0, 0, 0};
  Packing best = pack_above(values, *std::min_element(values.begin(), values.end()));
  constexpr std::size_t kFewOf = 32;
  if (values.size() < kFewOf || best.width == 0) return best;
  Ints sorted;
  const auto last = std::copy(values.begin(), values.end(), sorted.begin());
  const auto low = sorted.begin() + static_cast<std::ptrdiff_t>(values.size() / kFewOf);
  std::nth_element(sorted.begin(), low, last);
  const Packing other = pack_above(values, *low);
  return other.bytes < best.bytes ? other : best;
}

std::size_t packed_bytes(std::size_t n, unsigned width) { return (n * width + 7) / 8; }

void put_bits(std::span<const std::uint64_t> values, unsigned width, ByteWriter& out) {
  if (width == 0) return;
  std::array<char, kMaxColumnValues * 8 + 16> bytes;
  std::fill_n(bytes.data(), packed_bytes(values.size(), width) + 16, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t bit = i * width;
    char* const at = bytes.data() + bit / 8;
    const unsigned shift = bit % 8;
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    word |= values[i] << shift;
    std::memcpy(at, &word, sizeof word);
    if (shift + width > 64) at[8] = static_cast<char>(values[i] >> (64 - shift));
  }
  out.bytes({bytes.data(), packed_bytes(values.size(), width)});
}

void get_bits(std::string_view in, unsigned width, std::size_t n, std::uint64_t* out) {
  if (width == 0) {
    std::fill_n(out, n, 0);
    return;
  }
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  // Words are read from the column itself as far as eight bytes (nine for wide values) are there.
  const std::size_t need = width > 57 ? 9 : 8;
  const std::size_t whole = in.size() < need ? 0 : std::min(n, (in.size() - need) * 8 / width + 1);
  const auto read = [mask, width](const char* bytes, std::size_t bit) {
    const char* const at = bytes + bit / 8;
    const unsigned shift = bit % 8;
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    word >>= shift;
    if (shift + width > 64) word |= std::uint64_t{static_cast<unsigned char>(at[8])} << (64 - shift);
    return word & mask;
  };
  if (width <= 57) {
    for (std::size_t i = 0; i < whole; ++i) {
      const std::size_t bit = i * width;
      std::uint64_t word;
      std::memcpy(&word, in.data() + bit / 8, sizeof word);
      out[i] = word >> (bit % 8) & mask;
    }
  } else {
    for (std::size_t i = 0; i < whole; ++i) out[i] = read(in.data(), i * width);
  }
  // The rest from a copy with room behind it.
  std::array<char, 40> tail{};
  const std::size_t from = std::min(in.size(), whole * width / 8);
  if (in.size() - from <= tail.size() - 9) {
    std::copy(in.begin() + static_cast<std::ptrdiff_t>(from), in.end(), tail.begin());
    for (std::size_t i = whole; i < n; ++i) out[i] = read(tail.data(), i * width - from * 8);
  }
}

void put_packed(std::span<const std::int64_t> values, const Packing& packing, ByteWriter& out) {
  Rests rests;
  out.zigzag(packing.base);
  out.u8(static_cast<std::uint8_t>(packing.width));
  out.varint(packing.exceptions);
  std::size_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    rests[i] = above(values[i], packing.base);
    if (bits_of(rests[i]) <= packing.width) continue;
    out.varint(i - last);
    out.varint(rests[i]);
    last = i;
    rests[i] = 0;
  }
  put_bits({rests.data(), values.size()}, packing.width, out);
}

bool get_packed(ByteReader& in, std::size_t n, std::int64_t* out) {
  const std::int64_t base = in.zigzag();
  const unsigned width = in.u8();
  const std::uint64_t exceptions = in.varint();
  if (!in.ok() || width > 64 || exceptions > n) return false;
  std::array<std::uint32_t, kMaxColumnValues> places;
  Rests beside;
  std::uint64_t at = 0;
  for (std::uint64_t e = 0; e < exceptions; ++e) {
    const std::uint64_t step = in.varint();
    if (step >= n || (at += step) >= n) return false;
    places[e] = static_cast<std::uint32_t>(at);
    beside[e] = in.varint();
  }
  const std::string_view bits = in.bytes(packed_bytes(n, width));
  if (!in.ok()) return false;
  auto* const rests = reinterpret_cast<std::uint64_t*>(out);
  get_bits(bits, width, n, rests);
  for (std::uint64_t e = 0; e < exceptions; ++e) rests[places[e]] = beside[e];
  for (std::size_t i = 0; i < n; ++i) rests[i] += static_cast<std::uint64_t>(base);
  return true;
}

/// value × 10^exponent as an integer that gives the value back, bit for bit.
bool as_decimal(double value, double power, std::int64_t& out) {
  const double scaled = value * power;
  if (!(std::fabs(scaled) < 0x1p52)) return false;
  out = static_cast<std::int64_t>(std::llrint(scaled));
  return std::bit_cast<std::uint64_t>(static_cast<double>(out) / power) ==
         std::bit_cast<std::uint64_t>(value);
}

// Exact as doubles, so that dividing an integer by one gives the decimal's nearest double.
constexpr std::array<double, 16> kPowersOfTen = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/// The exponent that most of a few values want; the number of powers when they are no decimals.
std::size_t guess_exponent(std::span<const double> values) {
  constexpr std::size_t kAsked = 24;
  const std::size_t step = std::max<std::size_t>(1, values.size() / kAsked);
  std::size_t asked = 0;
  std::size_t failed = 0;
  std::size_t exponent = 0;
  for (std::size_t i = 0; i < values.size(); i += step) {
    ++asked;
    std::int64_t whole;
    std::size_t e = exponent;
    while (e < kPowersOfTen.size() && !as_decimal(values[i], kPowersOfTen[e], whole)) ++e;
    if (e == kPowersOfTen.size()) {
      if (std::isfinite(values[i]) && ++failed * 8 > asked + 8) return e;
      continue;
    }
    exponent = e;
  }
  return failed * 8 > asked ? kPowersOfTen.size() : exponent;
}

/// False when too many values are no decimals of that exponent.
bool put_decimals(std::span<const double> values, std::size_t exponent, ByteWriter& out) {
  Ints whole;
  std::array<std::uint32_t, kMaxColumnValues> beside;
  std::size_t exceptions = 0;
  const double power = kPowersOfTen[exponent];
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (as_decimal(values[i], power, whole[i])) continue;
    beside[exceptions++] = static_cast<std::uint32_t>(i);
    whole[i] = i > 0 ? whole[i - 1] : 0;
  }
  if (exceptions * 8 > values.size() + 7) return false;
  out.u8(kDecimals);
  out.u8(static_cast<std::uint8_t>(exponent));
  out.varint(exceptions);
  std::uint32_t last = 0;
  for (std::size_t e = 0; e < exceptions; ++e) {
    out.varint(beside[e] - last);
    out.f64(values[beside[e]]);
    last = beside[e];
  }
  encode_ints({whole.data(), values.size()}, out);
  return true;
}

bool get_decimals(ByteReader& in, std::span<double> out) {
  const std::size_t exponent = in.u8();
  const std::uint64_t exceptions = in.varint();
  if (!in.ok() || exponent >= kPowersOfTen.size() || exceptions > out.size()) return false;
  std::array<std::uint32_t, kMaxColumnValues> places;
  std::array<double, kMaxColumnValues> beside;
  std::uint64_t at = 0;
  for (std::uint64_t e = 0; e < exceptions; ++e) {
    const std::uint64_t step = in.varint();
    if (step >= out.size() || (at += step) >= out.size()) return false;
    places[e] = static_cast<std::uint32_t>(at);
    beside[e] = in.f64();
  }
  Ints whole;
  if (!decode_ints(in, {whole.data(), out.size()})) return false;
  if (exponent == 0) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(whole[i]);
  } else {
    const double power = kPowersOfTen[exponent];
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(whole[i]) / power;
  }
  for (std::uint64_t e = 0; e < exceptions; ++e) out[places[e]] = beside[e];
  return true;
}

/// Neighbours share sign, exponent and leading digits; swapped, the shared bytes become leading zeros for
/// values with short fractions.
void put_swapped_xor(std::span<const double> values, ByteWriter& out) {
  out.u8(kSwappedXor);
  std::uint64_t last = 0;
  for (const double v : values) {
    const auto bits = std::bit_cast<std::uint64_t>(v);
    out.varint(__builtin_bswap64(bits ^ last));
    last = bits;
  }
}

}  // namespace

void encode_ints(std::span<const std::int64_t> values, ByteWriter& out) {
  const std::size_t n = values.size();
  TT_CHECK(n > 0 && n <= kMaxColumnValues);
  Ints deltas;
  bool even = true;
  for (std::size_t i = 1; i < n; ++i) {
    deltas[i - 1] = minus(values[i], values[i - 1]);
    even = even && deltas[i - 1] == deltas[0];
  }
  if (even) {
    const std::int64_t step = n > 1 ? deltas[0] : 0;
    out.u8(step == 0 ? kOneInt : kEvenSteps);
    out.zigzag(values[0]);
    if (step != 0) out.zigzag(step);
    return;
  }
  Ints curves;
  for (std::size_t i = 1; i + 1 < n; ++i) curves[i - 1] = minus(deltas[i], deltas[i - 1]);
  const std::span<const std::int64_t> first(deltas.data(), n - 1);
  const std::span<const std::int64_t> second(curves.data(), n - 2);
  const Packing plain = pack_values(values);
  const Packing by_delta = pack_values(first);
  const Packing by_curve = pack_values(second);
  const std::size_t delta_bytes = by_delta.bytes + varint_bytes(static_cast<std::uint64_t>(values[0]) << 1);
  const std::size_t curve_bytes =
      by_curve.bytes + varint_bytes(static_cast<std::uint64_t>(values[0]) << 1) + 2;
  if (plain.bytes <= delta_bytes && plain.bytes <= curve_bytes) {
    out.u8(kPlain);
    put_packed(values, plain, out);
  } else if (delta_bytes <= curve_bytes) {
    out.u8(kDeltas);
    out.zigzag(values[0]);
    put_packed(first, by_delta, out);
  } else {
    out.u8(kDeltaDeltas);
    out.zigzag(values[0]);
    out.zigzag(deltas[0]);
    put_packed(second, by_curve, out);
  }
}

bool decode_ints(ByteReader& in, std::span<std::int64_t> out) {
  const std::size_t n = out.size();
  if (n == 0 || n > kMaxColumnValues) return false;
  const std::uint8_t form = in.u8();
  if (form == kPlain) return get_packed(in, n, out.data());
  const std::int64_t first = in.zigzag();
  out[0] = first;
  switch (form) {
    case kOneInt:
      std::fill(out.begin(), out.end(), first);
      return in.ok();
    case kEvenSteps: {
      const std::int64_t step = in.zigzag();
      for (std::size_t i = 1; i < n; ++i) out[i] = plus(out[i - 1], step);
      return in.ok();
    }
    case kDeltas:
      if (n < 2 || !get_packed(in, n - 1, out.data() + 1)) return false;
      for (std::size_t i = 1; i < n; ++i) out[i] = plus(out[i - 1], out[i]);
      return true;
    case kDeltaDeltas: {
      if (n < 3) return false;
      std::int64_t delta = in.zigzag();
      if (!get_packed(in, n - 2, out.data() + 2)) return false;
      out[1] = plus(first, delta);
      for (std::size_t i = 2; i < n; ++i) {
        delta = plus(delta, out[i]);
        out[i] = plus(out[i - 1], delta);
      }
      return true;
    }
    default:
      return false;
  }
}

void encode_doubles(std::span<const double> values, ByteWriter& out) {
  const auto bits = [](double v) { return std::bit_cast<std::uint64_t>(v); };
  TT_CHECK(!values.empty() && values.size() <= kMaxColumnValues);
  if (std::all_of(values.begin(), values.end(), [&](double v) { return bits(v) == bits(values[0]); })) {
    out.u8(kOneDouble);
    out.f64(values[0]);
    return;
  }
  const std::size_t exponent = guess_exponent(values);
  if (exponent < kPowersOfTen.size() && put_decimals(values, exponent, out)) return;
  ByteWriter by_bits;
  Ints whole;
  std::transform(values.begin(), values.end(), whole.begin(),
                 [](double v) { return std::bit_cast<std::int64_t>(v); });
  by_bits.u8(kBits);
  encode_ints({whole.data(), values.size()}, by_bits);
  ByteWriter by_xor;
  put_swapped_xor(values, by_xor);
  out.bytes(by_bits.size() <= by_xor.size() ? by_bits.view() : by_xor.view());
}

bool decode_doubles(ByteReader& in, std::span<double> out) {
  if (out.empty() || out.size() > kMaxColumnValues) return false;
  switch (in.u8()) {
    case kOneDouble:
      std::fill(out.begin(), out.end(), in.f64());
      return in.ok();
    case kDecimals:
      return get_decimals(in, out);
    case kBits: {
      Ints whole;
      if (!decode_ints(in, {whole.data(), out.size()})) return false;
      std::transform(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(out.size()), out.begin(),
                     [](std::int64_t v) { return std::bit_cast<double>(v); });
      return true;
    }
    case kSwappedXor: {
      std::uint64_t last = 0;
      for (double& v : out) {
        last ^= __builtin_bswap64(in.varint());
        v = std::bit_cast<double>(last);
      }
      return in.ok();
    }
    default:
      return false;
  }
}

}  // namespace telltale::tsdb
