#include "logql/parser.hpp"

#include <gtest/gtest.h>

#include "logql/units.hpp"

namespace telltale::logql {
namespace {

TEST(LogqlParser, PrintedTextReadsBackTheSame) {
  for (
      const char* text : {
          R"q({app="web", level=~"err.*"} |= "a" or "b" != "c" |~ "x.y" !~ "z")q",
          R"q({app="web"} |> "<_> done" !> "x <_>" |= ip("10.0.0.0/8") != any("secret"))q",
          R"q(|= "timeout" | json)q",
          R"q({} | json a="b.c[0]", d="d" | logfmt --strict --keep-empty e="e")q",
          R"q({a="b"} | pattern "<ip> - <_>" | regexp "(?P<x>\\d+)" | unpack | decolorize)q",
          R"q({a="b"} | x="y" or (z > 5 and d >= 1h30m) and s <= 5KB or i != ip("::1"))q",
          R"q({a="b"} | line_format "{{.x}}" | label_format a=b, c="{{.d}}" | drop x, y=~"z" | keep k)q",
          R"q(sum by (a, b) (rate({x="y"} | json | unwrap duration(d) | __error__="" [5m] offset -1m)))q",
          R"q(quantile_over_time(0.99, {a="b"} | unwrap x [1h]) without (c, d))q",
          R"q(topk(3, count_over_time({a="b"}[5m])) > bool 1)q",
          R"q((sum(rate({a="b"}[1m])) + vector(0)) * on (x) group_left (y) sum by (x) (rate({a="c"}[1m])) ^ 2 ^ 3)q",
          R"q(label_replace(rate({a="b"}[1m]), "dst", "$1", "src", "(.*)") or vector(-1))q",
          R"q(distinct_over_time(|= "login" | unwrap user_id [1d]) by (plan))q",
      }) {
    auto expr = parse(text);
    ASSERT_TRUE(expr) << text << ": " << expr.error().message();
    EXPECT_EQ(format(*expr), text);
  }
}

TEST(LogqlParser, RangesStandWhereTheyLike) {
  const std::string want = R"q(count_over_time({a="b"} |= "x" | json [5m] offset 1m))q";
  for (const char* text : {R"q(count_over_time({a="b"} |= "x" | json [5m] offset 1m))q",
                           R"q(count_over_time({a="b"}[5m] |= "x" | json offset 1m))q",
                           R"q(count_over_time({a="b"}[5m] offset 1m |= "x" | json))q",
                           R"q(count_over_time(({a="b"} |= "x" | json)[5m] offset 1m))q",
                           R"q(count_over_time(({a="b"} |= "x" | json [5m] offset 1m)))q",
                           R"q(count_over_time(({a="b"})[5m] offset 1m |= "x" | json))q"}) {
    auto expr = parse(text);
    ASSERT_TRUE(expr) << text << ": " << expr.error().message();
    EXPECT_EQ(format(*expr), want) << text;
  }
}

TEST(LogqlParser, ErrorsSayWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"{app=", "line 1, col 6: unexpected end of the query, wanted a string"},
      {"{app=\"x\"} |= 5", "line 1, col 14: unexpected 5, wanted a string"},
      {"rate({a=\"b\"})", "line 1, col 13: unexpected ), wanted a range"},
      {"{a=\"b\"}\n| json\n| line_format x", "line 3, col 15: "},
      {"{a=~\"(\"}", "line 1, col 2: bad regular expression"},
      {"sum(1)", "line 1, col 1: sum stands around a vector"},
      {"count_over_time({a=\"b\"}[5m]) by (a)", "line 1, col 1: grouping is not allowed for count_over_time"},
      {"avg_over_time({a=\"b\"}[5m])", "line 1, col 1: avg_over_time needs an unwrap"},
      {"topk(0, rate({a=\"b\"}[5m]))", "line 1, col 1: topk takes a number greater than 0"},
      {"rate({a=\"b\"}[5x])", "line 1, col 14: not a range"},
      {"{a=\"b\"} | label_format a=b, a=c", "col 29: label a appears twice"},
      {"{a=\"b\"} |= ip(\"1.2.3\")", "ip(\"1.2.3\"): wanted an address"},
      {"{a=\"b\"} + 1", "line 1, col 9: + stands between metrics"},
      {"\xff", "line 1, col 1: unexpected character"},
  };
  for (const auto& [text, part] : cases) {
    auto expr = parse(text);
    ASSERT_FALSE(expr) << text;
    EXPECT_TRUE(expr.error().message().starts_with("parse error at line ")) << expr.error().message();
    EXPECT_NE(expr.error().message().find(part), std::string::npos) << text << ": " << expr.error().message();
  }
}

TEST(LogqlUnits, DurationsAndBytesAsGoReadsThem) {
  EXPECT_EQ(parse_go_duration("1h2m3.5s"), Nanos(3723'500'000'000));
  EXPECT_EQ(parse_go_duration("-1.5h"), Nanos(-5400'000'000'000));
  EXPECT_EQ(parse_go_duration("100\xC2\xB5s"), Nanos(100'000));
  EXPECT_EQ(parse_go_duration("0.000000001s"), Nanos(1));
  EXPECT_EQ(parse_go_duration("1d"), std::nullopt);
  EXPECT_EQ(parse_go_duration("5"), std::nullopt);
  EXPECT_EQ(parse_any_duration("1d"), Nanos(86'400'000'000'000));
  EXPECT_EQ(format_go_duration(Nanos(5'400'000'000'000)), "1h30m0s");
  EXPECT_EQ(format_go_duration(Nanos(1'500'000)), "1.5ms");
  EXPECT_EQ(parse_byte_size("1.5KiB"), 1536u);
  EXPECT_EQ(parse_byte_size("42 MB"), 42'000'000u);
  EXPECT_EQ(parse_byte_size("1,024"), 1024u);
  EXPECT_EQ(parse_byte_size("x"), std::nullopt);
  EXPECT_EQ(format_plain_float(1e21), "1e+21");
  EXPECT_EQ(format_plain_float(1e20), "100000000000000000000");
  EXPECT_EQ(format_go_float(1e6), "1e+06");
  EXPECT_EQ(format_go_float(0.1), "0.1");
  EXPECT_EQ(parse_go_float("0x1p-2"), 0.25);
  EXPECT_EQ(parse_go_float(" 1"), std::nullopt);
}

}  // namespace
}  // namespace telltale::logql
