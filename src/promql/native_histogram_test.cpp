// Properties that hold for every histogram: what a trim keeps is the share that histogram_fraction() tells,
// and a quantile is the value below which its share lies.
#include "promql/native_histogram.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace telltale::promql {
namespace {

constexpr double kEverything = std::numeric_limits<double>::infinity();

Histogram any_histogram(Rng& rng) {
  Histogram h;
  const bool custom = rng.chance(0.4);
  if (custom) {
    h.schema = kCustomSchema;
    double bound = rng.chance(0.5) ? 0 : -4;
    for (auto n = rng.below(6); n > 0; --n) h.custom_values.push_back(bound += 0.5 + rng.unit());
  } else {
    h.schema = static_cast<std::int32_t>(rng.below(4)) - 1;
    h.zero_threshold = rng.chance(0.5) ? 0.0625 : 0;
    h.zero_count = h.zero_threshold > 0 ? static_cast<double>(rng.below(4)) : 0;
  }
  for (auto* counts : {&h.positive, &h.negative}) {
    if (custom && counts == &h.negative) break;
    const std::size_t most = custom ? h.custom_values.size() + 1 : 8;
    for (auto n = rng.below(most + 1); n > 0; --n) counts->push_back(static_cast<double>(rng.below(6)));
  }
  const std::int32_t first = custom ? 0 : -1;  // what the zero bucket covers counts there
  h.positive_spans = {{first, static_cast<std::uint32_t>(h.positive.size())}};
  h.negative_spans = {{first, static_cast<std::uint32_t>(h.negative.size())}};
  h.count = h.zero_count;
  for (const double c : h.positive) h.count += c;
  for (const double c : h.negative) h.count += c;
  h.sum = rng.unit() * 10;
  return h;
}

TEST(NativeHistogramReading, ATrimKeepsTheShareThatAFractionTells) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Histogram h = any_histogram(rng);
    if (h.count == 0) continue;
    const double at = (rng.unit() - 0.4) * 12;
    bool nans = false;
    Histogram below = h;
    trim(below, at, true);
    ASSERT_TRUE(below.well_formed());
    EXPECT_NEAR(below.count, native_fraction(-kEverything, at, h, nans) * h.count, 1e-9 * h.count);
    // A first custom bucket reaches down to -Inf for a trim, and to zero for a fraction; of one that is all,
    // a trim keeps nothing.
    if (h.is_custom() && (at < 0 || h.custom_values.empty())) continue;
    Histogram above = h;
    trim(above, at, false);
    EXPECT_NEAR(above.count, native_fraction(at, kEverything, h, nans) * h.count, 1e-9 * h.count);
    Histogram whole = h;
    trim(whole, kEverything, true);
    trim(whole, -kEverything, false);
    EXPECT_TRUE(whole.same_bits(h));
  }
}

TEST(NativeHistogramReading, AQuantileIsWhereItsShareEnds) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Histogram h = any_histogram(rng);
    if (h.count == 0) continue;
    const double phi = rng.unit();
    NanEffect nans = NanEffect::none;
    const double value = native_quantile(phi, h, nans);
    EXPECT_EQ(nans, NanEffect::none);
    EXPECT_LE(value, native_quantile(std::min(1.0, phi + 0.1), h, nans) + 1e-9);
    // The ends of custom buckets, where the value is a bound and not an estimate, say less.
    const double low = h.custom_values.empty() ? 0 : h.custom_values.front();
    const double high = h.custom_values.empty() ? 0 : h.custom_values.back();
    if (h.is_custom() && (value <= std::max(low, 0.0) || value >= high)) continue;
    bool some = false;
    EXPECT_NEAR(native_fraction(-kEverything, value, h, some), phi, 1e-9);
  }
}

TEST(NativeHistogramReading, ObservationsOfNanAreAboveAll) {
  Histogram h;
  h.positive_spans = {{1, 1}};
  h.positive = {8};
  h.count = 10;
  h.sum = std::nan("");
  NanEffect nans = NanEffect::none;
  EXPECT_TRUE(std::isnan(native_quantile(0.9, h, nans)));
  EXPECT_EQ(nans, NanEffect::nan);
  EXPECT_DOUBLE_EQ(native_quantile(0.8, h, nans), 2);
  EXPECT_EQ(nans, NanEffect::skewed);
  bool some = false;
  EXPECT_DOUBLE_EQ(native_fraction(-kEverything, kEverything, h, some), 0.8);
  EXPECT_TRUE(some);
}

TEST(NativeHistogramReading, AsText) {
  Histogram h;
  h.zero_threshold = 0.5;
  h.zero_count = 1;
  h.positive_spans = {{1, 1}};
  h.positive = {2};
  h.negative_spans = {{1, 1}};
  h.negative = {3};
  h.count = 6;
  h.sum = -1.5;
  EXPECT_EQ(to_text(h), "{count:6, sum:-1.5, [-2,-1):3, [-0.5,0.5]:1, (1,2]:2}");
}

}  // namespace
}  // namespace telltale::promql
