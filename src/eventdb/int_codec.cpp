#include "eventdb/int_codec.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "base/bytes.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::uint8_t kConstantInts = 0;
constexpr std::uint8_t kPackedInts = 1;
constexpr std::uint8_t kPackedDeltas = 2;
constexpr std::uint8_t kRealBits = 0;
constexpr std::uint8_t kScaledReals = 1;
constexpr std::size_t kRun = 1024;
constexpr int kMaxScale = 6;
constexpr double kPowers[kMaxScale + 1] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};

using U64 = std::uint64_t;

tl::unexpected<Error> bad_ints(const char* what) {
  return fail(ErrorKind::corruption, std::string("integer column: ") + what);
}

template <class T>
void pack_any(std::span<const T> values, unsigned bits, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + packed_bytes(values.size(), bits));
  char* to = out.data() + start;
  if (bits == 64) {
    if constexpr (sizeof(T) == 8) std::memcpy(to, values.data(), values.size() * 8);
    return;
  }
  U64 word = 0;
  unsigned used = 0;
  for (const T v : values) {
    word |= static_cast<U64>(v) << used;
    used += bits;
    if (used >= 64) {
      std::memcpy(to, &word, 8);
      to += 8;
      used -= 64;
      word = used == 0 ? 0 : static_cast<U64>(v) >> (bits - used);
    }
  }
  std::memcpy(to, &word, 8);
}

unsigned usable_bits(unsigned bits) { return bits > 56 ? 64 : bits; }

struct PackedPlan {
  U64 divisor = 1;
  std::size_t bytes = 0;
};

/// The greatest common divisor of all differences from the first value, and what packing would take.
PackedPlan plan_packing(std::span<const std::int64_t> values) {
  PackedPlan plan;
  U64 divisor = 0;
  for (const std::int64_t v : values) {
    // Exact: the distance of any two values fits 64 bits without a sign; a wrapped difference would have
    // other divisors.
    const U64 up = static_cast<U64>(v) - static_cast<U64>(values[0]);
    divisor = std::gcd(divisor, v < values[0] ? U64{0} - up : up);
    if (divisor == 1) break;
  }
  plan.divisor = std::max<U64>(divisor, 1);
  for (std::size_t i = 0; i < values.size(); i += kRun) {
    const auto run = values.subspan(i, std::min(kRun, values.size() - i));
    const auto [least, greatest] = std::minmax_element(run.begin(), run.end());
    const U64 spread = (static_cast<U64>(*greatest) - static_cast<U64>(*least)) / plan.divisor;
    plan.bytes += 6 + packed_bytes(run.size(), usable_bits(bits_for(spread)));
  }
  return plan;
}

void put_packed(std::span<const std::int64_t> values, U64 divisor, ByteWriter& out) {
  out.varint(divisor);
  std::vector<U64> scaled;
  std::string packed;
  for (std::size_t i = 0; i < values.size(); i += kRun) {
    const auto run = values.subspan(i, std::min(kRun, values.size() - i));
    const auto [least, greatest] = std::minmax_element(run.begin(), run.end());
    const U64 base = static_cast<U64>(*least);
    const unsigned bits = usable_bits(bits_for((static_cast<U64>(*greatest) - base) / divisor));
    out.zigzag(*least);
    out.u8(static_cast<std::uint8_t>(bits));
    if (bits == 0) continue;
    scaled.clear();
    for (const std::int64_t v : run) scaled.push_back((static_cast<U64>(v) - base) / divisor);
    packed.clear();
    pack_bits(scaled, bits, packed);
    out.bytes(packed);
  }
}

bool get_packed(ByteReader& in, std::span<std::int64_t> out) {
  const U64 divisor = in.varint();
  for (std::size_t i = 0; i < out.size(); i += kRun) {
    const auto run = out.subspan(i, std::min(kRun, out.size() - i));
    const auto base = static_cast<U64>(in.zigzag());
    const unsigned bits = in.u8();
    if (!in.ok() || bits > 64 || (bits > 56 && bits != 64)) return false;
    if (bits == 0) {
      std::fill(run.begin(), run.end(), static_cast<std::int64_t>(base));
      continue;
    }
    const std::string_view packed = in.bytes(packed_bytes(run.size(), bits));
    if (!in.ok()) return false;
    if (bits == 64) {
      for (std::size_t k = 0; k < run.size(); ++k) {
        U64 v;
        std::memcpy(&v, packed.data() + k * 8, 8);
        run[k] = static_cast<std::int64_t>(base + v * divisor);
      }
    } else if (divisor == 1) {
      for (std::size_t k = 0; k < run.size(); ++k)
        run[k] = static_cast<std::int64_t>(base + packed_at(packed.data(), k, bits));
    } else {
      for (std::size_t k = 0; k < run.size(); ++k)
        run[k] = static_cast<std::int64_t>(base + packed_at(packed.data(), k, bits) * divisor);
    }
  }
  return true;
}

}  // namespace

unsigned bits_for(std::uint64_t largest) { return static_cast<unsigned>(std::bit_width(largest)); }

std::size_t packed_bytes(std::size_t n, unsigned bits) { return (n * bits + 7) / 8 + 8; }

void pack_bits(std::span<const std::uint64_t> values, unsigned bits, std::string& out) {
  pack_any(values, bits, out);
}
void pack_bits(std::span<const std::uint16_t> values, unsigned bits, std::string& out) {
  pack_any(values, bits, out);
}

std::string encode_int_column(std::span<const std::int64_t> values) {
  ByteWriter out;
  if (values.empty() || std::all_of(values.begin(), values.end(), [&](auto v) { return v == values[0]; })) {
    out.u8(kConstantInts);
    out.zigzag(values.empty() ? 0 : values[0]);
    return out.take();
  }
  std::vector<std::int64_t> deltas(values.size());
  for (std::size_t i = 1; i < values.size(); ++i)
    deltas[i] = static_cast<std::int64_t>(static_cast<U64>(values[i]) - static_cast<U64>(values[i - 1]));
  deltas[0] = deltas[1];  // the first value stands in front
  const PackedPlan plain = plan_packing(values);
  const PackedPlan differences = plan_packing(deltas);
  if (differences.bytes + differences.bytes / 16 < plain.bytes) {
    out.u8(kPackedDeltas);
    out.zigzag(values[0]);
    put_packed(deltas, differences.divisor, out);
  } else {
    out.u8(kPackedInts);
    put_packed(values, plain.divisor, out);
  }
  return out.take();
}

Result<std::vector<std::int64_t>> decode_int_column(std::string_view bytes, std::size_t rows) {
  ByteReader in(bytes);
  const std::uint8_t codec = in.u8();
  if (codec > kPackedDeltas) return bad_ints("unknown codec");
  if (codec == kConstantInts) {
    const std::int64_t value = in.zigzag();
    if (!in.ok() || !in.empty()) return bad_ints("bad constant");
    return std::vector<std::int64_t>(rows, value);
  }
  const std::int64_t first = codec == kPackedDeltas ? in.zigzag() : 0;
  // A run takes at least two bytes: a forged row count cannot ask for much more memory than it sends.
  if (!in.ok() || rows > (in.remaining() + 1) * kRun) return bad_ints("too few values");
  std::vector<std::int64_t> out(rows);
  if (!get_packed(in, out) || !in.empty()) return bad_ints("wrong size");
  if (codec == kPackedDeltas && rows > 0) {
    U64 at = static_cast<U64>(first);
    out[0] = first;
    for (std::size_t i = 1; i < rows; ++i) {
      at += static_cast<U64>(out[i]);
      out[i] = static_cast<std::int64_t>(at);
    }
  }
  return out;
}

std::string encode_real_column(std::span<const double> values) {
  const auto fits = [&values](int scale) {
    return std::all_of(values.begin(), values.end(), [scale](double v) {
      const double scaled = v * kPowers[scale];
      if (!(std::abs(scaled) < 9e15)) return false;
      const auto whole = static_cast<std::int64_t>(std::llrint(scaled));
      return std::bit_cast<U64>(static_cast<double>(whole) / kPowers[scale]) == std::bit_cast<U64>(v);
    });
  };
  std::vector<std::int64_t> numbers;
  numbers.reserve(values.size());
  ByteWriter out;
  for (int scale = 0; scale <= kMaxScale; ++scale) {
    if (!fits(scale)) continue;
    for (const double v : values) numbers.push_back(std::llrint(v * kPowers[scale]));
    out.u8(kScaledReals);
    out.u8(static_cast<std::uint8_t>(scale));
    out.bytes(encode_int_column(numbers));
    return out.take();
  }
  for (const double v : values) numbers.push_back(std::bit_cast<std::int64_t>(v));
  out.u8(kRealBits);
  out.bytes(encode_int_column(numbers));
  return out.take();
}

Result<std::vector<double>> decode_real_column(std::string_view bytes, std::size_t rows) {
  ByteReader in(bytes);
  const std::uint8_t codec = in.u8();
  const int scale = codec == kScaledReals ? in.u8() : 0;
  if (!in.ok() || codec > kScaledReals || scale > kMaxScale)
    return fail(ErrorKind::corruption, "real column: unknown codec");
  TT_ASSIGN(const auto numbers, decode_int_column(in.bytes(in.remaining()), rows));
  std::vector<double> out(rows);
  if (codec == kRealBits) {
    for (std::size_t i = 0; i < rows; ++i) out[i] = std::bit_cast<double>(numbers[i]);
  } else {
    for (std::size_t i = 0; i < rows; ++i) out[i] = static_cast<double>(numbers[i]) / kPowers[scale];
  }
  return out;
}

}  // namespace telltale::eventdb
