#include "ingest/otlp_metrics.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "ingest/metrics_rig.hpp"

namespace telltale::ingest {
namespace {

using wire::otlp::BucketRow;
using wire::otlp::DataPoint;
using wire::otlp::Encoding;

class OtlpMetricsTest : public MetricsRig {
 protected:
  MetricOutcome send(std::string_view json) {
    auto done = ingest->otlp_metrics(kPushed, json, Encoding::json);
    EXPECT_TRUE(done) << done.error().message();
    return done ? *std::move(done) : MetricOutcome{};
  }
  static std::string nanos(std::int64_t from_now_ms) {
    return std::to_string((kNowMs + from_now_ms) * 1'000'000);
  }
  static std::string delta_sum(std::int64_t from_now_ms, int value) {
    return R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"hits","sum":{"isMonotonic":true,)"
           R"("aggregationTemporality":1,"dataPoints":[{"asInt":")" +
           std::to_string(value) + R"(","startTimeUnixNano":")" + nanos(-9000) + R"(","timeUnixNano":")" +
           nanos(from_now_ms) + R"("}]}}]}]}]})";
  }
};

TEST_F(OtlpMetricsTest, EveryKindBecomesPrometheusSeries) {
  std::ifstream in(std::string(TELLTALE_SOURCE_DIR) + "/fuzz/corpus/otlp_metrics/proto", std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto done = ingest->otlp_metrics(kPushed, body, Encoding::protobuf);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->refused, 1u);  // the point without a time
  EXPECT_EQ(done->histograms, 1u);
  const std::string who = R"(instance="i-1", job="acme/shop")";
  EXPECT_EQ(
      stored(),
      (std::vector<std::string>{
          "cpu_load_ratio{core=\"3\", " + who + "} 0.25@0",
          "gc_bytes_per_second{" + who + ", quantile=\"0.5\"} 0.4@0",
          "gc_bytes_per_second{" + who + ", quantile=\"1\"} 0.9@0",
          "gc_bytes_per_second_count{" + who + "} 3@0", "gc_bytes_per_second_sum{" + who + "} 1.5@0",
          "gone{" + who + "} stale@0", "http_duration_milliseconds_bucket{" + who + ", le=\"+Inf\"} 6@0",
          "http_duration_milliseconds_bucket{" + who + ", le=\"10\"} 3@0",
          "http_duration_milliseconds_bucket{" + who + ", le=\"5\"} 1@0",
          "http_duration_milliseconds_count{" + who + "} 6@0",
          "http_duration_milliseconds_sum{" + who + "} 70.5@0",
          "http_requests_total{http_route=\"/pay\", " + who + "} 42@0",
          "target_info{host_name=\"web-1\", " + who + "} 1@0", "wait_seconds{" + who + "} h(7)@0"}));
}

TEST_F(OtlpMetricsTest, DeltasAddUpAndWhatIsSentAgainCountsOnce) {
  send(delta_sum(-3000, 5));
  send(delta_sum(-2000, 7));
  send(delta_sum(-2000, 7));
  EXPECT_EQ(send(delta_sum(-2500, 1)).refused, 1u);
  send(delta_sum(-1000, 1));
  EXPECT_EQ(stored(), (std::vector<std::string>{"hits_total 5@-3000 12@-2000 13@-1000"}));
}

TEST_F(OtlpMetricsTest, AttributesThatAreCalledAlikeAreJoined) {
  send(
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"t","gauge":{"dataPoints":[{"asInt":"1",)"
      R"("timeUnixNano":")" +
      nanos(0) +
      R"(","attributes":[{"key":"a.b","value":{"stringValue":"x"}},{"key":"a/b","value":{"stringValue":"y"}}]}]}}]}]}]})");
  EXPECT_EQ(stored(), (std::vector<std::string>{R"(t{a_b="x;y"} 1@0)"}));
}

TEST_F(OtlpMetricsTest, ABadDeltaDoesNotSpoilItsSeries) {
  const auto histogram = [&](std::int64_t at, const std::string& count, const std::string& more) {
    return R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"wait","exponentialHistogram":{)"
           R"("aggregationTemporality":1,"dataPoints":[{"count":")" +
           count + R"(","scale":0,"positive":{"offset":0,"bucketCounts":["1"]},"timeUnixNano":")" +
           nanos(at) + R"(")" + more + "}]}}]}]}]}";
  };
  EXPECT_EQ(send(histogram(-5000, "1", "")).refused, 0u);
  EXPECT_EQ(send(histogram(-4000, "7", "")).refused, 1u) << "counts do not add up";
  EXPECT_EQ(send(histogram(-3000, "1", R"(,"sum":"Infinity")")).refused, 1u);
  EXPECT_EQ(send(histogram(-2000, "1", "")).refused, 0u);
  const auto sum = [&](std::int64_t at, const std::string& value) {
    return R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"hits","sum":{"isMonotonic":true,)"
           R"("aggregationTemporality":1,"dataPoints":[{"asDouble":)" +
           value + R"(,"timeUnixNano":")" + nanos(at) + R"("}]}}]}]}]})";
  };
  EXPECT_EQ(send(sum(-5000, "5")).refused, 0u);
  EXPECT_EQ(send(sum(-4000, R"("NaN")")).refused, 1u);
  EXPECT_EQ(send(sum(86'400'000LL * 365, "5")).refused, 1u) << "a year ahead";
  EXPECT_EQ(send(sum(-3000, "2")).refused, 0u);
  EXPECT_EQ(stored(), (std::vector<std::string>{"hits_total 5@-5000 7@-3000", "wait h(1)@-5000 h(2)@-2000"}));
}

DataPoint random_point(Rng& rng) {
  DataPoint p;
  p.scale = static_cast<std::int32_t>(rng.below(12)) - 1;
  for (BucketRow* row : {&p.positive, &p.negative}) {
    row->offset = static_cast<std::int32_t>(rng.below(40)) - 20;
    row->counts.resize(rng.below(30));
    for (auto& c : row->counts) p.count += c = rng.chance(0.5) ? 0 : rng.below(9);
  }
  p.zero_count = rng.below(3);
  p.count += p.zero_count;
  p.sum = static_cast<double>(rng.below(100));
  return p;
}

/// Counts by index at a scale, the slow way.
std::map<std::int64_t, std::uint64_t> naive(const BucketRow& row, std::int32_t from, std::int32_t to) {
  std::map<std::int64_t, std::uint64_t> out;
  for (std::size_t i = 0; i < row.counts.size(); ++i) {
    std::int64_t index = row.offset + static_cast<std::int64_t>(i);
    for (std::int32_t s = from; s > to; --s) index = index >= 0 ? index / 2 : -((1 - index) / 2);
    if (row.counts[i] > 0) out[index] += row.counts[i];
  }
  return out;
}

TEST(ExponentialDeltas, AddUpAsBucketByBucket) {
  const std::uint64_t seed = 20260108;
  SCOPED_TRACE(seed);
  Rng rng(seed);
  for (int round = 0; round < 500; ++round) {
    const DataPoint a = random_point(rng);
    const DataPoint b = random_point(rng);
    DataPoint total = a;
    ASSERT_TRUE(add_exponential(total, b));
    const std::int32_t scale = std::min(a.scale, b.scale);
    ASSERT_EQ(total.scale, scale);
    EXPECT_EQ(total.count, a.count + b.count);
    auto expected = naive(a.positive, a.scale, scale);
    for (const auto& [index, count] : naive(b.positive, b.scale, scale)) expected[index] += count;
    EXPECT_EQ(naive(total.positive, scale, scale), expected) << round;
    const auto made = native_histogram(total);
    ASSERT_TRUE(made) << made.error().message();
    double counted = (*made)->zero_count;
    for (const auto& bucket : (*made)->positive_buckets()) counted += bucket.count;
    for (const auto& bucket : (*made)->negative_buckets()) counted += bucket.count;
    EXPECT_EQ(counted, static_cast<double>(total.count));
  }
}

TEST(ExponentialDeltas, BucketsKeepTheirBounds) {
  DataPoint p;
  p.scale = 0;
  p.positive.offset = 2;  // (4, 8]
  p.positive.counts = {3, 0, 0, 0, 0, 1};
  p.count = 4;
  const auto made = native_histogram(p);
  ASSERT_TRUE(made) << made.error().message();
  const auto buckets = (*made)->positive_buckets();
  ASSERT_GE(buckets.size(), 2u);
  EXPECT_EQ(buckets[0].lower, 4);
  EXPECT_EQ(buckets[0].upper, 8);
  EXPECT_EQ(buckets[0].count, 3);
  EXPECT_EQ(buckets.back().upper, 256);
  EXPECT_EQ((*made)->positive_spans.size(), 2u);
}

TEST(ExponentialDeltas, WhatCannotBeOneIsSaid) {
  DataPoint p;
  p.scale = -5;
  EXPECT_FALSE(native_histogram(p));
  p.scale = 0;
  p.positive.offset = INT32_MAX;
  p.positive.counts = {1, 1};
  p.count = 2;
  EXPECT_FALSE(native_histogram(p));
  DataPoint far;
  far.positive.offset = INT32_MIN;
  far.positive.counts = {1};
  p.positive.counts = {1};
  EXPECT_TRUE(add_exponential(p, far));  // at a scale at which both are near
}

}  // namespace
}  // namespace telltale::ingest
