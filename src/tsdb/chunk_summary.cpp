#include "tsdb/chunk_summary.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

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

// Four at once, so that none waits for the result before it.
using Lanes = std::array<double, 4>;

/// Calls visit(lane, value, value before it) for each value but the first.
template <class Visit>
void for_each_in_lanes(std::span<const double> v, Visit visit) {
  std::size_t i = 1;
  for (; i + 4 <= v.size(); i += 4) {
    visit(0, v[i], v[i - 1]);
    visit(1, v[i + 1], v[i]);
    visit(2, v[i + 2], v[i + 1]);
    visit(3, v[i + 3], v[i + 2]);
  }
  for (; i < v.size(); ++i) visit(0, v[i], v[i - 1]);
}

bool is_whole(double x) { return static_cast<double>(static_cast<std::int64_t>(x)) == x; }

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
  Lanes low;
  Lanes high;
  low.fill(v[0]);
  high.fill(v[0]);
  bool finite = std::isfinite(v[0]);
  bool rising = true;
  for_each_in_lanes(v, [&](std::size_t lane, double x, double before) {
    finite &= std::fabs(x) < HUGE_VAL;  // false for NaN, too
    low[lane] = x < low[lane] ? x : low[lane];
    high[lane] = x > high[lane] ? x : high[lane];
    rising &= x >= before;
  });
  if (!finite) return out;
  out.known = true;
  const double least = *std::min_element(low.begin(), low.end());
  const double greatest = *std::max_element(high.begin(), high.end());
  // Of zeros, which may be of either sign, the first is meant.
  out.least = least == 0 ? *std::find(v.begin(), v.end(), 0.0) : least;
  out.greatest = greatest == 0 ? *std::find(v.begin(), v.end(), 0.0) : greatest;
  const auto same = [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  };
  out.rising = rising && same(v.front(), out.least) && same(v.back(), out.greatest);
  if (out.rising && !one_value(out)) return out;
  const double most = std::max(std::fabs(least), std::fabs(greatest));
  if (!(most * static_cast<double>(v.size()) < kExactBelow)) return out;
  if (out.rising) {
    out.has_sum = is_whole(v[0]);
    out.sum = out.has_sum ? v[0] * static_cast<double>(v.size()) : 0;
    return out;
  }
  // Mostly the first tell already.
  if (!is_whole(v[0]) || !is_whole(v[1]) || !is_whole(v[2])) return out;
  Lanes sums{v[0], 0, 0, 0};
  bool whole = true;
  for_each_in_lanes(v, [&](std::size_t lane, double x, double) {
    whole &= is_whole(x);
    sums[lane] += x;
  });
  if (!whole) return out;
  out.has_sum = true;
  out.sum = std::accumulate(sums.begin(), sums.end(), 0.0);
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
