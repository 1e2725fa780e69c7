// What is off is refused by its flag's name; what is on is understood.
#include "promql/features.hpp"

#include <gtest/gtest.h>

#include "promql/parser.hpp"

namespace telltale::promql {
namespace {

std::string refusal(const char* text, Features features) {
  const auto expr = parse(text);
  if (!expr) return expr.error().message();
  const auto checked = check_features(text, **expr, features);
  return checked ? "" : checked.error().message();
}

TEST(PromqlFeatures, AQueryThatUsesWhatIsOffIsToldTheFlag) {
  const std::pair<const char*, const char*> cases[] = {
      {"1 + mad_over_time(a[5m])", "promql-experimental-functions"},
      {"sum(limitk(3, a))", "promql-experimental-functions"},
      {"a > scalar(vector(step()))", "promql-experimental-functions"},
      {"start_timestamp(a)", "promql-experimental-functions"},
      {"rate(a[5m] anchored)", "promql-extended-range-selectors"},
      {"topk(3, a smoothed)", "promql-extended-range-selectors"},
      {"a + fill(0) b", "promql-binop-fill-modifiers"}};
  for (const auto& [text, flag] : cases) {
    const std::string off = refusal(text, {});
    EXPECT_NE(off.find(flag), std::string::npos) << text << ": " << off;
    EXPECT_NE(off.find("parse error"), std::string::npos) << off;
    EXPECT_EQ(refusal(text, Features::all()), "") << text;
    EXPECT_EQ(refusal(text, *Features::parse({flag})), "") << text;
  }
  EXPECT_EQ(refusal("rate(a[step() * 5])", {}), "") << "computed durations need no flag";
  EXPECT_EQ(refusal("first_over_time(a[5m]) @ start()", {}).find("flag"), std::string::npos);
}

TEST(PromqlFeatures, NamesAreThoseOfTheFlags) {
  const auto wrong = Features::parse({"promql-everything"});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("promql-everything"), std::string::npos);
  EXPECT_NE(wrong.error().message().find("use-start-timestamps"), std::string::npos);
  const auto some = Features::parse({"use-start-timestamps", "type-and-unit-labels"});
  ASSERT_TRUE(some);
  EXPECT_TRUE(some->has(Feature::start_timestamps));
  EXPECT_TRUE(some->has(Feature::type_and_unit_labels));
  EXPECT_FALSE(some->has(Feature::delayed_name_removal));
}

}  // namespace
}  // namespace telltale::promql
