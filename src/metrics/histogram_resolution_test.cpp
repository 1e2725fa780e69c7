#include "metrics/histogram_resolution.hpp"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace telltale::metrics {
namespace {

/// Naively: every bucket by its upper bound, put where the coarser schema has it.
std::map<double, double> by_bound(const std::vector<HistogramBucket>& buckets, std::int32_t schema) {
  std::map<double, double> out;
  for (const HistogramBucket& b : buckets) {
    const double upper = std::abs(std::abs(b.upper) > std::abs(b.lower) ? b.upper : b.lower);
    double bound = 0;
    for (std::int32_t i = -2000; i < 2000 && bound < upper * (1 - 1e-12); ++i)
      bound = exponential_bound(i, schema);
    out[std::round(std::log2(bound) * 4096)] += b.count;
  }
  return out;
}

TEST(HistogramResolution, CoarserBucketsHoldWhatTheirPartsHeld) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Histogram h;
    h.schema = static_cast<std::int32_t>(rng.below(4));
    for (int i = 0; i < 4; ++i) {
      const auto length = static_cast<std::uint32_t>(1 + rng.below(4));
      h.positive_spans.push_back({i == 0 ? -8 : static_cast<std::int32_t>(rng.below(5)), length});
      for (std::uint32_t k = 0; k < length; ++k) h.positive.push_back(static_cast<double>(rng.below(9)));
    }
    h.negative_spans = {{3, 2}};
    h.negative = {1, 2};
    Histogram lower = h;
    const std::int32_t schema = h.schema - 1 - static_cast<std::int32_t>(rng.below(2));
    lower_schema(lower, schema);
    ASSERT_TRUE(lower.well_formed());
    const auto positive = [](std::map<double, double> m) {
      std::erase_if(m, [](const auto& e) { return e.second == 0; });
      return m;
    };
    EXPECT_EQ(positive(by_bound(lower.positive_buckets(), schema)),
              positive(by_bound(h.positive_buckets(), schema)));
    EXPECT_EQ(positive(by_bound(lower.negative_buckets(), schema)),
              positive(by_bound(h.negative_buckets(), schema)));
  }
}

TEST(HistogramResolution, LimitsAndFactors) {
  Histogram h;
  h.schema = 3;
  h.positive_spans = {{0, 16}};
  h.positive.assign(16, 1);
  Histogram fits = h;
  EXPECT_TRUE(limit_buckets(fits, 16));
  EXPECT_EQ(fits.schema, 3);
  EXPECT_TRUE(limit_buckets(fits, 5));
  EXPECT_LE(fits.positive.size(), 5U);
  EXPECT_FALSE(limit_buckets(fits, 0));
  EXPECT_EQ(schema_for_factor(1.0001), 8);
  EXPECT_EQ(schema_for_factor(1.1), 2);
  EXPECT_EQ(schema_for_factor(2), 0);
  EXPECT_EQ(schema_for_factor(1e9), -4);
}

}  // namespace
}  // namespace telltale::metrics
