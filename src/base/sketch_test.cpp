// Random values beside the exact answer; merged sketches answer as one that saw everything.
#include "base/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "base/rng.hpp"

namespace telltale {
namespace {

TEST(QuantileSketch, WithinOnePercentOfTheExactQuantile) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{5}, std::size_t{96}, std::size_t{97}, std::size_t{5000}}) {
    std::vector<double> values;
    QuantileSketch all;
    QuantileSketch halves[2];
    for (std::size_t i = 0; i < n; ++i) {
      double v = std::exp(rng.unit() * 40 - 20);
      if (rng.chance(0.3)) v = -v;
      if (rng.chance(0.05)) v = 0;
      values.push_back(v);
      all.add(v);
      halves[rng.below(2)].add(v);
    }
    std::sort(values.begin(), values.end());
    halves[0].merge(halves[1]);
    EXPECT_EQ(all.count(), n);
    for (const double q : {0.0, 0.01, 0.5, 0.95, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(q * static_cast<double>(n))));
      const double exact = values[rank - 1];
      EXPECT_NEAR(all.quantile(q), exact, std::abs(exact) * QuantileSketch::kRelativeError) << n << " " << q;
      EXPECT_EQ(all.quantile(q), halves[0].quantile(q));
    }
  }
  EXPECT_TRUE(std::isnan(QuantileSketch().quantile(0.5)));
}

TEST(DistinctSketch, ExactWhenFewAndCloseWhenMany) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (const std::uint64_t range : {1U, 10U, 400U, 3000U, 100'000U}) {
    std::set<std::uint64_t> values;
    DistinctSketch all;
    DistinctSketch halves[2];
    for (std::uint64_t i = 0; i < range * 2; ++i) {
      const std::uint64_t v = rng.below(range);
      values.insert(v);
      const std::uint64_t hash = hash64({reinterpret_cast<const char*>(&v), sizeof v}, seed);
      all.add_hash(hash);
      halves[rng.below(2)].add_hash(hash);
    }
    const auto exact = static_cast<double>(values.size());
    EXPECT_NEAR(static_cast<double>(all.estimate()), exact, exact <= 400 ? 0.1 : exact * 0.05);
    halves[0].merge(halves[1]);
    EXPECT_EQ(all.estimate(), halves[0].estimate());
  }
}

TEST(DistinctSketch, IsReadBackAsItWasKept) {
  for (const std::uint64_t n : {0, 3, 500, 600, 50'000}) {
    DistinctSketch sketch;
    for (std::uint64_t i = 0; i < n; ++i) sketch.add_hash(hash64(std::to_string(i % (n / 2 + 1))));
    const auto again = DistinctSketch::decode(sketch.encode());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->estimate(), sketch.estimate());
    EXPECT_EQ(again->encode(), sketch.encode());
  }
  for (const char* bad : {"", "x", "\1short"}) EXPECT_FALSE(DistinctSketch::decode(bad)) << bad;
  EXPECT_FALSE(DistinctSketch::decode(std::string_view("\0abc", 4)));
}

}  // namespace
}  // namespace telltale
