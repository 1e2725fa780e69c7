#include "wire/otlp/metrics.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "wire/otlp/metric_names.hpp"

namespace telltale::wire::otlp {
namespace {

// The bytes are from Google's protobuf runtime with the official messages: an encoder independent of ours.
MetricsRequest metrics_of(Encoding encoding) {
  const std::string file = encoding == Encoding::json ? "json" : "proto";
  std::ifstream in(std::string(TELLTALE_SOURCE_DIR) + "/fuzz/corpus/otlp_metrics/" + file, std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto parsed = parse_metrics(body, encoding);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? *std::move(parsed) : MetricsRequest{};
}

TEST(OtlpMetrics, AreTheSameInBothEncodings) {
  for (const auto encoding : {Encoding::protobuf, Encoding::json}) {
    const auto request = metrics_of(encoding);
    ASSERT_EQ(request.batches.size(), 1u);
    const auto& metrics = request.batches[0].metrics;
    ASSERT_EQ(metrics.size(), 6u);
    EXPECT_EQ(metrics[0].kind, PointKind::gauge);
    EXPECT_EQ(metrics[0].points.at(0).value, 0.25);
    EXPECT_EQ(metrics[0].points[0].attributes, (std::vector<Attr>{{"core", std::int64_t{3}}}));
    EXPECT_TRUE(metrics[1].monotonic);
    EXPECT_EQ(metrics[1].temporality, Temporality::cumulative);
    EXPECT_EQ(metrics[1].points.at(0).value, 42);
    EXPECT_EQ((metrics[1].points[0].time - metrics[1].points[0].start).count(), 60'000'000'000);
    EXPECT_EQ(metrics[1].points[0].exemplars.at(0).trace_id.hex(), "0102030405060708090a0b0c0d0e0f10");
    EXPECT_EQ(metrics[1].points[0].exemplars[0].attributes.at(0).name, "user");
    EXPECT_EQ(metrics[2].temporality, Temporality::delta);
    EXPECT_EQ(metrics[2].points.at(0).counts, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(metrics[2].points[0].bounds, (std::vector<double>{5, 10}));
    EXPECT_EQ(metrics[3].points.at(0).scale, 3);
    EXPECT_EQ(metrics[3].points[0].zero_threshold, 0.01);
    EXPECT_EQ(metrics[3].points[0].positive.offset, -2);
    EXPECT_EQ(metrics[3].points[0].positive.counts, (std::vector<std::uint64_t>{1, 0, 0, 0, 2}));
    EXPECT_EQ(metrics[4].points.at(0).quantiles,
              (std::vector<std::pair<double, double>>{{0.5, 0.4}, {1, 0.9}}));
    EXPECT_TRUE(metrics[5].points.at(0).no_value);
    ASSERT_EQ(request.errors.size(), 1u);
    EXPECT_EQ(request.errors[0].index, 6u);
    EXPECT_NE(request.errors[0].reason.find("untimed: timeUnixNano"), std::string::npos);
  }
}

std::string named(const char* strategy, const std::string& name, const std::string& unit, PointKind kind,
                  bool monotonic = false) {
  Metric metric;
  metric.name = name;
  metric.unit = unit;
  metric.kind = kind;
  metric.monotonic = monotonic;
  return series_name(metric, translation_strategy_from(strategy).value());
}

TEST(OtlpMetrics, NamesByTheFourStrategies) {
  const char* full = "UnderscoreEscapingWithSuffixes";
  const auto gauge = PointKind::gauge;
  const auto sum = PointKind::sum;
  EXPECT_EQ(named(full, "system.cpu.time", "s", sum, true), "system_cpu_time_seconds_total");
  EXPECT_EQ(named(full, "requests.total.count", "{request}", sum, true), "requests_count_total");
  EXPECT_EQ(named(full, "cpu.utilization", "1", gauge), "cpu_utilization_ratio");
  EXPECT_EQ(named(full, "jobs", "1", sum, true), "jobs_total");
  EXPECT_EQ(named(full, "net.speed", "By/s", gauge), "net_speed_bytes_per_second");
  EXPECT_EQ(named(full, "memory_bytes", "By", gauge), "memory_bytes");
  EXPECT_EQ(named(full, "__a..b__", "", gauge), "a_b");
  EXPECT_EQ(named(full, "2xx", "", gauge), "_2xx");
  EXPECT_EQ(named(full, "hits", "pages/tick", gauge), "hits_pages_per_tick");
  EXPECT_EQ(named(full, "...", "", gauge), "");
  const char* utf8 = "NoUTF8EscapingWithSuffixes";
  EXPECT_EQ(named(utf8, "system.cpu.time", "s", sum, true), "system.cpu.time_seconds_total");
  EXPECT_EQ(named(utf8, "requests_total", "", sum, true), "requests_total");
  EXPECT_EQ(named(utf8, "net.speed", "By/s", gauge), "net.speed_bytes_per_second");
  const char* bare = "UnderscoreEscapingWithoutSuffixes";
  EXPECT_EQ(named(bare, "system.cpu.time", "s", sum, true), "system_cpu_time");
  EXPECT_EQ(named(bare, "a__b", "s", sum, true), "a__b");
  EXPECT_EQ(named("NoTranslation", "system.cpu.time", "s", sum, true), "system.cpu.time");
  EXPECT_FALSE(translation_strategy_from("underscores"));
}

TEST(OtlpMetrics, LabelsOfAttributes) {
  EXPECT_EQ(attribute_label("http.route", {}), "http_route");
  EXPECT_EQ(attribute_label("2nd", {}), "key_2nd");
  EXPECT_EQ(attribute_label("_private", {}), "key_private");
  EXPECT_EQ(attribute_label("__meta", {}), "__meta");
  EXPECT_EQ(attribute_label("http.route", {false, true}), "http.route");
}

}  // namespace
}  // namespace telltale::wire::otlp
