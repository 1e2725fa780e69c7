// Columns of floats: decimals first, which most are; then steps, bits and what changes between neighbours, of
// which the smallest is written.
//
// A counter of seconds is the sum that its client added up, in floating point: no decimal, but the value
// before plus a decimal, rounded. So it is written as those decimals, and decoding adds them up again in the
// same way. Where the client added more than once in between, the last bits come out otherwise, and what they
// differ by is a second column, of small numbers. Additions and divisions must be those of IEEE 754, rounded
// once; no compiler contracts these two into one.
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
enum DoubleForm : std::uint8_t { kOneDouble = 0, kDecimals = 1, kBits = 2, kSwappedXor = 3, kSteps = 4 };

using Ints = std::array<std::int64_t, kMaxColumnValues>;

constexpr double kMostScaled = 0x1p52;  // all integers below it, and their halves, are doubles

/// value × 10^exponent as an integer that gives the value back, bit for bit.
bool as_decimal(double value, double power, std::int64_t& out) {
  const double scaled = value * power;
  if (!(std::fabs(scaled) < kMostScaled)) return false;
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

/// False when more than one in eight values is no decimal of that exponent.
bool put_decimals(std::span<const double> values, std::size_t exponent, ByteWriter& out,
                  std::size_t& exceptions) {
  constexpr std::size_t kOneIn = 8;
  Ints whole;
  std::array<std::uint32_t, kMaxColumnValues> beside;
  exceptions = 0;
  const double power = kPowersOfTen[exponent];
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (as_decimal(values[i], power, whole[i])) continue;
    beside[exceptions++] = static_cast<std::uint32_t>(i);
    whole[i] = i > 0 ? whole[i - 1] : 0;
  }
  if (exceptions * kOneIn > values.size() + kOneIn - 1) return false;
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

/// The least exponent at which most of a few steps from value to value are decimals but for the values' last
/// bits; the number of powers when there is none that leaves something to save.
std::size_t guess_step_exponent(std::span<const double> values) {
  constexpr std::size_t kFewest = 8;  // fewer are not worth a look
  constexpr std::size_t kAsked = 24;
  constexpr double kNear = 1.0 / 16;
  constexpr double kLastBits = 64;  // units in the last place
  if (values.size() < kFewest) return kPowersOfTen.size();
  std::array<double, kAsked> steps;
  std::size_t asked = 0;
  double largest = 0;
  const std::size_t stride = std::max<std::size_t>(1, values.size() / kAsked);
  for (std::size_t i = 1; i < values.size() && asked < kAsked; i += stride) {
    const double step = values[i] - values[i - 1];
    if (!std::isfinite(step) || step == 0) continue;
    steps[asked++] = step;
    largest = std::max({largest, std::fabs(values[i]), std::fabs(values[i - 1])});
  }
  for (std::size_t e = 0; asked > 0 && e < kPowersOfTen.size(); ++e) {
    const double last_place = largest * 0x1p-52 * kPowersOfTen[e];
    if (last_place > kNear) break;
    const double near = std::min(kNear, kLastBits * last_place);
    std::size_t failed = 0;
    for (std::size_t i = 0; i < asked && failed * 8 <= asked; ++i) {
      const double scaled = steps[i] * kPowersOfTen[e];
      if (!(std::fabs(scaled) < kMostScaled && std::fabs(scaled - std::nearbyint(scaled)) <= near)) ++failed;
    }
    if (failed * 8 <= asked) return e;
  }
  return kPowersOfTen.size();
}

/// What a value is without its correction.
double stepped(double last, std::int64_t step, double power) {
  return last + static_cast<double>(step) / power;
}

/// The bytes of them that are corrections.
std::size_t put_steps(std::span<const double> values, std::size_t exponent, ByteWriter& out) {
  Ints steps;
  Ints corrections;
  const double power = kPowersOfTen[exponent];
  double last = std::isfinite(values[0]) ? values[0] : 0;
  std::int64_t step = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double scaled = (values[i] - last) * power;
    if (std::fabs(scaled) < kMostScaled) step = std::llrint(scaled);
    steps[i - 1] = step;
    corrections[i - 1] = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(values[i]) -
                                                   std::bit_cast<std::uint64_t>(stepped(last, step, power)));
    if (std::isfinite(values[i])) last = values[i];
  }
  out.u8(kSteps);
  out.u8(static_cast<std::uint8_t>(exponent));
  out.f64(values[0]);
  encode_ints({steps.data(), values.size() - 1}, out);
  const std::size_t before = out.size();
  encode_ints({corrections.data(), values.size() - 1}, out);
  return out.size() - before;
}

/// Adds up `steps` from `last` on, corrected; leaves the values' bits in their place. Nothing but one array
/// is read and written where there is nothing to correct: additions wait for one another as it is.
void add_steps(double last, double power, std::span<std::int64_t> steps,
               std::span<const std::int64_t> corrections) {
  std::array<std::uint16_t, kMaxColumnValues> corrected;
  std::size_t count = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    corrected[count] = static_cast<std::uint16_t>(i);
    count += corrections[i] != 0 ? 1 : 0;
  }
  std::size_t at = 0;
  const auto correct = [&] {
    const auto bits = std::bit_cast<std::uint64_t>(stepped(last, steps[at], power)) +
                      static_cast<std::uint64_t>(corrections[at]);
    steps[at++] = static_cast<std::int64_t>(bits);
    if (std::isfinite(std::bit_cast<double>(bits))) last = std::bit_cast<double>(bits);
  };
  constexpr std::size_t kMany = 8;
  if (count * kMany > steps.size()) {
    while (at < steps.size()) correct();
    return;
  }
  const auto add_until = [&](std::size_t end) {
    for (; at < end; ++at) {
      last = stepped(last, steps[at], power);  // finite: steps are too small to leave the doubles
      steps[at] = std::bit_cast<std::int64_t>(last);
    }
  };
  for (std::size_t c = 0; c < count; ++c) {
    add_until(corrected[c]);
    correct();
  }
  add_until(steps.size());
}

bool get_steps(ByteReader& in, std::span<double> out) {
  const std::size_t exponent = in.u8();
  if (exponent >= kPowersOfTen.size() || out.size() < 2) return false;
  out[0] = in.f64();
  Ints steps;
  Ints corrections;
  const std::size_t n = out.size() - 1;
  if (!decode_ints(in, {steps.data(), n}) || !decode_ints(in, {corrections.data(), n})) return false;
  add_steps(std::isfinite(out[0]) ? out[0] : 0, kPowersOfTen[exponent], {steps.data(), n},
            {corrections.data(), n});
  std::memcpy(out.data() + 1, steps.data(), n * sizeof(double));
  return true;
}

void put_bit_patterns(std::span<const double> values, ByteWriter& out) {
  Ints whole;
  std::transform(values.begin(), values.end(), whole.begin(),
                 [](double v) { return std::bit_cast<std::int64_t>(v); });
  out.u8(kBits);
  encode_ints({whole.data(), values.size()}, out);
}

/// Neighbours share sign, exponent and leading digits; swapped, the shared bytes become leading zeros for
/// values with short fractions.
template <class Visit>
void for_each_swapped_xor(std::span<const double> values, Visit visit) {
  std::uint64_t last = 0;
  for (const double v : values) {
    const auto bits = std::bit_cast<std::uint64_t>(v);
    visit(__builtin_bswap64(bits ^ last));
    last = bits;
  }
}

std::size_t swapped_xor_bytes(std::span<const double> values) {
  std::size_t bytes = 1;
  for_each_swapped_xor(
      values, [&](std::uint64_t v) { bytes += (static_cast<unsigned>(std::bit_width(v | 1)) + 6) / 7; });
  return bytes;
}

void put_swapped_xor(std::span<const double> values, ByteWriter& out) {
  out.u8(kSwappedXor);
  for_each_swapped_xor(values, [&](std::uint64_t v) { out.varint(v); });
}

}  // namespace

void encode_doubles(std::span<const double> values, ByteWriter& out) {
  const auto bits = [](double v) { return std::bit_cast<std::uint64_t>(v); };
  TT_CHECK(!values.empty() && values.size() <= kMaxColumnValues);
  if (std::all_of(values.begin(), values.end(), [&](double v) { return bits(v) == bits(values[0]); })) {
    out.u8(kOneDouble);
    out.f64(values[0]);
    return;
  }
  constexpr std::size_t kFewIn = 64;
  ByteWriter best;
  std::size_t exceptions = 0;
  if (const std::size_t e = guess_exponent(values); e < kPowersOfTen.size() &&
                                                    put_decimals(values, e, best, exceptions) &&
                                                    exceptions * kFewIn <= values.size()) {
    out.bytes(best.view());
    return;
  }
  const auto consider = [&best](ByteWriter& other) {
    if (best.size() == 0 || other.size() < best.size()) std::swap(best, other);
  };
  if (const std::size_t e = guess_step_exponent(values); e < kPowersOfTen.size()) {
    ByteWriter by_steps;
    const std::size_t corrections = put_steps(values, e, by_steps);
    // Where most values change, steps leave out four bits at least of what each takes by its bits.
    if (best.size() == 0 && corrections * 4 < values.size() &&
        (by_steps.size() - corrections) * 2 > values.size() && by_steps.size() < swapped_xor_bytes(values)) {
      out.bytes(by_steps.view());
      return;
    }
    consider(by_steps);
  }
  ByteWriter by_bits;
  put_bit_patterns(values, by_bits);
  consider(by_bits);
  if (swapped_xor_bytes(values) < best.size()) {
    put_swapped_xor(values, out);
  } else {
    out.bytes(best.view());
  }
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
    case kSteps:
      return get_steps(in, out);
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
