// Bodies are written with protozero's writer, field by field of metrics.proto.
#include "wire/prometheus/protobuf.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <protozero/pbf_writer.hpp>

#include "base/rng.hpp"

namespace telltale::wire::prometheus {
namespace {

using Writer = protozero::pbf_writer;

std::string label(const std::string& name, const std::string& value) {
  std::string out;
  Writer w(out);
  w.add_string(1, name);
  w.add_string(2, value);
  return out;
}

std::string timestamp(std::int64_t seconds, int nanos) {
  std::string out;
  Writer w(out);
  w.add_int64(1, seconds);
  w.add_int32(2, nanos);
  return out;
}

std::string exemplar(const std::string& trace, double value) {
  std::string out;
  Writer w(out);
  w.add_message(1, label("trace_id", trace));
  w.add_double(2, value);
  w.add_message(3, timestamp(12, 345'000'000));
  return out;
}

/// A delimited family with one metric that has label a="b" and `value` as field `tag`.
std::string family(const std::string& name, int type, std::uint32_t tag, const std::string& value,
                   std::int64_t time_ms = 0) {
  std::string metric;
  Writer m(metric);
  m.add_message(1, label("a", "b"));
  m.add_message(tag, value);
  if (time_ms != 0) m.add_int64(6, time_ms);
  std::string out;
  Writer f(out);
  f.add_message(4, metric);  // before the name: order is free
  f.add_string(1, name);
  f.add_string(2, "Help.");
  f.add_enum(3, type);
  f.add_string(5, "seconds");
  std::string delimited;
  protozero::add_varint_to_buffer(&delimited, out.size());
  return delimited + out;
}

std::string bucket(std::uint64_t count, double bound, const std::string& with_exemplar = {}) {
  std::string out;
  Writer w(out);
  w.add_uint64(1, count);
  w.add_double(2, bound);
  if (!with_exemplar.empty()) w.add_message(3, with_exemplar);
  return out;
}

std::string classic() {
  std::string out;
  Writer w(out);
  w.add_uint64(1, 7);
  w.add_double(2, 3.5);
  w.add_message(3, bucket(2, 1));
  w.add_message(3, bucket(5, 2.5, exemplar("t", 2.2)));
  w.add_message(15, timestamp(100, 0));
  return out;
}

std::string span(std::int32_t offset, std::uint32_t length) {
  std::string out;
  Writer w(out);
  w.add_sint32(1, offset);
  w.add_uint32(2, length);
  return out;
}

std::string native(std::uint32_t length) {
  std::string out = classic();
  Writer w(out);
  w.add_sint32(5, 3);
  w.add_double(6, 1e-9);
  w.add_uint64(7, 1);
  w.add_message(12, span(-2, length));
  const std::int64_t deltas[] = {4, -2};
  w.add_packed_sint64(13, std::begin(deltas), std::end(deltas));
  return out;
}

std::map<std::string, double> values(const Scrape& scrape) {
  std::map<std::string, double> out;
  for (const auto& s : scrape.samples) out[s.labels.to_string()] = s.value;
  return out;
}

TEST(PrometheusProtobuf, SimpleTypes) {
  std::string counter;
  Writer w(counter);
  w.add_double(1, 4);
  w.add_message(2, exemplar("abc", 1));
  w.add_message(3, timestamp(50, 250'000'000));
  std::string gauge;
  Writer(gauge).add_double(1, -1.5);
  const std::string body =
      family("c_total", 0, 3, counter, 1234) + family("g", 1, 2, gauge) + family("u", 3, 5, gauge);
  const auto s = parse_protobuf(body, {});
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ(values(*s), (std::map<std::string, double>{
                            {R"(c_total{a="b"})", 4}, {R"(g{a="b"})", -1.5}, {R"(u{a="b"})", -1.5}}));
  EXPECT_EQ(s->samples[0].time->ms, 1234);
  EXPECT_EQ(s->samples[0].start->ms, 50'250);
  ASSERT_EQ(s->samples[0].exemplars.size(), 1U);
  EXPECT_EQ(s->samples[0].exemplars[0].labels.get("trace_id"), "abc");
  EXPECT_EQ(s->samples[0].exemplars[0].time->ms, 12'345);
  EXPECT_FALSE(s->samples[1].time);
  EXPECT_EQ(s->metadata.at(0).help, "Help.");
  EXPECT_EQ(s->metadata[0].unit, "seconds");
  EXPECT_EQ(s->metadata[2].type, MetricType::unknown);
}

TEST(PrometheusProtobuf, ClassicHistogramsAndSummariesBecomeTheSeriesOfTheTextFormats) {
  std::string quantile;
  Writer q(quantile);
  q.add_double(1, 0.5);
  q.add_double(2, 9);
  std::string summary;
  Writer w(summary);
  w.add_uint64(1, 3);
  w.add_double(2, 6);
  w.add_message(3, quantile);
  const std::string body = family("h", 4, 7, classic()) + family("s", 2, 4, summary);
  const auto s = parse_protobuf(body, {.native = true});
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ(values(*s), (std::map<std::string, double>{{R"(h_count{a="b"})", 7},
                                                       {R"(h_sum{a="b"})", 3.5},
                                                       {R"(h_bucket{a="b", le="1.0"})", 2},
                                                       {R"(h_bucket{a="b", le="2.5"})", 5},
                                                       {R"(h_bucket{a="b", le="+Inf"})", 7},
                                                       {R"(s_count{a="b"})", 3},
                                                       {R"(s_sum{a="b"})", 6},
                                                       {R"(s{a="b", quantile="0.5"})", 9}}));
  for (const auto& sample : s->samples) {
    if (sample.labels.get(kMetricName).starts_with("h_")) {
      EXPECT_EQ(sample.start->ms, 100'000);
    }
    EXPECT_EQ(sample.exemplars.size(), sample.labels.get("le") == "2.5" ? 1U : 0U);
  }
}

TEST(PrometheusProtobuf, NativeHistogramsStayWholeWhenWanted) {
  const std::string body = family("h", 4, 7, native(2));
  const auto off = parse_protobuf(body, {});
  ASSERT_TRUE(off);
  EXPECT_EQ(off->samples.size(), 5U);
  EXPECT_EQ(parse_protobuf(body, {.native = true, .classic_too = true})->samples.size(), 6U);
  const auto on = parse_protobuf(body, {.native = true});
  ASSERT_TRUE(on);
  ASSERT_EQ(on->samples.size(), 1U);
  EXPECT_EQ(on->samples[0].labels.to_string(), R"(h{a="b"})");
  ASSERT_TRUE(on->samples[0].histogram);
  const Histogram& h = *on->samples[0].histogram;
  EXPECT_TRUE(h.integer);
  EXPECT_EQ(h.count, 7);
  EXPECT_EQ(h.sum, 3.5);
  EXPECT_EQ(h.schema, 3);
  EXPECT_EQ(h.zero_count, 1);
  ASSERT_EQ(h.positive_spans.size(), 1U);
  EXPECT_EQ(h.positive_spans[0].offset, -2);
  EXPECT_EQ(h.positive, (std::vector<double>{4, 2}));
  EXPECT_EQ(on->samples[0].exemplars.size(), 1U);
}

TEST(PrometheusProtobuf, WhatDoesNotFitFailsTheScrape) {
  std::string gauge;
  Writer(gauge).add_double(1, 1);
  const std::string good = family("g", 1, 2, gauge);
  const std::string rows[] = {
      good.substr(0, good.size() - 1),   // cut
      good + "\xff",                     // a length that does not end
      std::string("\x02") + "\x0a\x7f",  // a name longer than its message
      family("", 1, 2, gauge),           // no name
      family("g", 9, 2, gauge),          // unknown type
      family("g", 1, 3, gauge),          // another type's value
      family("\xff", 1, 2, gauge),       // no UTF-8
      family("h", 4, 7, native(3)),      // spans over more buckets than there are
      family("h", 4, 7, native(1U << 31)),
  };
  for (const std::string& body : rows) {
    const auto s = parse_protobuf(body, {.native = true});
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().kind(), ErrorKind::invalid_argument) << s.error().message();
  }
  EXPECT_TRUE(parse_protobuf("", {}));
}

TEST(PrometheusProtobuf, LabelsRepeatedForEveryBucketAreBounded) {
  std::string histogram;
  Writer h(histogram);
  for (int i = 0; i < 100'000; ++i) h.add_message(3, bucket(1, i));
  std::string metric;
  Writer m(metric);
  m.add_message(1, label("a", std::string(100'000, 'x')));
  m.add_message(7, histogram);
  std::string out;
  Writer f(out);
  f.add_string(1, "h");
  f.add_enum(3, 4);
  f.add_message(4, metric);
  std::string body;
  protozero::add_varint_to_buffer(&body, out.size());
  const auto s = parse_protobuf(body + out, {});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind(), ErrorKind::too_large);
}

}  // namespace
}  // namespace telltale::wire::prometheus
