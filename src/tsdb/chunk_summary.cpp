#include "tsdb/chunk_summary.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tsdb/column.hpp"

namespace telltale::tsdb {
namespace {

// Stored: never renumber.
constexpr std::int64_t kSummaryKnown = 1;
constexpr std::int64_t kSummaryEqual = 2;  // least and greatest are one value
constexpr std::int64_t kSummaryRising = 4;
constexpr std::int64_t kSummarySum = 8;
constexpr std::int64_t kSummaryFlags = 15;

bool one_value(const ChunkSummary& s) {
  return std::bit_cast<std::uint64_t>(s.least) == std::bit_cast<std::uint64_t>(s.greatest);
}

std::int64_t flags_of(const ChunkSummary& s) {
  if (!s.known) return 0;
  return kSummaryKnown | (one_value(s) ? kSummaryEqual : 0) | (s.rising ? kSummaryRising : 0) |
         (s.has_sum ? kSummarySum : 0);
}

void put_values(std::vector<double>& values, ByteWriter& out) {
  if (!values.empty()) encode_doubles(values, out);
  values.clear();
}

bool get_values(ByteReader& in, std::size_t n, std::vector<double>& out) {
  out.resize(n);
  return n == 0 || decode_doubles(in, out);
}

}  // namespace

ChunkSummary summarize(const SampleSlice& samples) {
  const std::span<const double> v = samples.values;
  ChunkSummary out;
  if (v.size() < kLeastSummarized) return out;
  if (!samples.histograms.empty() && samples.histograms[0] != nullptr) return out;
  double least = v[0];
  double greatest = v[0];
  bool finite = true;
  bool rising = true;
  double before = v[0];
  for (const double x : v) {
    finite &= std::fabs(x) < HUGE_VAL;  // false for NaN, too
    least = x < least ? x : least;
    greatest = x > greatest ? x : greatest;
    rising &= x >= before;
    before = x;
  }
  if (!finite) return out;
  out.known = true;
  // Comparing finds the values, of zeros one of either sign: the first is meant.
  out.least = least == 0 ? *std::find(v.begin(), v.end(), 0.0) : least;
  out.greatest = greatest == 0 ? *std::find(v.begin(), v.end(), 0.0) : greatest;
  const auto same = [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  };
  out.rising = rising && same(v.front(), out.least) && same(v.back(), out.greatest);
  if (out.rising && !one_value(out)) return out;
  const double most = std::max(std::fabs(least), std::fabs(greatest));
  if (!(most * static_cast<double>(v.size()) < kExactBelow)) return out;
  double sum = 0;
  bool whole = true;
  for (const double x : v) {
    whole &= static_cast<double>(static_cast<std::int64_t>(x)) == x;
    sum += x;
  }
  if (!whole) return out;
  out.has_sum = true;
  out.sum = sum;
  return out;
}

void encode_summaries(std::span<const ChunkSummary> all, ByteWriter& out) {
  std::vector<std::int64_t> flags;
  std::vector<double> least;
  std::vector<double> greatest;
  std::vector<double> sums;
  for (; !all.empty(); all = all.subspan(std::min(all.size(), kMaxColumnValues))) {
    flags.clear();
    for (const ChunkSummary& s : all.first(std::min(all.size(), kMaxColumnValues))) {
      flags.push_back(flags_of(s));
      if (!s.known) continue;
      least.push_back(s.least);
      if (one_value(s)) continue;
      greatest.push_back(s.greatest);
      if (s.has_sum) sums.push_back(s.sum);
    }
    encode_ints(flags, out);
    put_values(least, out);
    put_values(greatest, out);
    put_values(sums, out);
  }
}

bool decode_summaries(ByteReader& in, std::span<const std::uint32_t> samples,
                      std::vector<ChunkSummary>& out) {
  std::vector<std::int64_t> flags;
  std::vector<double> least;
  std::vector<double> greatest;
  std::vector<double> sums;
  out.clear();
  out.reserve(samples.size());
  while (out.size() < samples.size()) {
    flags.resize(std::min(samples.size() - out.size(), kMaxColumnValues));
    if (!decode_ints(in, flags)) return false;
    if (std::any_of(flags.begin(), flags.end(), [](std::int64_t f) {
          return (f & ~kSummaryFlags) != 0 || (f != 0 && (f & kSummaryKnown) == 0);
        }))
      return false;
    const auto count = [&flags](std::int64_t mask, std::int64_t wanted) {
      return static_cast<std::size_t>(
          std::count_if(flags.begin(), flags.end(), [&](std::int64_t f) { return (f & mask) == wanted; }));
    };
    if (!get_values(in, count(kSummaryKnown, kSummaryKnown), least) ||
        !get_values(in, count(kSummaryKnown | kSummaryEqual, kSummaryKnown), greatest) ||
        !get_values(in, count(kSummaryEqual | kSummarySum, kSummarySum), sums))
      return false;
    std::size_t l = 0;
    std::size_t g = 0;
    std::size_t s = 0;
    for (const std::int64_t f : flags) {
      ChunkSummary& summary = out.emplace_back();
      if (f == 0) continue;
      summary.known = true;
      summary.rising = (f & kSummaryRising) != 0;
      summary.has_sum = (f & kSummarySum) != 0;
      summary.least = least[l++];
      const bool equal = (f & kSummaryEqual) != 0;
      summary.greatest = equal ? summary.least : greatest[g++];
      if (!summary.has_sum) continue;
      summary.sum = equal ? summary.least * static_cast<double>(samples[out.size() - 1]) : sums[s++];
    }
  }
  return in.ok() && in.empty();
}

}  // namespace telltale::tsdb
