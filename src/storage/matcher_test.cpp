#include "storage/matcher.hpp"

#include <gtest/gtest.h>

namespace telltale::storage {
namespace {

bool hits(MatchOp op, std::string value, std::string_view text) {
  return LabelMatcher::make(op, "l", std::move(value))->matches(text);
}

TEST(LabelMatcher, RegexIsAnchoredAndDotMatchesNewline) {
  EXPECT_TRUE(hits(MatchOp::re, "a|bc", "bc"));
  EXPECT_FALSE(hits(MatchOp::re, "a|bc", "abc"));
  EXPECT_TRUE(hits(MatchOp::re, "a.c", "a\nc"));
  EXPECT_TRUE(hits(MatchOp::nre, "a.c", "xa\nc"));
  EXPECT_TRUE(hits(MatchOp::re, ".*", ""));
  EXPECT_FALSE(hits(MatchOp::re, ".+", ""));
}

TEST(LabelMatcher, AbsentIsEmpty) {
  const auto m = *LabelMatcher::make(MatchOp::eq, "env", "");
  EXPECT_TRUE(m.matches(Labels(std::vector<Label>{{"a", "b"}})));
  EXPECT_FALSE(m.matches(Labels(std::vector<Label>{{"env", "b"}})));
  EXPECT_TRUE(m.matches_empty());
  EXPECT_FALSE(LabelMatcher::make(MatchOp::ne, "env", "")->matches_empty());
}

TEST(LabelMatcher, NamesTheBadExpression) {
  const auto m = LabelMatcher::make(MatchOp::re, "job", "a(");
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().kind(), ErrorKind::invalid_argument);
  EXPECT_NE(m.error().message().find("job"), std::string::npos);
}

TEST(LabelMatcher, Prints) {
  EXPECT_EQ(LabelMatcher::make(MatchOp::nre, "a", "x\"y")->to_string(), "a!~\"x\\\"y\"");
}

}  // namespace
}  // namespace telltale::storage
