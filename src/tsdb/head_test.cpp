// The head against a map of samples: streams, late samples, histograms, and times far from each other.
#include "tsdb/head.hpp"

#include <bit>
#include <map>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "model/histogram.hpp"

namespace telltale::tsdb {
namespace {

using Expected = std::map<std::int64_t, Sample>;

void expect_like(const SampleRun& run, const Expected& expected, const storage::MillisRange& range) {
  std::size_t i = 0;
  for (const auto& [ms, s] : expected) {
    if (ms < range.min.ms || ms > range.max.ms) continue;
    ASSERT_LT(i, run.size());
    ASSERT_EQ(run.times[i], ms);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(run.values[i]), std::bit_cast<std::uint64_t>(s.value));
    ASSERT_EQ(run.starts.empty() ? 0 : run.starts[i], s.start.ms);
    ASSERT_EQ(run.histograms.empty() ? nullptr : run.histograms[i], s.histogram);
    ++i;
  }
  ASSERT_EQ(i, run.size());
}

TEST(Head, HoldsWhatItWasGiven) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Head head;
    std::map<std::uint64_t, Expected> expected;
    std::map<std::uint64_t, std::int64_t> now;
    const double late = rng.chance(0.5) ? 0.1 : 0;
    const double histograms = rng.chance(0.3) ? 0.05 : 0;
    for (int i = 0; i < 3'000; ++i) {
      const std::uint64_t id = 1 + rng.below(7) * 900;
      std::int64_t& at = now[id];
      at += rng.chance(0.01) ? static_cast<std::int64_t>(rng.next() >> (4 + rng.below(20)))
                             : 15'000 + static_cast<std::int64_t>(rng.below(3));
      if (at > INT64_MAX / 4) at = 0;
      Sample s{{at}, static_cast<double>(rng.below(1'000'000)), {}, nullptr};
      const auto kind = rng.below(5);
      if (kind == 1) s.value /= 1000;
      if (kind == 2) s.value = rng.unit();
      if (kind == 3) s.value = -s.value;
      if (rng.chance(0.01)) s.value = stale_nan();
      if (rng.chance(0.3)) s.start.ms = 1'000'000;
      if (rng.chance(late)) s.time.ms -= static_cast<std::int64_t>(rng.below(200'000));
      if (rng.chance(histograms)) {
        auto h = std::make_shared<Histogram>();
        h->sum = s.value;
        s.histogram = std::move(h);
      }
      head.add(SeriesId{id}, s);
      expected[id][s.time.ms] = s;
    }
    if (rng.chance(0.5)) head.settle();
    for (const auto& [id, samples] : expected) {
      for (int i = 0; i < 5; ++i) {
        const std::int64_t min = static_cast<std::int64_t>(rng.below(60'000'000));
        const storage::MillisRange range = i == 0 ? storage::MillisRange{{INT64_MIN}, {INT64_MAX}}
                                                  : storage::MillisRange{{min}, {min + 3'000'000}};
        SampleRun run;
        head.read(SeriesId{id}, range, run);
        ASSERT_NO_FATAL_FAILURE(expect_like(run, samples, range));
        EXPECT_EQ(head.has_samples(SeriesId{id}, range), !run.empty());
      }
    }
    std::size_t seen = 0;
    head.for_each([&](SeriesId id) {
      EXPECT_TRUE(expected.contains(id.value));
      ++seen;
    });
    EXPECT_EQ(seen, expected.size());
  }
}

TEST(Head, ASteadySeriesTakesFewBytes) {
  Head head;
  for (std::uint64_t id = 1; id <= 10'000; ++id)
    for (std::int64_t i = 0; i < 40; ++i)
      head.add(SeriesId{id},
               {{1'700'000'000'000 + i * 15'000}, static_cast<double>(i * 40 % 64), {}, nullptr});
  EXPECT_LT(static_cast<double>(head.bytes()) / 10'000, 240) << "bytes of a series with forty samples";
}

}  // namespace
}  // namespace telltale::tsdb
