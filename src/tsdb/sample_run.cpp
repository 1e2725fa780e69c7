#include "tsdb/sample_run.hpp"

#include <algorithm>
#include <bit>

#include "base/bytes.hpp"

namespace telltale::tsdb {
namespace {

// How the values of a chunk are written. Stored: never renumber.
enum ValueForm : std::uint8_t { kConstant = 0, kIntegers = 1, kXor = 2 };

constexpr double kExactInteger = 9007199254740992.0;  // 2^53

bool is_exact_integer(double v) {
  if (!(v > -kExactInteger && v < kExactInteger)) return false;
  const auto i = static_cast<std::int64_t>(v);
  return std::bit_cast<std::uint64_t>(static_cast<double>(i)) == std::bit_cast<std::uint64_t>(v);
}

std::int64_t time_delta(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t time_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

void encode_values(std::span<const double> values, ByteWriter& out) {
  const auto bits = [](double v) { return std::bit_cast<std::uint64_t>(v); };
  if (std::all_of(values.begin(), values.end(), [&](double v) { return bits(v) == bits(values[0]); })) {
    out.u8(kConstant);
    out.f64(values[0]);
    return;
  }
  if (std::all_of(values.begin(), values.end(), is_exact_integer)) {
    out.u8(kIntegers);
    std::int64_t last = 0;
    for (const double v : values) {
      const auto i = static_cast<std::int64_t>(v);
      out.zigzag(i - last);
      last = i;
    }
    return;
  }
  out.u8(kXor);
  std::uint64_t last = 0;
  for (const double v : values) {
    // Neighbours share sign, exponent and leading digits; swapped, the shared bytes become leading zeros for
    // values with short fractions.
    out.varint(__builtin_bswap64(bits(v) ^ last));
    last = bits(v);
  }
}

bool decode_values(ByteReader& in, std::uint64_t count, std::vector<double>& out) {
  switch (in.u8()) {
    case kConstant:
      out.insert(out.end(), count, in.f64());
      return in.ok();
    case kIntegers: {
      std::int64_t last = 0;
      for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        last = time_add(last, in.zigzag());
        out.push_back(static_cast<double>(last));
      }
      return in.ok();
    }
    case kXor: {
      std::uint64_t last = 0;
      for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        last ^= __builtin_bswap64(in.varint());
        out.push_back(std::bit_cast<double>(last));
      }
      return in.ok();
    }
    default:
      return false;
  }
}

}  // namespace

void merge_newer(SampleRun& run, std::span<const std::int64_t> times, std::span<const double> values) {
  if (times.empty()) return;
  if (run.empty() || run.times.back() < times.front()) {
    run.times.insert(run.times.end(), times.begin(), times.end());
    run.values.insert(run.values.end(), values.begin(), values.end());
    return;
  }
  SampleRun out;
  out.times.reserve(run.size() + times.size());
  out.values.reserve(run.size() + times.size());
  std::size_t i = 0;
  for (std::size_t j = 0; j < times.size(); ++j) {
    for (; i < run.size() && run.times[i] < times[j]; ++i) out.push(run.times[i], run.values[i]);
    if (i < run.size() && run.times[i] == times[j]) ++i;
    out.push(times[j], values[j]);
  }
  for (; i < run.size(); ++i) out.push(run.times[i], run.values[i]);
  run = std::move(out);
}

std::pair<std::size_t, std::size_t> clip(std::span<const std::int64_t> times,
                                         const storage::MillisRange& range) {
  if (range.min > range.max) return {0, 0};
  const auto first = std::lower_bound(times.begin(), times.end(), range.min.ms);
  const auto last = std::upper_bound(first, times.end(), range.max.ms);
  return {static_cast<std::size_t>(first - times.begin()), static_cast<std::size_t>(last - times.begin())};
}

void encode_chunk(std::span<const std::int64_t> times, std::span<const double> values, std::string& out) {
  ByteWriter w;
  std::int64_t last = 0;
  std::int64_t last_delta = 0;
  for (const std::int64_t t : times) {
    const std::int64_t delta = time_delta(t, last);
    w.zigzag(time_delta(delta, last_delta));
    last = t;
    last_delta = delta;
  }
  encode_values(values, w);
  out += w.view();
}

Result<> decode_chunk(std::string_view bytes, std::uint64_t count, SampleRun& out) {
  ByteReader in(bytes);
  if (count == 0 || count > bytes.size()) return fail(ErrorKind::corruption, "chunk: impossible count");
  std::int64_t last = 0;
  std::int64_t last_delta = 0;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    last_delta = time_add(last_delta, in.zigzag());
    const std::int64_t t = time_add(last, last_delta);
    if (i > 0 && t <= last) return fail(ErrorKind::corruption, "chunk: times do not rise");
    out.times.push_back(t);
    last = t;
  }
  if (!in.ok() || !decode_values(in, count, out.values) || !in.empty()) {
    return fail(ErrorKind::corruption, "chunk: malformed");
  }
  return {};
}

}  // namespace telltale::tsdb
