// Sums, differences and resets of random histograms against an oracle that knows nothing of spans: a map from
// (lower, upper] to a count, at the coarsest resolution of those that meet.
#include "model/histogram_math.hpp"

#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace telltale {
namespace {

Histogram random_exponential(Rng& rng) {
  Histogram h;
  h.integer = true;
  h.schema = static_cast<std::int32_t>(rng.below(4)) - 1;
  h.zero_threshold = rng.chance(0.5) ? 0 : std::ldexp(1.0, static_cast<int>(rng.below(5)) - 3);
  h.zero_count = static_cast<double>(rng.below(5));
  h.count = h.zero_count;
  for (auto* side : {&h.positive, &h.negative}) {
    auto& spans = side == &h.positive ? h.positive_spans : h.negative_spans;
    std::int32_t index = 0;
    for (auto n = rng.below(3); n > 0; --n) {
      spans.push_back({static_cast<std::int32_t>(rng.below(9)) - (spans.empty() ? 4 : 0),
                       static_cast<std::uint32_t>(rng.below(4))});
      index += spans.back().offset;
      for (std::uint32_t i = 0; i < spans.back().length; ++i, ++index) {
        // What the zero bucket covers counts there.
        const bool covered = exponential_bound(index - 1, h.schema) < h.zero_threshold;
        side->push_back(covered ? 0 : static_cast<double>(rng.below(4)));
        h.count += side->back();
      }
    }
  }
  h.sum = static_cast<double>(rng.below(1000)) / 4;
  return h;
}

Histogram random_custom(Rng& rng) {
  Histogram h;
  h.schema = kCustomSchema;
  for (int bound = 0; bound < 6; ++bound)
    if (rng.chance(0.6)) h.custom_values.push_back(bound);
  const auto buckets = static_cast<std::uint32_t>(rng.below(h.custom_values.size() + 2));
  h.positive_spans = {{0, buckets}};
  for (std::uint32_t i = 0; i < buckets; ++i) {
    h.positive.push_back(static_cast<double>(rng.below(5)));
    h.count += h.positive.back();
  }
  h.sum = static_cast<double>(rng.below(100));
  return h;
}

/// Observations with their buckets' bounds.
using Flat = std::map<std::pair<double, double>, double>;

/// The bounds, of those given, between which a bucket lies.
std::pair<double, double> between(double lower, double upper, const std::vector<double>& bounds) {
  double low = -std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double b : bounds) {
    if (b <= lower) low = std::max(low, b);
    if (b >= upper) high = std::min(high, b);
  }
  return {low, high};
}

/// Every bound that a histogram of this layout may have, as far as the tests go.
std::vector<double> bounds_of(std::int32_t schema, double zero, const std::vector<double>& custom) {
  if (schema == kCustomSchema) return custom;
  std::vector<double> out;
  for (std::int32_t i = -200; i <= 200; ++i) {
    const double b = exponential_bound(i, schema);
    if (b < zero || std::isinf(b)) continue;
    out.push_back(b);
    out.push_back(-b);
  }
  out.push_back(zero);
  out.push_back(-zero);
  return out;
}

/// `zero` is the threshold of what they are compared with: a bucket that it cuts holds nothing below it.
void put(Flat& flat, const Histogram& h, double factor, const std::vector<double>& bounds, double zero = 0) {
  std::vector<HistogramBucket> buckets = h.positive_buckets();
  for (const HistogramBucket& b : h.negative_buckets()) buckets.push_back(b);
  if (!h.is_custom()) buckets.push_back(h.zero_bucket());
  for (HistogramBucket b : buckets) {
    if (b.count == 0) continue;
    if (!h.is_custom() && b.lower >= 0 && b.upper > zero) b.lower = std::max(b.lower, zero);
    if (!h.is_custom() && b.upper <= 0 && b.lower < -zero) b.upper = std::min(b.upper, -zero);
    flat[between(b.lower, b.upper, bounds)] += factor * b.count;
  }
  std::erase_if(flat, [](const auto& entry) { return entry.second == 0; });
}

void expect_meet(const Histogram& a, const Histogram& b, double factor) {
  Histogram got = a;
  const HistogramMeeting met = factor > 0 ? add(got, b) : subtract(got, b);
  ASSERT_TRUE(met.compatible);
  ASSERT_TRUE(got.well_formed());
  EXPECT_EQ(met.bounds_reconciled, a.custom_values != b.custom_values);
  EXPECT_EQ(got.schema, std::min(a.schema, b.schema));
  EXPECT_GE(got.zero_threshold, std::max(a.zero_threshold, b.zero_threshold));
  EXPECT_EQ(got.count, a.count + factor * b.count);
  EXPECT_EQ(got.sum, a.sum + factor * b.sum);
  const std::vector<double> bounds = bounds_of(got.schema, got.zero_threshold, got.custom_values);
  Flat want;
  put(want, a, 1, bounds, got.zero_threshold);
  put(want, b, factor, bounds, got.zero_threshold);
  Flat have;
  put(have, got, 1, bounds, got.zero_threshold);
  EXPECT_EQ(have, want);
}

TEST(HistogramMath, SumsAndDifferencesAreThoseOfTheirObservations) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const bool custom = rng.chance(0.3);
    const Histogram a = custom ? random_custom(rng) : random_exponential(rng);
    const Histogram b = custom ? random_custom(rng) : random_exponential(rng);
    expect_meet(a, b, 1);
    expect_meet(a, b, -1);
  }
}

TEST(HistogramMath, AResetIsWhatCannotHaveGrown) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const bool custom = rng.chance(0.3);
    const Histogram before = custom ? random_custom(rng) : random_exponential(rng);
    Histogram grown = before;
    add(grown, custom ? random_custom(rng) : random_exponential(rng));
    grown.reset_hint = ResetHint::unknown;
    // What was added may have widened the zero bucket past a bucket that counted: then it grew all the same.
    EXPECT_FALSE(detect_reset(grown, before));
    EXPECT_FALSE(detect_reset(before, before));
    if (grown.count > before.count) {
      EXPECT_TRUE(detect_reset(before, grown));
    }
    grown.reset_hint = ResetHint::yes;
    EXPECT_TRUE(detect_reset(grown, before));
    Histogram less = before;
    less.reset_hint = ResetHint::no;
    EXPECT_FALSE(detect_reset(less, grown));
  }
}

TEST(HistogramMath, ABucketThatFellIsAResetThoughTheCountGrew) {
  Histogram before;
  before.positive_spans = {{0, 2}};
  before.positive = {3, 1};
  before.count = 4;
  Histogram now = before;
  now.positive = {2, 4};
  now.count = 6;
  EXPECT_TRUE(detect_reset(now, before));
  now.positive = {3, 3};
  EXPECT_FALSE(detect_reset(now, before));
  now.schema = 1;  // finer than before
  EXPECT_TRUE(detect_reset(now, before));
}

TEST(HistogramMath, CustomAndExponentialBucketsDoNotMeet) {
  Histogram a;
  a.count = 1;
  Histogram b;
  b.schema = kCustomSchema;
  EXPECT_FALSE(add(a, b).compatible);
  EXPECT_EQ(a.count, 1);
  EXPECT_TRUE(detect_reset(a, b));
  EXPECT_TRUE(detect_reset(b, a));
}

TEST(HistogramMath, HintsMeet) {
  const auto met = [](ResetHint x, ResetHint y, bool& collide) {
    Histogram a;
    Histogram b;
    a.reset_hint = x;
    b.reset_hint = y;
    collide = add(a, b).hints_collide;
    return a.reset_hint;
  };
  bool collide = false;
  EXPECT_EQ(met(ResetHint::no, ResetHint::no, collide), ResetHint::no);
  EXPECT_EQ(met(ResetHint::no, ResetHint::gauge, collide), ResetHint::gauge);
  EXPECT_EQ(met(ResetHint::unknown, ResetHint::yes, collide), ResetHint::unknown);
  EXPECT_FALSE(collide);
  EXPECT_EQ(met(ResetHint::yes, ResetHint::no, collide), ResetHint::unknown);
  EXPECT_TRUE(collide);
}

TEST(HistogramMath, ALowerResolutionKeepsEveryObservation) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Histogram h = random_exponential(rng);
    Histogram coarse = h;
    reduce_resolution(coarse, h.schema - 1);
    const auto bounds = bounds_of(h.schema - 1, h.zero_threshold, {});
    Flat want;
    put(want, h, 1, bounds, h.zero_threshold);
    Flat have;
    put(have, coarse, 1, bounds, h.zero_threshold);
    EXPECT_EQ(have, want);
    Histogram limited = h;
    if (limit_buckets(limited, 2)) {
      EXPECT_LE(limited.positive.size() + limited.negative.size(), 2u);
    }
  }
}

TEST(HistogramMath, SumsKeepWhatLargeNumbersWouldSwallow) {
  Histogram small;
  small.sum = 1;
  Histogram large;
  large.sum = 1e100;
  HistogramSum sum(small);
  sum.add(large);
  sum.add(small);
  sum.subtract(large);
  EXPECT_EQ(sum.value().sum, 2);
}

TEST(HistogramMath, FactorsAndDivisors) {
  Histogram h;
  h.zero_count = 2;
  h.positive_spans = {{0, 1}};
  h.positive = {4};
  h.count = 6;
  h.sum = 3;
  Histogram twice = h;
  scale(twice, 2);
  divide(twice, 2);
  EXPECT_TRUE(same_data(twice, h));
  scale(twice, -1);
  EXPECT_EQ(twice.reset_hint, ResetHint::gauge);
  divide(h, 0);
  EXPECT_TRUE(h.positive.empty());
  EXPECT_TRUE(std::isinf(h.count));
}

}  // namespace
}  // namespace telltale
