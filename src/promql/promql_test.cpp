#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "promql/conformance/runner.hpp"
#include "promql/engine.hpp"
#include "promql/parser.hpp"

namespace telltale::promql {
namespace {

TEST(PromqlCorpus, OwnFilesPass) {
  const SystemClock clock;
  for (const auto& file : std::filesystem::directory_iterator(TELLTALE_SOURCE_DIR "/tests/corpus/promql")) {
    if (file.path().extension() != ".test") continue;
    std::ifstream in(file.path());
    std::stringstream text;
    text << in.rdbuf();
    const auto report = run_conformance(text.str(), file.path().filename().string(), clock);
    EXPECT_GT(report.passed, 0);
    for (const std::string& failure : report.failures) ADD_FAILURE() << failure;
  }
}

TEST(PromqlPrinter, ValuesHaveTheFewestDigitsAndNoExponent) {
  for (const auto& [value, text] : {std::pair<double, const char*>{1.5, "1.5"},
                                    {-0.25, "-0.25"},
                                    {100, "100"},
                                    {1e23, "100000000000000000000000"},
                                    {123456789.125, "123456789.125"},
                                    {1e-7, "0.0000001"},
                                    {0.1 + 0.2, "0.30000000000000004"},
                                    {5e-324, nullptr},
                                    {1.7976931348623157e308, nullptr},
                                    {-0.0, "-0"}}) {
    const std::string printed = format_value(value);
    if (text != nullptr) {
      EXPECT_EQ(printed, text);
    }
    EXPECT_EQ(std::strtod(printed.c_str(), nullptr), value);
    EXPECT_EQ(printed.find('e'), std::string::npos);
  }
}

TEST(PromqlParser, PrintedTextReadsBackTheSame) {
  for (const char* text : {"a + on (x) group_left (y) b",
                           "sum by (a, b) (rate(x{y=~\"z\"}[5m] offset -1m))",
                           "-a ^ 2",
                           "Inf ^ a",
                           "{\"my.metric\",\"lab.el\"=\"x\"} @ 1.500",
                           "max_over_time(a[1h:1m] @ end())",
                           "count_values(\"v\", a) > bool 1",
                           "topk(3, a) or b unless c",
                           "a + on (x) fill_left (1) fill_right (-2) b",
                           "a / ignoring (x) group_left (y) fill (0) b",
                           "rate(a[5m * 2])",
                           "a offset -(step() / 2)",
                           "max_over_time(a[min_of(range(), 1h):30s + 30s] offset (1h % 7m))",
                           "limit_ratio(-0.25, a)",
                           "sort_by_label(a, \"x\", \"y\")",
                           "rate(a[5m] anchored offset 1m)",
                           "a smoothed @ 5.000",
                           "info(a, {b=~\".*\"})",
                           "h </ 1.5 > bool -Inf >/ b",
                           "histogram_count(a >/ on (x) b)"}) {
    auto expr = parse(text);
    ASSERT_TRUE(expr) << text << ": " << expr.error().message();
    EXPECT_EQ(to_string(**expr), text);
  }
}

TEST(PromqlParser, DepthAndLengthOfChainsAreBounded) {
  const auto repeated = [](const std::string& text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  EXPECT_TRUE(parse(repeated("1+", 1000) + "1"));
  for (const std::string& text : {repeated("1+", 1001) + "1", repeated("a or ", 100'000) + "a",
                                  repeated("(1+", 80) + repeated("1+", 950) + "1" + repeated(")", 80)}) {
    const auto expr = parse(text);
    ASSERT_FALSE(expr);
    EXPECT_NE(expr.error().message().find("more than 1000 operators"), std::string::npos)
        << expr.error().message();
  }
  EXPECT_FALSE(parse(repeated("(", 100'000) + "1" + repeated(")", 100'000)));
}

TEST(PromqlParser, ErrorsSayWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"a + ", "1:5: parse error: "},
      {"foo(1)", "1:1: parse error: unknown function"},
      {"sum(1)", "1:5: parse error: "},
      {"a[5m", "1:5: parse error: "},
      {"a[5m - 5m]", "1:3: parse error: duration must"},
      {"a[1h / (5m - 300)]", "1:8: parse error: division by"},
      {"a offset (rate())", "1:11: parse error: unexpected"},
      {"a and fill(0) b", "1:7: parse error: filling in"},
      {"a + fill(0) fill_left(1) b", "1:13: parse error: "},
      {"info(a, b)", "1:9: parse error: expected label"},
      {"deriv(a[1m] smoothed)", "1:7: parse error: smoothed modifier can"},
      {"a anchored", "1:3: parse error: anchored modifier must"},
      {"a[5m:1m] smoothed", "1:10: parse error: smoothed modifier is"},
      {"rate(a[1m] smoothed anchored)", "1:21: parse error: "},
      {"a + fill(0) 1", "1:3: parse error: filling in"},
      {"1 </ 2", "1:3: parse error: operator"},
      {"{}", "1:1: parse error: vector sel"},
      {"a\n+ \"x\"", "2:3: parse error: "},
      {"1 == 1", "1:3: parse error: comparisons"}};
  for (const auto& [text, start] : cases) {
    auto expr = parse(text);
    ASSERT_FALSE(expr) << text;
    EXPECT_TRUE(expr.error().message().starts_with(start)) << expr.error().message();
  }
}

}  // namespace
}  // namespace telltale::promql
