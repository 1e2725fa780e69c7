#include "wire/prometheus/text.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "wire/prometheus/negotiation.hpp"

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

TEST(PrometheusText, CreatedLinesDateTheirFamilyAndAreNoSeries) {
  const auto s = parse_text(
      "# TYPE a counter\na_created{x=\"1\"} 1.25\na_total{x=\"1\"} 5\na_total{x=\"2\"} 6\n"
      "# TYPE h histogram\nh_bucket{le=\"1\",x=\"1\"} 1\nh_bucket{le=\"+Inf\",x=\"1\"} 2\n"
      "h_count{x=\"1\"} 2\nh_sum{x=\"1\"} 3\nh_created{x=\"1\"} 20\n"
      "# TYPE g gauge\ng_created 7\n# EOF\n",
      TextFormat::openmetrics);
  ASSERT_TRUE(s) << s.error().message();
  ASSERT_EQ(s->samples.size(), 7U);
  EXPECT_EQ(s->samples[0].start->ms, 1250);
  EXPECT_FALSE(s->samples[1].start);
  for (int i = 2; i < 6; ++i) EXPECT_EQ(s->samples[i].start->ms, 20'000);
  EXPECT_EQ(s->samples[6].labels.to_string(), "g_created") << "a gauge's own";
}

TEST(PrometheusText, ExemplarsAreKeptUnlessTheyAreTooLong) {
  const auto s = parse_text(
      "# TYPE a counter\na_total 1 # {trace_id=\"x\",n=\"\xc3\xa9\"} 0.5 1.5\na_total{b=\"c\"} 1 # {t=\"" +
          std::string(128, 'y') + "\"} 1\n# EOF\n",
      TextFormat::openmetrics);
  ASSERT_TRUE(s) << s.error().message();
  ASSERT_EQ(s->samples[0].exemplars.size(), 1U);
  EXPECT_EQ(s->samples[0].exemplars[0].labels.get("trace_id"), "x");
  EXPECT_EQ(s->samples[0].exemplars[0].value, 0.5);
  EXPECT_EQ(s->samples[0].exemplars[0].time->ms, 1500);
  EXPECT_TRUE(s->samples[1].exemplars.empty());
  for (const auto* wrong :
       {"a 1 # x", "a 1 # {t=\"u\"}", "a 1 # {t=\"u\",t=\"v\"} 1", "a 1 # {t=\"u\"} 1 1 1"})
    EXPECT_FALSE(parse_text(std::string(wrong) + "\n# EOF\n", TextFormat::openmetrics)) << wrong;
}

TEST(PrometheusText, BoundsOfHistogramsAndSummariesHaveOneSpelling) {
  const auto s = parse_text(
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n# TYPE s summary\ns{quantile=\"1\"} 2\n# TYPE g gauge\n"
      "g{le=\"1\",quantile=\"1\"} 3\n",
      TextFormat::prometheus);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->samples[0].labels.get("le"), "1.0");
  EXPECT_EQ(s->samples[1].labels.get("quantile"), "1.0");
  EXPECT_EQ(s->samples[2].labels.get("le"), "1");
  const std::pair<const char*, const char*> rows[] = {
      {"0", "0.0"},         {"-1", "-1.0"},       {"0.10", "0.1"},   {"100000", "100000.0"},
      {"1000000", "1e+06"}, {"0.0001", "0.0001"}, {"1e-5", "1e-05"}, {"123456789", "1.23456789e+08"},
      {"+Inf", "+Inf"},     {"Inf", "+Inf"},      {"x", "x"},        {"2.5e2", "250.0"}};
  for (const auto& [in, out] : rows) EXPECT_EQ(normalised_bound(in), out) << in;
}

TEST(PrometheusNegotiation, AcceptAndContentType) {
  using P = ScrapeProtocol;
  EXPECT_EQ(accept_header(default_scrape_protocols(false), "allow-utf-8"),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
  EXPECT_TRUE(accept_header(default_scrape_protocols(true), "underscores")
                  .starts_with("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                               "encoding=delimited;q=0.6,"));
  const std::pair<const char*, P> rows[] = {
      {"text/plain", P::text_0_0_4},
      {"Text/Plain; Version=1.0.0; charset=utf-8", P::text_1_0_0},
      {"application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", P::openmetrics_1_0_0},
      {"application/openmetrics-text;version=0.0.1", P::openmetrics_0_0_1},
      {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
       P::protobuf}};
  for (const auto& [type, protocol] : rows) {
    const auto found = content_protocol(type, {});
    ASSERT_TRUE(found) << type;
    EXPECT_EQ(*found, protocol) << type;
  }
  for (const auto* type : {"", "text/html", "application/vnd.google.protobuf",
                           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
                           "encoding=text"}) {
    EXPECT_FALSE(content_protocol(type, {})) << type;
    EXPECT_EQ(*content_protocol(type, P::text_0_0_4), P::text_0_0_4);
  }
  for (const P p : default_scrape_protocols(true)) EXPECT_EQ(*scrape_protocol_from(to_string(p)), p);
  EXPECT_FALSE(scrape_protocol_from("prometheusproto"));
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
