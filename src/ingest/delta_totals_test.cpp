// What the totals of deltas may take: series, bytes, a project's share, and the resolution of a histogram.
#include "ingest/delta_totals.hpp"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/intake_limits.hpp"
#include "ingest/otlp_metrics.hpp"

namespace telltale::ingest {
namespace {

using wire::otlp::BucketRow;
using wire::otlp::DataPoint;

constexpr ProjectId kOne{1};
constexpr ProjectId kOther{2};

UnixNanos at_second(std::int64_t s) { return UnixNanos::from_seconds(1'750'000'000 + s); }

bool take(DeltaTotals& totals, ProjectId project, std::uint64_t key, UnixNanos now) {
  return totals.add(project, {key, key}, now, now, 1, now).has_value();
}

DataPoint wide_point(std::size_t buckets, UnixNanos time) {
  DataPoint p;
  p.scale = 3;
  p.start = p.time = time;
  p.positive.offset = -static_cast<std::int32_t>(buckets / 2);
  p.positive.counts.assign(buckets, 1);
  p.count = buckets;
  return p;
}

std::uint64_t sum_of(const BucketRow& row) {
  return std::accumulate(row.counts.begin(), row.counts.end(), std::uint64_t{0});
}

TEST(DeltaTotalsTest, IdleSeriesMakeRoomAndThenNewOnesAreRefused) {
  DeltaTotals totals(4);
  EXPECT_TRUE(take(totals, kOne, 1, at_second(0)));
  EXPECT_TRUE(take(totals, kOne, 2, at_second(0)));
  EXPECT_FALSE(take(totals, kOne, 3, at_second(0))) << "a project has half";
  EXPECT_TRUE(take(totals, kOther, 1, at_second(0))) << "there is room for another one";
  const auto later = at_second(limits::kDeltaIdleSeconds + 1);
  EXPECT_TRUE(take(totals, kOne, 3, later));
  EXPECT_EQ(totals.size(), 1u);
}

TEST(DeltaTotalsTest, IdleOnesAreLookedForOnceAMinute) {
  DeltaTotals totals(2);
  EXPECT_TRUE(take(totals, kOne, 1, at_second(0)));
  EXPECT_FALSE(take(totals, kOne, 2, at_second(limits::kDeltaIdleSeconds)))
      << "looked for, and none was idle";
  EXPECT_FALSE(take(totals, kOne, 2, at_second(limits::kDeltaIdleSeconds + 1)));
  EXPECT_TRUE(take(totals, kOne, 2, at_second(limits::kDeltaIdleSeconds + limits::kDeltaForgetSeconds)));
}

TEST(DeltaTotalsTest, AClientsClockForgetsNobodysSeries) {
  DeltaTotals totals(2);
  EXPECT_TRUE(take(totals, kOne, 1, at_second(0)));
  const auto far = at_second(100 * 365 * 86'400LL);
  EXPECT_FALSE(totals.add(kOne, {2, 2}, far, far, 1, at_second(1)));
  EXPECT_EQ(totals.size(), 1u);
}

TEST(DeltaTotalsTest, ARestartIsToldByTheStartEvenWhereTheTotalDoesNotFall) {
  DeltaTotals before;
  EXPECT_EQ(before.add(kOne, {1, 1}, at_second(0), at_second(10), 5, at_second(10))->start, at_second(0));
  const auto last = before.add(kOne, {1, 1}, at_second(10), at_second(20), 7, at_second(20));
  EXPECT_EQ(last->value, 12);
  EXPECT_EQ(last->start, at_second(0));
  DeltaTotals after;
  const auto next = after.add(kOne, {1, 1}, at_second(20), at_second(30), 20, at_second(30));
  EXPECT_EQ(next->value, 20);
  EXPECT_EQ(next->start, at_second(20)) << "where the last one before stands";
}

TEST(DeltaTotalsTest, AWideHistogramIsMadeCoarserBeforeItIsKept) {
  DeltaTotals totals;
  DataPoint p = wide_point(16'000, at_second(0));
  ASSERT_TRUE(totals.add_histogram(kOne, {1, 1}, p, at_second(0)));
  EXPECT_LE(p.positive.counts.size(), limits::kMaxDeltaBuckets);
  EXPECT_EQ(sum_of(p.positive), 16'000u);
  EXPECT_LT(totals.bytes(), 16'000u) << "8 bytes a bucket were 128,000";
  DataPoint more = wide_point(2, at_second(1));
  ASSERT_TRUE(totals.add_histogram(kOne, {1, 1}, more, at_second(1)));
  EXPECT_EQ(more.count, 16'002u);
  EXPECT_TRUE(native_histogram(more));
}

TEST(DeltaTotalsTest, EmptyBucketsAtTheEndsTakeNoRoom) {
  DataPoint p = wide_point(2, at_second(0));
  p.positive.counts.insert(p.positive.counts.begin(), 9'000, 0);
  p.positive.counts.insert(p.positive.counts.end(), 9'000, 0);
  const std::int32_t first = p.positive.offset + 9'000;
  ASSERT_TRUE(bound_buckets(p));
  EXPECT_EQ(p.positive.offset, first);
  EXPECT_EQ(p.positive.counts, (std::vector<std::uint64_t>{1, 1}));
  EXPECT_EQ(p.scale, 3);
}

TEST(DeltaTotalsTest, BytesAreBoundedAndAProjectHasHalf) {
  constexpr std::size_t kBytes = 100'000;
  DeltaTotals totals(1'000, kBytes);
  std::size_t taken = 0;
  for (std::uint64_t key = 1; key <= 100; ++key) {
    DataPoint p = wide_point(500, at_second(0));
    if (totals.add_histogram(kOne, {key, key}, p, at_second(0))) ++taken;
  }
  EXPECT_GT(taken, 5u);
  EXPECT_LT(taken, 20u);
  EXPECT_LE(totals.bytes(), kBytes / 2);
  DataPoint p = wide_point(500, at_second(0));
  EXPECT_TRUE(totals.add_histogram(kOther, {1, 1}, p, at_second(0)));
}

TEST(DeltaTotalsTest, WhatIsRefusedLeavesTheTotalAsItWas) {
  DeltaTotals totals;
  const auto now = at_second(0);
  ASSERT_TRUE(totals.add(kOne, {1, 1}, now, now, 5, now));
  EXPECT_FALSE(totals.add(kOne, {1, 1}, now, at_second(1), NAN, now));
  EXPECT_EQ(totals.add(kOne, {1, 1}, now, at_second(1), 2, now)->value, 7);

  DataPoint good = wide_point(3, now);
  ASSERT_TRUE(totals.add_histogram(kOne, {2, 2}, good, now));
  DataPoint bad = wide_point(3, at_second(1));
  bad.count = 99;
  EXPECT_FALSE(totals.add_histogram(kOne, {2, 2}, bad, now));
  DataPoint too_many = wide_point(1, at_second(1));
  too_many.positive.counts = {std::uint64_t{1} << 53};
  too_many.count = std::uint64_t{1} << 53;
  EXPECT_FALSE(totals.add_histogram(kOne, {2, 2}, too_many, now)) << "more than a double can count";
  DataPoint far = wide_point(1, at_second(1));
  far.positive.offset = 2'000'000'000;
  EXPECT_FALSE(totals.add_histogram(kOne, {2, 2}, far, now)) << "only a scale that is none would hold both";
  DataPoint next = wide_point(3, at_second(1));
  ASSERT_TRUE(totals.add_histogram(kOne, {2, 2}, next, now));
  EXPECT_EQ(next.count, 6u);
}

TEST(DeltaTotalsTest, ANumberAndAHistogramOfTheSameNameAreApart) {
  DeltaTotals totals;
  const auto now = at_second(0);
  ASSERT_TRUE(totals.add(kOne, {1, 1}, now, now, 5, now));
  DataPoint p = wide_point(3, now);
  ASSERT_TRUE(totals.add_histogram(kOne, {1, 1}, p, now));
  EXPECT_EQ(p.count, 3u);
  EXPECT_EQ(totals.add(kOne, {1, 1}, now, at_second(1), 2, now)->value, 7);
}

}  // namespace
}  // namespace telltale::ingest
