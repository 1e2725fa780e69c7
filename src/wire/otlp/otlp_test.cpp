#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "wire/otlp/logs.hpp"
#include "wire/otlp/traces.hpp"

namespace telltale::wire::otlp {
namespace {

// The bytes are from Google's protobuf runtime with the official messages: an encoder independent of ours.
std::string corpus(const std::string& file) {
  std::ifstream in(std::string(TELLTALE_SOURCE_DIR) + "/fuzz/corpus/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Otlp, LogsAreTheSameInBothEncodings) {
  for (const auto encoding : {Encoding::protobuf, Encoding::json}) {
    const auto r =
        parse_logs(corpus(encoding == Encoding::json ? "otlp_logs_json/a" : "otlp_logs_proto/a"), encoding);
    ASSERT_TRUE(r) << r.error().message();
    ASSERT_EQ(r->batches.size(), 1u);
    EXPECT_EQ(*r->batches[0].resource, (std::vector<Attr>{{"service.name", std::string("shop")}}));
    EXPECT_EQ(r->batches[0].scope.name, "lib");
    const LogRecord& l = r->batches[0].records.at(0);
    EXPECT_EQ(l.time.ns, 1736328600000000005);
    EXPECT_EQ(l.level(), Level::error);
    EXPECT_EQ(l.body, "boom");
    EXPECT_EQ(l.trace_id.hex(), "0102030405060708090a0b0c0d0e0f10");
    EXPECT_EQ(l.attributes, (std::vector<Attr>{{"n", std::int64_t{-3}},
                                               {"d", 0.5},
                                               {"b", true},
                                               {"raw", std::string("AP8=")},
                                               {"list", std::string(R"(["a\"b",2,{"x":false}])")}}));
  }
}

TEST(Otlp, ScopesShareTheirResourceAndThoseWithoutRecordsAreNoBatch) {
  const auto json = parse_logs(
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"b"}}]},"scopeLogs":[)"
      R"({"scope":{"name":"none"}},{"logRecords":[]},{"scope":{"name":"x"},"logRecords":[{},3]},{"logRecords":[{}]}]}]})",
      Encoding::json);
  ASSERT_TRUE(json) << json.error().message();
  ASSERT_EQ(json->batches.size(), 2u);
  EXPECT_EQ(json->batches[0].scope.name, "x");
  EXPECT_EQ(json->batches[0].resource, json->batches[1].resource) << "one object";
  EXPECT_EQ(json->errors.size(), 1u);

  // A resource whose attributes stand behind its scopes: two with a record, one without.
  const std::string scope = std::string("\x12\x02\x12\x00", 4);
  const std::string resource = std::string(
      "\x0a\x0a\x0a\x08\x0a\x01"
      "a\x12\x03\x0a\x01"
      "b",
      12);
  const std::string holder = scope + std::string("\x12\x00", 2) + scope + resource;
  const auto proto =
      parse_logs(std::string("\x0a") + static_cast<char>(holder.size()) + holder, Encoding::protobuf);
  ASSERT_TRUE(proto) << proto.error().message();
  ASSERT_EQ(proto->batches.size(), 2u);
  EXPECT_EQ(proto->batches[0].resource, proto->batches[1].resource);
  EXPECT_EQ(*proto->batches[0].resource, (std::vector<Attr>{{"a", std::string("b")}}));
}

TEST(Otlp, RecordsOverTheLimitAreCounted) {
  std::string records;
  for (std::size_t i = 0; i < 150'000; ++i) records += i == 0 ? "{}" : ",{}";
  const auto r =
      parse_logs(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + records + "]}]}]}", Encoding::json);
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(r->batches.at(0).records.size(), limits::kMaxRowsPerRequest);
  EXPECT_EQ(r->errors.size(), 150'000 - limits::kMaxRowsPerRequest);
  EXPECT_EQ(r->errors.told().size(), 1u);
}

TEST(Otlp, SpansAreTheSameInBothEncodings) {
  for (const auto encoding : {Encoding::protobuf, Encoding::json}) {
    const auto r = parse_traces(
        corpus(encoding == Encoding::json ? "otlp_traces_json/a" : "otlp_traces_proto/a"), encoding);
    ASSERT_TRUE(r) << r.error().message();
    ASSERT_EQ(r->batches.at(0).spans.size(), 1u);
    const Span& s = r->batches[0].spans[0];
    EXPECT_EQ(s.name, "GET /cart");
    EXPECT_EQ(s.kind, SpanKind::server);
    EXPECT_EQ(s.status, StatusCode::error);
    EXPECT_EQ((s.end - s.start).count(), 500'000'000);
    EXPECT_EQ(s.events.at(0).name, "exception");
    EXPECT_EQ(s.links.size(), 1u);
    ASSERT_EQ(r->errors.size(), 1u);
    EXPECT_EQ(r->errors[0].index, 1u);
  }
}

TEST(Otlp, Responses) {
  EXPECT_EQ(encode_response(Signal::logs, Encoding::json), "{}");
  EXPECT_EQ(encode_response(Signal::logs, Encoding::protobuf), "");
  EXPECT_EQ(encode_response(Signal::traces, Encoding::json, 2, "no"),
            R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}})");
  EXPECT_EQ(encode_response(Signal::traces, Encoding::protobuf, 2, "no"),
            std::string("\x0a\x06\x08\x02\x12\x02no"));
  EXPECT_FALSE(parse_logs("\xff\xff", Encoding::protobuf));
  EXPECT_FALSE(encoding_from("text/html"));
}

}  // namespace
}  // namespace telltale::wire::otlp
