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
    EXPECT_EQ(r->batches[0].resource, (std::vector<Attr>{{"service.name", std::string("shop")}}));
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
