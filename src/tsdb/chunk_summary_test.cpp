// Summaries against going over the values, on random chunks, through a block's bytes; and where windows cut a
// chunk, against asking each of them.
#include "tsdb/chunk_summary.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "tsdb/part_block.hpp"
#include "tsdb/stand_in.hpp"

namespace telltale::tsdb {
namespace {

SampleRun random_chunk(Rng& rng) {
  SampleRun out;
  const auto kind = rng.below(7);
  const std::size_t n = rng.chance(0.2) ? 1 + rng.below(400) : 200 + rng.below(825);
  double last = static_cast<double>(rng.below(100));
  std::int64_t ms = static_cast<std::int64_t>(rng.below(100'000));
  for (std::size_t i = 0; i < n; ++i) {
    double v = last;
    if (kind == 0) v = last += static_cast<double>(rng.below(9));
    if (kind == 1) v = static_cast<double>(rng.below(1000)) - 500;
    if (kind == 2) v = static_cast<double>(rng.below(1000)) / 8;
    if (kind == 3) v = rng.chance(0.001) ? std::nan("") : rng.chance(0.001) ? -HUGE_VAL : rng.unit();
    if (kind == 4) v = rng.chance(0.5) ? -0.0 : 0.0;
    if (kind == 5) v = 0x1p43 + static_cast<double>(rng.below(0x1p43));
    out.push({{ms}, v, {}, nullptr});
    ms += 1 + static_cast<std::int64_t>(rng.below(20));
  }
  return out;
}

void expect_naive(const ChunkSummary& s, const std::vector<double>& v) {
  const bool finite = std::all_of(v.begin(), v.end(), [](double x) { return std::isfinite(x); });
  ASSERT_EQ(s.known, finite && v.size() >= kLeastSummarized);
  if (!s.known) return;
  // The iterators are at the first of equals.
  const double least = *std::min_element(v.begin(), v.end());
  const double greatest = *std::max_element(v.begin(), v.end());
  ASSERT_EQ(s.least, least);
  ASSERT_EQ(std::signbit(s.least), std::signbit(least));
  ASSERT_EQ(s.greatest, greatest);
  ASSERT_EQ(std::signbit(s.greatest), std::signbit(greatest));
  if (s.rising) {
    ASSERT_TRUE(std::is_sorted(v.begin(), v.end()));
    ASSERT_EQ(std::signbit(s.greatest), std::signbit(v.back()));
  }
  double absolute = 0;
  long double sum = 0;
  bool whole = true;
  for (const double x : v) {
    whole = whole && std::floor(x) == x;
    absolute += std::fabs(x);
    sum += x;
  }
  if (s.has_sum) {
    ASSERT_TRUE(whole && absolute < kExactBelow);
    ASSERT_EQ(s.sum, static_cast<double>(sum));
  } else {
    ASSERT_TRUE(!whole || s.rising ||
                std::max(-least, greatest) * static_cast<double>(v.size()) >= kExactBelow);
  }
}

TEST(ChunkSummaries, SayWhatTheValuesSay) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    BlockBuilder builder;
    std::vector<SampleRun> runs;
    for (std::size_t n = 1 + rng.below(rng.chance(0.05) ? 3000 : 40), i = 0; i < n; ++i) {
      runs.push_back(random_chunk(rng));
      builder.add(SeriesId{i + 1}, runs.back().slice());
    }
    const auto block = PartBlock::parse(builder.take());
    ASSERT_TRUE(block);
    const auto all = (*block)->summaries();
    ASSERT_TRUE(all);
    for (const PartBlock::Chunk& c : (*block)->chunks()) {
      const std::size_t i = (*block)->index_of(c);
      const ChunkSummary s = all->empty() ? ChunkSummary() : (*all)[i];
      ASSERT_NO_FATAL_FAILURE(expect_naive(s, runs[i].values));
      SampleRun back;
      ASSERT_TRUE((*block)->read(c, back));
      ASSERT_EQ(back.times, runs[i].times);
    }
  }
}

TEST(ChunkSummaries, AListThatIsCutOffOrGoesOnIsRefused) {
  Rng rng(7);
  std::vector<ChunkSummary> all;
  std::vector<std::uint32_t> samples;
  for (int i = 0; i < 9; ++i) {
    const SampleRun run = random_chunk(rng);
    all.push_back(summarize(run.slice()));
    samples.push_back(static_cast<std::uint32_t>(run.size()));
  }
  ByteWriter bytes;
  encode_summaries(all, bytes);
  for (std::size_t n = 0; n <= bytes.size() + 1; ++n) {
    std::string cut(bytes.view().substr(0, n));
    if (n > bytes.size()) cut += '\0';
    ByteReader in(cut);
    std::vector<ChunkSummary> out;
    EXPECT_EQ(decode_summaries(in, samples, out), n == bytes.size()) << n;
  }
}

TEST(StandIns, AreOfChunksThatNoWindowCuts) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    Rng rng(seed);
    const auto upto = [&rng](std::uint64_t n) { return static_cast<std::int64_t>(rng.below(n)); };
    storage::SelectHints hints;
    hints.function = "max_over_time";
    hints.start_times = false;
    hints.window_ms = 1 + upto(60);
    hints.windows = storage::Windows{upto(100) - 50, 1 + upto(40), 1 + rng.below(5)};
    const std::int64_t min = upto(200) - 100;
    const std::int64_t max = min + upto(30);
    bool cut = false;
    for (std::size_t i = 0; i < hints.windows->count; ++i) {
      const std::int64_t to = hints.windows->first_ms + static_cast<std::int64_t>(i) * hints.windows->step_ms;
      const auto inside = [&](std::int64_t ms) { return ms > to - hints.window_ms && ms <= to; };
      for (std::int64_t ms = min; ms <= max; ++ms) cut = cut || inside(ms) != inside(min);
    }
    // Where a window lies between two samples of the chunk it is cut as well.
    for (std::size_t i = 0; i < hints.windows->count; ++i) {
      const std::int64_t to = hints.windows->first_ms + static_cast<std::int64_t>(i) * hints.windows->step_ms;
      for (const std::int64_t edge : {to, to - hints.window_ms}) cut = cut || (edge >= min && edge < max);
    }
    const StandIns stand_ins(hints);
    ASSERT_EQ(stand_ins.may_stand_for(min, max, 1000, SampleRun()), !cut) << "seed " << seed;
  }
}

/// What a store says of a sum over everything, when one chunk is stood for and `rest` is not.
bool sum_may_stand(double greatest, const SampleRun& rest) {
  storage::SelectHints hints{0, INT64_MAX, "sum_over_time", false, storage::Windows{INT64_MAX, 0, 1}};
  StandIns stand_ins(hints);
  EXPECT_TRUE(stand_ins.add(1000, 2000, 512, {true, false, true, 0, greatest, greatest}));
  return stand_ins.merge(rest);
}

TEST(StandIns, OfASumAreGivenOnlyWhereAddingUpIsExact) {
  SampleRun rest;
  EXPECT_TRUE(sum_may_stand(0x1p43, rest));
  rest.push({{3000}, -5, {}, nullptr});
  EXPECT_TRUE(sum_may_stand(0x1p43, rest));
  rest.push({{4000}, 0x1p52, {}, nullptr});
  EXPECT_FALSE(sum_may_stand(0x1p43, rest)) << "sums may come to 2^53";
  EXPECT_TRUE(sum_may_stand(7, rest));
  for (const double v : {0.5, std::nan(""), HUGE_VAL}) {
    SampleRun other = rest;
    other.push({{5000}, v, {}, nullptr});
    EXPECT_FALSE(sum_may_stand(7, other)) << v;
  }
}

}  // namespace
}  // namespace telltale::tsdb
