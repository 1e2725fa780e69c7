#include "wire/prometheus/remote_write.hpp"

#include <gtest/gtest.h>
#include <protozero/pbf_writer.hpp>

#include "base/metric_limits.hpp"
#include "base/rng.hpp"

namespace telltale::wire::prometheus {
namespace {

using protozero::pbf_writer;
using Pairs = std::vector<std::pair<std::string, std::string>>;

void put_label(pbf_writer& series, std::string_view name, std::string_view value) {
  pbf_writer label(series, 1);
  label.add_string(1, std::string(name));
  label.add_string(2, std::string(value));
}

void put_sample(pbf_writer& series, double value, std::int64_t ms) {
  pbf_writer sample(series, 2);
  sample.add_double(1, value);
  sample.add_int64(2, ms);
}

Pairs pairs_of(const MetricWrite& write, std::size_t series) {
  std::vector<LabelView> views;
  EXPECT_TRUE(labels_of(write, write.series.at(series), views));
  Pairs out;
  for (const auto& v : views) out.emplace_back(v.name, v.value);
  return out;
}

std::string v1_request() {
  std::string body;
  pbf_writer request(body);
  {
    pbf_writer series(request, 1);
    put_label(series, "__name__", "up");
    put_label(series, "job", "shop");
    put_sample(series, 1.5, 1000);
    put_sample(series, 2.5, 2000);
    pbf_writer exemplar(series, 3);
    put_label(exemplar, "trace_id", "abc");
    exemplar.add_double(2, 7);
    exemplar.add_int64(3, 1500);
  }
  {
    pbf_writer family(request, 3);
    family.add_enum(1, 2);
    family.add_string(2, "up");
    family.add_string(4, "Whether it answers.");
  }
  return body;
}

TEST(RemoteWrite, AVersion1RequestIsSeriesSamplesExemplarsAndFamilies) {
  const std::string body = v1_request();
  const auto write = parse_remote_write(body, WriteVersion::v1);
  ASSERT_TRUE(write) << write.error().message();
  ASSERT_EQ(write->series.size(), 1u);
  EXPECT_EQ(pairs_of(*write, 0), (Pairs{{"__name__", "up"}, {"job", "shop"}}));
  ASSERT_EQ(write->samples.size(), 2u);
  EXPECT_EQ(write->samples[1].value, 2.5);
  EXPECT_EQ(write->samples[1].time.ms, 2000);
  ASSERT_EQ(write->exemplars.size(), 1u);
  EXPECT_EQ(write->exemplars[0].labels.at(0).value, "abc");
  EXPECT_EQ(write->exemplars[0].time.ms, 1500);
  ASSERT_EQ(write->families.size(), 1u);
  EXPECT_EQ(write->families[0].kind, MetricKind::gauge);
  EXPECT_EQ(write->families[0].help, "Whether it answers.");
}

TEST(RemoteWrite, LabelsAreFoundBehindAndBetweenSamplesToo) {
  const auto request = [](int sample_at) {
    std::string body;
    {
      pbf_writer message(body);
      pbf_writer series(message, 1);
      const Pairs labels = {{"__name__", "up"}, {"a", "1"}, {"b", "2"}};
      for (int i = 0; i < 4; ++i) {
        if (i == sample_at) put_sample(series, 3, 5);
        if (i < 3) put_label(series, labels[i].first, labels[i].second);
      }
    }
    return body;
  };
  const std::string last = request(3);
  const auto expected = parse_remote_write(last, WriteVersion::v1);
  for (int at = 0; at < 3; ++at) {
    const std::string body = request(at);
    const auto write = parse_remote_write(body, WriteVersion::v1);
    ASSERT_TRUE(write);
    ASSERT_EQ(write->series.size(), 1u) << at;
    EXPECT_EQ(pairs_of(*write, 0), pairs_of(*expected, 0)) << at;
    EXPECT_EQ(write->series[0].key, expected->series[0].key) << at;
  }
}

std::string integer_histogram(std::int64_t third_delta = -1) {
  std::string bytes;
  pbf_writer h(bytes);
  h.add_uint64(1, 5);
  h.add_double(3, 12.5);
  h.add_sint32(4, 2);
  h.add_double(5, 0.001);
  h.add_uint64(6, 1);
  {
    pbf_writer span(h, 11);
    span.add_sint32(1, -1);
    span.add_uint32(2, 3);
  }
  const std::vector<std::int64_t> deltas = {1, 1, third_delta};
  h.add_packed_sint64(12, deltas.begin(), deltas.end());
  h.add_enum(14, 2);
  h.add_int64(15, 9000);
  return bytes;
}

MetricWrite with_histogram(const std::string& histogram, std::string& body) {
  {
    pbf_writer request(body);
    pbf_writer series(request, 1);
    put_label(series, "__name__", "latency");
    series.add_message(4, histogram);
  }
  auto write = parse_remote_write(body, WriteVersion::v1);
  EXPECT_TRUE(write);
  return *std::move(write);
}

TEST(RemoteWrite, AnIntegerHistogramsDeltasBecomeCounts) {
  std::string body;
  const auto write = with_histogram(integer_histogram(), body);
  ASSERT_EQ(write.samples.size(), 1u) << (write.errors.empty() ? "" : write.errors[0].reason);
  const Sample& sample = write.samples[0];
  EXPECT_EQ(sample.time.ms, 9000);
  EXPECT_EQ(sample.value, 12.5);
  ASSERT_NE(sample.histogram, nullptr);
  EXPECT_TRUE(sample.histogram->integer);
  EXPECT_EQ(sample.histogram->positive, (std::vector<double>{1, 2, 1}));
  EXPECT_EQ(sample.histogram->reset_hint, ResetHint::no);
  EXPECT_EQ(sample.histogram->positive_spans.at(0).offset, -1);
}

TEST(RemoteWrite, AHistogramWhoseBucketsDoNotMakeItsCountIsRefusedWithTheReason) {
  std::string body;
  const auto write = with_histogram(integer_histogram(5), body);
  EXPECT_TRUE(write.series.empty());
  ASSERT_EQ(write.errors.size(), 1u);
  EXPECT_NE(write.errors[0].reason.find("histogram"), std::string::npos) << write.errors[0].reason;
  EXPECT_EQ(write.refused_samples, 1u);
}

struct V2 {
  std::vector<std::string> symbols = {""};
  std::uint32_t ref(const std::string& text) {
    for (std::uint32_t i = 0; i < symbols.size(); ++i) {
      if (symbols[i] == text) return i;
    }
    symbols.push_back(text);
    return static_cast<std::uint32_t>(symbols.size() - 1);
  }
};

TEST(RemoteWrite, AVersion2RequestRefersToItsSymbols) {
  V2 v2;
  std::string series;
  {
    pbf_writer message(series);
    const std::vector<std::uint32_t> refs = {v2.ref("__name__"), v2.ref("requests_total"), v2.ref("job"),
                                             v2.ref("shop")};
    message.add_packed_uint32(1, refs.begin(), refs.end());
    {
      pbf_writer sample(message, 2);
      sample.add_double(1, 4);
      sample.add_int64(2, 2000);
      sample.add_int64(3, 500);
    }
    {
      pbf_writer exemplar(message, 4);
      const std::vector<std::uint32_t> labels = {v2.ref("trace_id"), v2.ref("abc")};
      exemplar.add_packed_uint32(1, labels.begin(), labels.end());
      exemplar.add_double(2, 9);
      exemplar.add_int64(3, 1999);
    }
    pbf_writer metadata(message, 5);
    metadata.add_enum(1, 1);
    metadata.add_uint32(3, v2.ref("How many."));
  }
  std::string body;
  pbf_writer request(body);
  for (const auto& s : v2.symbols) request.add_string(4, s);
  request.add_message(5, series);
  const auto write = parse_remote_write(body, WriteVersion::v2);
  ASSERT_TRUE(write) << write.error().message();
  ASSERT_EQ(write->series.size(), 1u) << (write->errors.empty() ? "" : write->errors[0].reason);
  EXPECT_EQ(pairs_of(*write, 0), (Pairs{{"__name__", "requests_total"}, {"job", "shop"}}));
  EXPECT_EQ(write->samples.at(0).start.ms, 500);
  EXPECT_EQ(write->exemplars.at(0).labels.at(0).name, "trace_id");
  EXPECT_EQ(write->families.at(0).name, "requests_total");
  EXPECT_EQ(write->families.at(0).kind, MetricKind::counter);
}

TEST(RemoteWrite, AKeyIsOfTheTextsNotOfTheSymbolsNumbers) {
  const auto key = [](const std::vector<std::string>& symbols, const std::vector<std::uint32_t>& refs) {
    std::string body;
    pbf_writer request(body);
    for (const auto& s : symbols) request.add_string(4, s);
    {
      pbf_writer series(request, 5);
      series.add_packed_uint32(1, refs.begin(), refs.end());
      pbf_writer sample(series, 2);
      sample.add_double(1, 4);
    }
    const auto write = parse_remote_write(body, WriteVersion::v2);
    EXPECT_TRUE(write);
    EXPECT_EQ(write->series.size(), 1u);
    return write->series.at(0).key;
  };
  EXPECT_EQ(key({"", "__name__", "up"}, {1, 2}), key({"", "other", "up", "__name__"}, {3, 2}));
  EXPECT_NE(key({"", "__name__", "up"}, {1, 2}), key({"", "__name__", "down"}, {1, 2}));
}

TEST(RemoteWrite, ReferencesThatLeadNowhereAreRefusedAndTheRestIsKept) {
  std::string body;
  pbf_writer request(body);
  for (const char* s : {"", "__name__", "up"}) request.add_string(4, s);
  for (const std::vector<std::uint32_t>& refs : {std::vector<std::uint32_t>{1, 9}, {1, 2, 1}, {}, {1, 2}}) {
    pbf_writer series(request, 5);
    series.add_packed_uint32(1, refs.begin(), refs.end());
    pbf_writer sample(series, 2);
    sample.add_double(1, 4);
  }
  const auto write = parse_remote_write(body, WriteVersion::v2);
  ASSERT_TRUE(write);
  ASSERT_EQ(write->errors.size(), 3u);
  EXPECT_EQ(write->errors[0].index, 0u);
  EXPECT_EQ(write->errors[2].index, 2u);
  ASSERT_EQ(write->series.size(), 1u);
  EXPECT_EQ(pairs_of(*write, 0), (Pairs{{"__name__", "up"}}));
}

TEST(RemoteWrite, EverySplitAndFlippedBodyIsAResult) {
  const std::string whole = v1_request();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    (void)parse_remote_write(std::string_view(whole).substr(0, n), WriteVersion::v1);
    (void)parse_remote_write(std::string_view(whole).substr(0, n), WriteVersion::v2);
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[n] = static_cast<char>(flipped[n] ^ (1 << bit));
      const auto write = parse_remote_write(flipped, WriteVersion::v1);
      std::vector<LabelView> views;
      if (!write) continue;
      for (const auto& s : write->series) (void)labels_of(*write, s, views);
    }
  }
}

TEST(RemoteWrite, TooManySamplesAreToldOnceAndCounted) {
  std::string body;
  pbf_writer request(body);
  {
    pbf_writer series(request, 1);
    put_label(series, "__name__", "up");
    for (std::size_t i = 0; i < limits::kMaxWriteSamples + 3; ++i) put_sample(series, 1, 1);
  }
  const auto write = parse_remote_write(body, WriteVersion::v1);
  ASSERT_TRUE(write);
  EXPECT_EQ(write->samples.size(), limits::kMaxWriteSamples);
  EXPECT_EQ(write->errors.size(), 1u);
  EXPECT_EQ(write->refused_samples, 3u);
}

TEST(RemoteWrite, ContentTypesAndEncodings) {
  const std::string v1 = "application/x-protobuf;proto=prometheus.WriteRequest";
  EXPECT_EQ(write_version_from("").value(), WriteVersion::v1);
  EXPECT_EQ(write_version_from("application/x-protobuf").value(), WriteVersion::v1);
  EXPECT_EQ(write_version_from(v1).value(), WriteVersion::v1);
  EXPECT_EQ(write_version_from("application/x-protobuf; proto=io.prometheus.write.v2.Request").value(),
            WriteVersion::v2);
  EXPECT_EQ(write_version_from("application/json").error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(write_version_from("application/x-protobuf;proto=other").error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(write_codec_from("snappy").value(), Codec::snappy);
  EXPECT_EQ(write_codec_from("zstd").value(), Codec::zstd);
  EXPECT_EQ(write_codec_from("gzip").error().kind(), ErrorKind::unsupported);
}

}  // namespace
}  // namespace telltale::wire::prometheus
