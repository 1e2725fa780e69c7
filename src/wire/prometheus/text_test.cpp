#include "wire/prometheus/text.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace telltale::wire::prometheus {
namespace {

TEST(PrometheusText, SamplesAndMetadata) {
  const auto s = parse_text(
      "# HELP x_total Some \\\\ help\\n\n# TYPE x_total counter\n# a comment\n\nx_total{a=\"b\", "
      "c=\"d\\\"\\n\",} 1.5e3 1736328600000\n"
      "{\"my.metric\", \"k.v\"=\"w\"} +Inf\n  y -0.5\nz NaN",
      TextFormat::prometheus);
  ASSERT_TRUE(s) << s.error().message();
  ASSERT_EQ(s->samples.size(), 4u);
  EXPECT_EQ(s->samples[0].labels.get("c"), "d\"\n");
  EXPECT_EQ(s->samples[0].value, 1500);
  EXPECT_EQ(s->samples[0].time->ms, 1736328600000);
  EXPECT_EQ(s->samples[1].labels.get("__name__"), "my.metric");
  EXPECT_TRUE(std::isinf(s->samples[1].value));
  EXPECT_TRUE(std::isnan(s->samples[3].value));
  EXPECT_EQ(s->metadata.at(0).help, "Some \\ help\n");
  EXPECT_EQ(s->metadata[0].type, MetricType::counter);
}

TEST(PrometheusText, OpenMetrics) {
  const auto s = parse_text(
      "# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_bucket{le=\"+Inf\"} 3 1.5 # "
      "{trace_id=\"x\"} 0.2 1.1\n# EOF\n",
      TextFormat::openmetrics);
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ(s->samples.at(0).time->ms, 1500);
  EXPECT_EQ(s->metadata.at(0).unit, "seconds");
  for (const auto* bad : {"a 1\n", "a 1\n\n# EOF\n", "# EOF\na 1\n", "# comment\n# EOF\n",
                          "# TYPE a_b gauge\n# UNIT a_b s\n# EOF\n"})
    EXPECT_FALSE(parse_text(bad, TextFormat::openmetrics)) << bad;
}

TEST(PrometheusText, OneBadLineFailsTheScrape) {
  for (const auto* bad :
       {"a", "a b", "a{b} 1", "a{b=\"c} 1", "a{b=\"c\" d=\"e\"} 1", "a{b=\"c\",b=\"d\"} 1", "1a 1", "a 1 x",
        "a 1 2 3", "{} 1", "# TYPE a nonsense", "a{b=\"\xff\"} 1", "a 0x", "a --1"}) {
    const auto s = parse_text(std::string("ok 1\n") + bad + "\n", TextFormat::prometheus);
    ASSERT_FALSE(s) << bad;
    EXPECT_TRUE(s.error().message().starts_with("line 2: ")) << s.error().message();
  }
}

}  // namespace
}  // namespace telltale::wire::prometheus
