#include "storage/matcher.hpp"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "base/rng.hpp"

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

TEST(LiteralRegex, IsWhatTheAutomatonSays) {
  static constexpr const char* kPieces[] = {"a", "b",   "ab",  "|", ".*", ".+", "(",
                                            ")", "\\.", "\\d", "x", "?",  "*",  "."};
  static constexpr const char* kTexts[] = {"",    "a", "b",    "ab",   "aab", "x", "xa",
                                           "a.b", ".", "abab", "a\nb", "ba",  "bx"};
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  int literal = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    Rng rng(seed);
    std::string expression;
    for (auto n = rng.below(6); n > 0; --n) expression += kPieces[rng.below(std::size(kPieces))];
    const re2::RE2 regex(expression, options);
    const auto parsed = LiteralRegex::parse(expression);
    if (!regex.ok() || !parsed) continue;
    ++literal;
    for (const char* text : kTexts)
      ASSERT_EQ(parsed->matches(text), re2::RE2::FullMatch(text, regex)) << expression << " on " << text;
  }
  EXPECT_GT(literal, 1'000);
}

TEST(LabelMatcher, Prints) {
  EXPECT_EQ(LabelMatcher::make(MatchOp::nre, "a", "x\"y")->to_string(), "a!~\"x\\\"y\"");
}

}  // namespace
}  // namespace telltale::storage
