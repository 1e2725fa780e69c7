// Bounds of buckets, and what may be accepted.
#include "model/histogram.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/histogram_limits.hpp"
#include "model/sample.hpp"

namespace telltale {
namespace {

Histogram plain() {
  Histogram h;
  h.integer = true;
  h.schema = 0;
  h.zero_threshold = 0.5;
  h.zero_count = 1;
  h.positive_spans = {{0, 1}, {1, 2}};
  h.positive = {2, 3, 4};
  h.negative_spans = {{1, 1}};
  h.negative = {5};
  h.count = 15;
  h.sum = 7;
  return h;
}

Histogram with_custom_bounds() {
  Histogram h;
  h.schema = kCustomSchema;
  h.custom_values = {-1, 2};
  h.positive_spans = {{0, 3}};
  h.positive = {1, 2, 3};
  h.count = 6;
  return h;
}

TEST(NativeHistogram, BucketsLieInOrderWithTheirBounds) {
  const auto all = plain().all_buckets();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].lower, -2);
  EXPECT_EQ(all[0].upper, -1);
  EXPECT_TRUE(all[0].lower_inclusive);
  EXPECT_FALSE(all[0].upper_inclusive);
  EXPECT_EQ(all[0].count, 5);
  EXPECT_EQ(all[1].lower, -0.5);
  EXPECT_EQ(all[1].upper, 0.5);
  EXPECT_EQ(all[2].lower, 0.5);
  EXPECT_EQ(all[2].upper, 1);
  EXPECT_FALSE(all[2].lower_inclusive);
  EXPECT_TRUE(all[2].upper_inclusive);
  EXPECT_EQ(all[3].lower, 2);
  EXPECT_EQ(all[3].upper, 4);
  EXPECT_EQ(all[4].count, 4);
}

TEST(NativeHistogram, CustomBoundsGoFromInfinityToInfinity) {
  const auto all = with_custom_bounds().all_buckets();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].lower, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(all[0].upper, -1);
  EXPECT_EQ(all[2].lower, 2);
  EXPECT_EQ(all[2].upper, std::numeric_limits<double>::infinity());
}

TEST(NativeHistogram, BoundsOfCoarserSchemasAreAmongThoseOfFinerOnes) {
  for (std::int32_t schema = kMinSchema; schema < kMaxSchema; ++schema) {
    for (std::int32_t i = -300; i <= 300; ++i)
      EXPECT_EQ(exponential_bound(i, schema), exponential_bound(2 * i, schema + 1)) << i << " at " << schema;
  }
  EXPECT_EQ(exponential_bound(1024, 0), std::numeric_limits<double>::max());
  EXPECT_EQ(exponential_bound(1025, 0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(exponential_bound(64, -4), std::numeric_limits<double>::max());
  EXPECT_EQ(exponential_bound(INT32_MIN, -4), 0);
  EXPECT_DOUBLE_EQ(exponential_bound(1, 3), std::pow(2, 0.125));
}

TEST(NativeHistogram, WhatIsWrongIsNamed) {
  EXPECT_TRUE(plain().validate());
  EXPECT_TRUE(with_custom_bounds().validate());
  const auto refused = [](auto change, Histogram h) {
    change(h);
    const auto r = h.validate();
    return r ? std::string("accepted") : r.error().message();
  };
  const auto names = [&](auto change, const char* what, Histogram h) {
    const std::string message = refused(change, std::move(h));
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  names([](Histogram& h) { h.schema = 9; }, "schema 9", plain());
  names([](Histogram& h) { h.positive.push_back(1); }, "positive spans", plain());
  names([](Histogram& h) { h.negative_spans = {{INT32_MAX, 1}, {1, 0}}; }, "negative spans", plain());
  names([](Histogram& h) { h.positive_spans[1].offset = -1; }, "positive span 2", plain());
  names([](Histogram& h) { h.negative[0] = -1; }, "negative bucket 1", plain());
  names([](Histogram& h) { h.zero_count = std::nan(""); }, "zero_count", plain());
  names([](Histogram& h) { h.zero_threshold = -1; }, "zero_threshold", plain());
  names([](Histogram& h) { h.count = 14; }, "sum of its buckets", plain());
  names([](Histogram& h) { h.custom_values = {1}; }, "schema -53", plain());
  names([](Histogram& h) { h.custom_values = {2, 2}; }, "rise", with_custom_bounds());
  names([](Histogram& h) { h.custom_values.pop_back(); }, "too few", with_custom_bounds());
  names([](Histogram& h) { h.zero_count = 1; }, "zero bucket", with_custom_bounds());
  names([](Histogram& h) { h.positive_spans[0].offset = -1; }, "index 0", with_custom_bounds());
  names([](Histogram& h) { h.positive.resize(limits::kMaxNativeBuckets); }, "buckets", plain());
  Histogram odd = plain();
  odd.sum = std::nan("");
  odd.count = 16;  // one observation was NaN
  EXPECT_TRUE(odd.validate());
  odd.integer = false;
  odd.count = 3;  // float counts may have been rounded
  EXPECT_TRUE(odd.validate());
}

}  // namespace
}  // namespace telltale
