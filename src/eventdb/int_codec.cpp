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
constexpr std::uint8_t kPackedDeltas = 2;  // through all runs; read, and not written any more
constexpr std::uint8_t kRunDeltas = 3;     // each run has its first value
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

/// With `starts`, values are differences: a run has its first value in place of its first difference.
void put_packed(std::span<const std::int64_t> values, std::span<const std::int64_t> starts, U64 divisor,
                ByteWriter& out) {
  out.varint(divisor);
  std::vector<U64> scaled;
  std::string packed;
  for (std::size_t i = 0; i < values.size(); i += kRun) {
    auto run = values.subspan(i, std::min(kRun, values.size() - i));
    if (!starts.empty()) {
      out.zigzag(starts[i]);
      run = run.subspan(1);
    }
    if (run.empty()) {
      out.zigzag(0);
      out.u8(0);
      continue;
    }
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
  // A run's first value stands in front of it; the difference in its place must not weigh.
  for (std::size_t i = 0; i < values.size(); i += kRun)
    deltas[i] = i + 1 < values.size() ? deltas[i + 1] : deltas[i - 1];
  const PackedPlan plain = plan_packing(values);
  const PackedPlan differences = plan_packing(deltas);
  if (differences.bytes + differences.bytes / 16 < plain.bytes) {
    out.u8(kRunDeltas);
    put_packed(deltas, values, differences.divisor, out);
  } else {
    out.u8(kPackedInts);
    put_packed(values, {}, plain.divisor, out);
  }
  return out.take();
}

Result<PackedInts> PackedInts::open(std::string_view bytes, std::size_t rows) {
  ByteReader in(bytes);
  PackedInts out;
  out.codec_ = in.u8();
  out.rows_ = rows;
  if (out.codec_ > kRunDeltas) return bad_ints("unknown codec");
  if (out.codec_ == kConstantInts) {
    out.first_ = static_cast<U64>(in.zigzag());
    if (!in.ok() || !in.empty()) return bad_ints("bad constant");
    return out;
  }
  if (out.codec_ == kPackedDeltas) out.first_ = static_cast<U64>(in.zigzag());
  // A run takes at least two bytes: a forged row count cannot ask for much more memory than it sends.
  if (!in.ok() || rows > (in.remaining() + 1) * kRun) return bad_ints("too few values");
  out.divisor_ = in.varint();
  out.runs_.reserve((rows + kRun - 1) / kRun);
  for (std::size_t i = 0; i < rows; i += kRun) {
    std::size_t n = std::min(kRun, rows - i);
    Run run;
    if (out.codec_ == kRunDeltas) {
      run.first = static_cast<U64>(in.zigzag());
      --n;
    }
    run.base = static_cast<U64>(in.zigzag());
    run.bits = in.u8();
    if (!in.ok() || run.bits > 64 || (run.bits > 56 && run.bits != 64)) return bad_ints("wrong size");
    if (run.bits > 0) run.packed = in.bytes(packed_bytes(n, run.bits)).data();
    if (!in.ok()) return bad_ints("wrong size");
    out.runs_.push_back(run);
  }
  if (!in.empty()) return bad_ints("wrong size");
  return out;
}

std::int64_t PackedInts::at(std::size_t row) const {
  if (codec_ == kConstantInts) return static_cast<std::int64_t>(first_);
  const Run& run = runs_[row / kRun];
  const std::size_t k = row % kRun;
  if (codec_ == kPackedInts) return static_cast<std::int64_t>(raw_at(run, k));
  U64 value = run.first;
  if (codec_ == kRunDeltas) {
    for (std::size_t i = 0; i < k; ++i) value += raw_at(run, i);
    return static_cast<std::int64_t>(value);
  }
  value = first_;
  for (std::size_t i = 1; i <= row; ++i) value += raw_at(runs_[i / kRun], i % kRun);
  return static_cast<std::int64_t>(value);
}

void PackedInts::unpack(const Run& run, std::span<std::int64_t> out) const {
  if (run.packed == nullptr) {
    std::fill(out.begin(), out.end(), static_cast<std::int64_t>(run.base));
  } else if (run.bits == 64) {
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<std::int64_t>(raw_at(run, k));
  } else if (divisor_ == 1) {
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = static_cast<std::int64_t>(run.base + packed_at(run.packed, k, run.bits));
  } else {
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = static_cast<std::int64_t>(run.base + packed_at(run.packed, k, run.bits) * divisor_);
  }
}

std::vector<std::int64_t> PackedInts::all() const {
  if (codec_ == kConstantInts) return std::vector<std::int64_t>(rows_, static_cast<std::int64_t>(first_));
  std::vector<std::int64_t> out(rows_);
  U64 value = first_;
  for (std::size_t r = 0; r < runs_.size(); ++r) {
    auto run = std::span(out).subspan(r * kRun, std::min(kRun, rows_ - r * kRun));
    if (codec_ == kRunDeltas) {
      value = runs_[r].first;
      run[0] = static_cast<std::int64_t>(value);
      run = run.subspan(1);
    }
    unpack(runs_[r], run);
    if (codec_ == kPackedInts) continue;
    if (codec_ == kPackedDeltas && r == 0) {
      run[0] = static_cast<std::int64_t>(value);
      run = run.subspan(1);
    }
    for (std::int64_t& v : run) {
      value += static_cast<U64>(v);
      v = static_cast<std::int64_t>(value);
    }
  }
  return out;
}

Result<std::vector<std::int64_t>> decode_int_column(std::string_view bytes, std::size_t rows) {
  TT_ASSIGN(const PackedInts ints, PackedInts::open(bytes, rows));
  return ints.all();
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

Result<PackedReals> PackedReals::open(std::string_view bytes, std::size_t rows) {
  ByteReader in(bytes);
  PackedReals out;
  const std::uint8_t codec = in.u8();
  if (codec == kScaledReals) out.scale_ = in.u8();
  if (!in.ok() || codec > kScaledReals || out.scale_ > kMaxScale)
    return fail(ErrorKind::corruption, "real column: unknown codec");
  TT_ASSIGN(out.ints_, PackedInts::open(in.bytes(in.remaining()), rows));
  return out;
}

double PackedReals::real_of(std::int64_t v) const {
  return scale_ < 0 ? std::bit_cast<double>(v) : static_cast<double>(v) / kPowers[scale_];
}

std::vector<double> PackedReals::all() const {
  const std::vector<std::int64_t> numbers = ints_.all();
  std::vector<double> out(numbers.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = real_of(numbers[i]);
  return out;
}

Result<std::vector<double>> decode_real_column(std::string_view bytes, std::size_t rows) {
  TT_ASSIGN(const PackedReals reals, PackedReals::open(bytes, rows));
  return reals.all();
}

}  // namespace telltale::eventdb
