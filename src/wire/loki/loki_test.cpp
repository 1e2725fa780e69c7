#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/compress.hpp"
#include "wire/loki/discover.hpp"
#include "wire/loki/push.hpp"

namespace telltale::wire::loki {
namespace {

TEST(Push, JsonKeepsTheGoodEntries) {
  const auto r = parse_push_json(
      R"({"streams":[{"stream":{"app":"shop"},"values":[["1","a",{"k":"v"}],["x","b"],["3","c"]]},{"stream":7}]})");
  ASSERT_TRUE(r);
  ASSERT_EQ(r->streams.size(), 1u);
  EXPECT_EQ(r->streams[0].entries.size(), 2u);
  EXPECT_EQ(r->streams[0].entries[0].structured_metadata, (TextPairs{{"k", "v"}}));
  ASSERT_EQ(r->errors.size(), 2u);
  EXPECT_EQ(r->errors[0].index, 1u);
  EXPECT_FALSE(parse_push_json("{}"));
}

TEST(Push, LegacyAndProtobuf) {
  const auto legacy = parse_push_legacy_json(
      R"({"streams":[{"labels":"{app=\"shop\"}","entries":[{"ts":"2026-01-08T09:30:00.5Z","line":"hi"}]}]})");
  ASSERT_TRUE(legacy);
  EXPECT_EQ(legacy->streams.at(0).labels.get("app"), "shop");
  EXPECT_EQ(legacy->streams[0].entries.at(0).time.ns % 1'000'000'000, 500'000'000);
  std::ifstream in(std::string(TELLTALE_SOURCE_DIR) + "/fuzz/corpus/loki_proto/a", std::ios::binary);
  const std::string raw{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto proto = parse_push_snappy(compress(Codec::snappy, raw));
  ASSERT_TRUE(proto) << proto.error().message();
  EXPECT_EQ(proto->streams.at(0).entries.size(), 2u);
  EXPECT_EQ(proto->streams[0].entries[0].time.ns, 1736328600000000005);
  EXPECT_EQ(proto->streams[0].entries[0].line, "hello");
}

TEST(Push, BadEntriesCountAgainstTheLimitAndTheFirstAreTold) {
  std::string zeros = "0";
  for (std::size_t i = 1; i < limits::kMaxRowsPerRequest + 50'000; ++i) zeros += ",0";
  const auto r =
      parse_push_json(R"({"streams":[{"stream":{"a":"b"},"values":[)" + zeros + R"(,["1","late"]]}]})");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_TRUE(r->streams.empty());
  EXPECT_EQ(r->errors.size(), limits::kMaxRowsPerRequest + 50'001);
  EXPECT_EQ(r->errors.told().size(), limits::kMaxItemErrors);
}

TEST(Push, EmptyEntriesOfAFewBytesAreBounded) {
  std::string entries;
  for (std::size_t i = 0; i < 150'000; ++i) entries += std::string_view("\x12\x00", 2);
  std::string stream = "\x0a\x07{a=\"b\"}" + entries;
  std::string body = "\x0a";
  for (std::size_t n = stream.size(); n > 0; n >>= 7)
    body += static_cast<char>((n & 0x7F) | (n > 0x7F ? 0x80 : 0));
  body += stream;
  const auto r = parse_push_protobuf(body);
  ASSERT_TRUE(r) << r.error().message();
  ASSERT_EQ(r->streams.size(), 1u);
  EXPECT_EQ(r->streams[0].entries.size(), limits::kMaxRowsPerRequest);
  EXPECT_EQ(r->errors.size(), 150'000 - limits::kMaxRowsPerRequest);
}

TEST(LabelString, EscapesAndErrors) {
  const auto l = parse_label_string(R"( {a="x\n\"\u00e9\x41", b=`raw\n`,} )");
  ASSERT_TRUE(l) << l.error().message();
  EXPECT_EQ(l->get("a"),
            "x\n\"\xC3\xA9"
            "A");
  EXPECT_EQ(l->get("b"), "raw\\n");
  for (const auto* bad :
       {"", "{", "{a}", "{a=b}", "{a=\"b}", "{a=\"b\"} x", "{a=\"\\q\"}", "{a=\"b\" c=\"d\"}"})
    EXPECT_FALSE(parse_label_string(bad)) << bad;
}

TEST(Discover, Service) {
  EXPECT_EQ(discover_service_name(Labels({{"job", "j"}, {"app", "a"}})), "a");
  EXPECT_EQ(discover_service_name({}), "");
}

}  // namespace
}  // namespace telltale::wire::loki
