// Columns of integers: what packings of the values, of their differences and of the differences of those
// would take is counted first, and the cheapest is written.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "tsdb/column.hpp"

namespace telltale::tsdb {
namespace {

// Stored: never renumber.
enum IntForm : std::uint8_t {
  kOneInt = 0,
  kEvenSteps = 1,
  kPlain = 2,
  kDeltas = 3,
  kDeltaDeltas = 4,
  kMultiples = 5
};

using Ints = std::array<std::int64_t, kMaxColumnValues>;
using Rests = std::array<std::uint64_t, kMaxColumnValues>;

// Wrapping, so that any two integers have a difference.
std::int64_t wrapped_minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t wrapped_plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::uint64_t above(std::int64_t v, std::int64_t base) {
  return static_cast<std::uint64_t>(v) - static_cast<std::uint64_t>(base);
}

unsigned bits_of(std::uint64_t v) { return static_cast<unsigned>(64 - std::countl_zero(v)); }
std::size_t varint_bytes(std::uint64_t v) { return std::max<std::size_t>(1, (bits_of(v) + 6) / 7); }

std::size_t packed_bytes(std::size_t n, unsigned width) { return (n * width + 7) / 8; }

/// How values above a base are written: in `width` bits, or beside.
struct Packing {
  std::int64_t base = 0;
  unsigned width = 0;
  std::size_t exceptions = 0;
  std::size_t bytes = SIZE_MAX;  // about
};

Packing pack_above(std::span<const std::int64_t> values, std::int64_t base) {
  // Neighbours mostly have the same width: counted in turns, no count waits for the one before.
  std::array<std::array<std::uint32_t, 65>, 2> turns{};
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t rest = above(values[i], base);
    any |= rest;
    ++turns[i % 2][bits_of(rest)];
  }
  Packing best;
  std::size_t beside = 0;
  std::size_t beside_bytes = 0;
  for (unsigned w = bits_of(any) + 1; w-- > 0;) {
    const std::size_t bytes = packed_bytes(values.size(), w) + beside_bytes;
    if (bytes < best.bytes) best = {base, w, beside, bytes};
    const std::size_t count = turns[0][w] + turns[1][w];
    beside += count;
    beside_bytes += count * (1 + (w + 6) / 7);
    if (beside_bytes >= best.bytes) break;
  }
  return best;
}

/// One that few of the values lie below, by a sample of them.
std::int64_t low_base(std::span<const std::int64_t> values) {
  constexpr std::size_t kAsked = 64;
  constexpr std::size_t kBelow = 2;
  std::array<std::int64_t, kAsked> asked;
  const std::size_t n = std::min(kAsked, values.size());
  for (std::size_t i = 0; i < n; ++i) asked[i] = values[i * values.size() / n];
  const auto end = asked.begin() + static_cast<std::ptrdiff_t>(n);
  std::nth_element(asked.begin(), asked.begin() + kBelow, end);
  return asked[kBelow];
}

/// Base: the least value, or, where a few lie far below the others (a counter that began anew), one above
/// them.
Packing pack_values(std::span<const std::int64_t> values) {
  if (values.empty()) return {0, 0, 0, 0};
  Packing best = pack_above(values, *std::min_element(values.begin(), values.end()));
  constexpr std::size_t kFewOf = 32;
  if (values.size() < kFewOf || best.width < 2) return best;
  // What lies below the base costs eleven bytes: for less than a bit or two of all others it is not looked
  // at.
  const std::int64_t low = low_base(values);
  if (bits_of(above(low, best.base)) + 1 < best.width) return best;
  const Packing other = pack_above(values, low);
  return other.bytes < best.bytes ? other : best;
}

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

constexpr unsigned kMaxAtOnce = 57;  // bits that eight bytes hold wherever the first of them begins

/// Eight values are `kWidth` bytes: all places are known when this is compiled.
template <unsigned kWidth>
void get_eights(const char* in, std::size_t eights, std::uint64_t base, std::uint64_t* out) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kWidth) - 1;
  for (; eights > 0; --eights, in += kWidth, out += 8) {
    [&]<std::size_t... kAt>(std::index_sequence<kAt...>) {
      const auto read = [in](std::size_t bit) {
        std::uint64_t word;
        std::memcpy(&word, in + bit / 8, sizeof word);
        return word >> bit % 8 & kMask;
      };
      ((out[kAt] = read(kAt * kWidth) + base), ...);
    }(std::make_index_sequence<8>());
  }
}

using GetEights = void (*)(const char*, std::size_t, std::uint64_t, std::uint64_t*);
constexpr auto kGetEights = []<std::size_t... kWidth>(std::index_sequence<kWidth...>) {
  return std::array<GetEights, kMaxAtOnce + 1>{get_eights<kWidth>...};
}(std::make_index_sequence<kMaxAtOnce + 1>());

void get_wide_bits(std::string_view in, unsigned width, std::size_t n, std::uint64_t base,
                   std::uint64_t* out) {
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t byte = i * width / 8;
    const unsigned shift = i * width % 8;
    std::array<char, 16> nine{};
    std::memcpy(nine.data(), in.data() + byte, std::min<std::size_t>(9, in.size() - byte));
    std::uint64_t word;
    std::memcpy(&word, nine.data(), sizeof word);
    word >>= shift;
    if (shift + width > 64) word |= std::uint64_t{static_cast<unsigned char>(nine[8])} << (64 - shift);
    out[i] = (word & mask) + base;
  }
}

/// Of packed_bytes(n, width) bytes, each value above `base`.
void get_bits(std::string_view in, unsigned width, std::size_t n, std::uint64_t base, std::uint64_t* out) {
  if (width == 0) {
    std::fill_n(out, n, base);
    return;
  }
  if (width > kMaxAtOnce) {
    get_wide_bits(in, width, n, base, out);
    return;
  }
  // The last of eight values is read with up to eight bytes behind it, which must be there.
  constexpr std::size_t kBehind = sizeof(std::uint64_t);
  const std::size_t eights = in.size() < kBehind ? 0 : (in.size() - kBehind) / width;
  kGetEights[width](in.data(), eights, base, out);
  // The rest, at most nine eights, from a copy with room behind.
  const std::string_view rest = in.substr(eights * width);
  const std::size_t left = n - eights * 8;
  std::array<char, kBehind + kMaxAtOnce + kMaxAtOnce + kBehind> copy{};
  std::array<std::uint64_t, 80> values;
  std::copy(rest.begin(), rest.end(), copy.begin());
  kGetEights[width](copy.data(), (left + 7) / 8, base, values.data());
  std::copy_n(values.data(), left, out + eights * 8);
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
  get_bits(bits, width, n, static_cast<std::uint64_t>(base), rests);
  for (std::uint64_t e = 0; e < exceptions; ++e)
    rests[places[e]] = beside[e] + static_cast<std::uint64_t>(base);
  return true;
}

/// values[i + 1] - values[i], and what is one fewer.
std::span<const std::int64_t> differences(std::span<const std::int64_t> values, Ints& out) {
  for (std::size_t i = 1; i < values.size(); ++i) out[i - 1] = wrapped_minus(values[i], values[i - 1]);
  return {out.data(), values.empty() ? 0 : values.size() - 1};
}

/// The way in which values are packed, and what it takes.
struct Plan {
  IntForm form = kPlain;
  Packing packing;
  std::size_t bytes = 0;  // about
};

/// Values and their differences, and the differences of those.
struct Orders {
  std::span<const std::int64_t> values, deltas, curves;
};

Plan plan_of(const Orders& of) {
  const Packing plain = pack_values(of.values);
  const Packing by_delta = pack_values(of.deltas);
  const Packing by_curve = pack_values(of.curves);
  const std::size_t first = varint_bytes(static_cast<std::uint64_t>(of.values[0]) << 1);
  const std::size_t delta_bytes = by_delta.bytes + first;
  const std::size_t curve_bytes = by_curve.bytes + first + 2;
  if (plain.bytes <= delta_bytes && plain.bytes <= curve_bytes) return {kPlain, plain, plain.bytes};
  if (delta_bytes <= curve_bytes) return {kDeltas, by_delta, delta_bytes};
  return {kDeltaDeltas, by_curve, curve_bytes};
}

void put_plan(const Orders& of, const Plan& plan, ByteWriter& out) {
  out.u8(plan.form);
  if (plan.form != kPlain) out.zigzag(of.values[0]);
  if (plan.form == kDeltaDeltas) out.zigzag(of.deltas[0]);
  put_packed(plan.form == kPlain    ? of.values
             : plan.form == kDeltas ? of.deltas
                                    : of.curves,
             plan.packing, out);
}

/// What divides all differences; 1 where nothing else does. At least one is not 0.
std::uint64_t common_factor(std::span<const std::int64_t> deltas) {
  std::uint64_t factor = 0;
  for (const std::int64_t d : deltas) {
    auto rest = static_cast<std::uint64_t>(d < 0 ? wrapped_minus(0, d) : d);
    // Mostly it is a power of two or 1.
    if (std::has_single_bit(factor) && (rest & (factor - 1)) == 0) continue;
    while (rest != 0) factor = std::exchange(rest, factor % rest);
    if (factor == 1) break;
  }
  return factor;
}

/// As multiples of `factor` above the first.
void divide(const Orders& of, std::uint64_t factor, Ints& values, Ints& deltas) {
  const auto by = static_cast<std::int64_t>(factor);
  const int shift = std::has_single_bit(factor) ? std::countr_zero(factor) : 0;
  values[0] = 0;
  for (std::size_t i = 0; i < of.deltas.size(); ++i) {
    deltas[i] = shift > 0 ? of.deltas[i] >> shift : of.deltas[i] / by;
    values[i + 1] = wrapped_plus(values[i], deltas[i]);
  }
}

/// Writes the values as multiples of a factor, if that takes less than they do as they are.
bool put_multiples(const Orders& of, std::uint64_t factor, ByteWriter& out) {
  if (factor < 2 || factor > static_cast<std::uint64_t>(INT64_MAX)) return false;
  Ints values;
  Ints deltas;
  Ints curves;
  divide(of, factor, values, deltas);
  Orders lesser{{values.data(), of.values.size()}, {deltas.data(), of.deltas.size()}, {}};
  lesser.curves = differences(lesser.deltas, curves);
  const Plan plan = plan_of(lesser);
  // Half a byte of each value is more than all that comes in front.
  constexpr std::uint64_t kLarge = 16;
  constexpr std::size_t kMany = 32;
  if (factor < kLarge || of.values.size() < kMany || plan.packing.width == 0) {
    const std::size_t head =
        1 + varint_bytes(static_cast<std::uint64_t>(of.values[0]) << 1) + varint_bytes(factor);
    if (plan.bytes + head >= plan_of(of).bytes) return false;
  }
  out.u8(kMultiples);
  out.zigzag(of.values[0]);
  out.varint(factor);
  put_plan(lesser, plan, out);
  return true;
}

bool get_form(std::uint8_t form, ByteReader& in, std::span<std::int64_t> out) {
  const std::size_t n = out.size();
  if (form == kPlain) return get_packed(in, n, out.data());
  const std::int64_t first = in.zigzag();
  out[0] = first;
  switch (form) {
    case kOneInt:
      std::fill(out.begin(), out.end(), first);
      return in.ok();
    case kEvenSteps: {
      const std::int64_t step = in.zigzag();
      for (std::size_t i = 1; i < n; ++i) out[i] = wrapped_plus(out[i - 1], step);
      return in.ok();
    }
    case kDeltas:
      if (n < 2 || !get_packed(in, n - 1, out.data() + 1)) return false;
      for (std::size_t i = 1; i < n; ++i) out[i] = wrapped_plus(out[i - 1], out[i]);
      return true;
    case kDeltaDeltas: {
      if (n < 3) return false;
      std::int64_t delta = in.zigzag();
      if (!get_packed(in, n - 2, out.data() + 2)) return false;
      out[1] = wrapped_plus(first, delta);
      for (std::size_t i = 2; i < n; ++i) {
        delta = wrapped_plus(delta, out[i]);
        out[i] = wrapped_plus(out[i - 1], delta);
      }
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

void encode_ints(std::span<const std::int64_t> values, ByteWriter& out) {
  TT_CHECK(!values.empty() && values.size() <= kMaxColumnValues);
  Ints deltas;
  Ints curves;
  Orders of{values, differences(values, deltas), {}};
  if (std::all_of(of.deltas.begin(), of.deltas.end(), [&](std::int64_t d) { return d == deltas[0]; })) {
    const std::int64_t step = of.deltas.empty() ? 0 : deltas[0];
    out.u8(step == 0 ? kOneInt : kEvenSteps);
    out.zigzag(values[0]);
    if (step != 0) out.zigzag(step);
    return;
  }
  of.curves = differences(of.deltas, curves);
  if (!put_multiples(of, common_factor(of.deltas), out)) put_plan(of, plan_of(of), out);
}

bool decode_ints(ByteReader& in, std::span<std::int64_t> out) {
  if (out.empty() || out.size() > kMaxColumnValues) return false;
  const std::uint8_t form = in.u8();
  if (form != kMultiples) return get_form(form, in, out);
  const std::int64_t first = in.zigzag();
  const std::uint64_t factor = in.varint();
  if (factor < 2 || !get_form(in.u8(), in, out)) return false;
  for (std::int64_t& v : out)
    v = wrapped_plus(first, static_cast<std::int64_t>(static_cast<std::uint64_t>(v) * factor));
  return true;
}

}  // namespace telltale::tsdb
