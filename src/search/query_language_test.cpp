// The search language against its corpus (tests/corpus/search; its README says the form).
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/context.hpp"
#include "search/condition.hpp"

namespace telltale::search {
namespace {

std::string_view sign(Comparison c) {
  switch (c) {
    case Comparison::equal:
      return "=";
    case Comparison::greater:
      return ">";
    case Comparison::greater_equal:
      return ">=";
    case Comparison::less:
      return "<";
    case Comparison::less_equal:
      return "<=";
  }
  return "?";
}

std::string shown(const Condition& c) {
  if (c.has) return "has " + c.name;
  std::vector<std::string> values;
  for (const Pattern& p : c.values) values.push_back(fmt::format("'{}'", fmt::join(p.pieces, "'*'")));
  for (const double n : c.numbers) values.push_back(fmt::format("{}", n));
  for (const Level level : c.levels) values.emplace_back(to_string(level));
  if (c.nobody) values.emplace_back("nobody");
  if (c.name.empty()) return fmt::format("words {}", fmt::join(values, " "));
  std::string out = c.name + std::string(c.field == nullptr ? " (tag) " : " ");
  if (c.field != nullptr && c.field->kind == FieldKind::time) {
    if (c.times.from.ns != INT64_MIN) out += "from " + format_rfc3339(c.times.from);
    if (c.times.to.ns != INT64_MAX)
      out += fmt::format("{}to {}", out.back() == ' ' ? "" : " ", format_rfc3339(c.times.to));
    return out;
  }
  if (c.field != nullptr && c.field->kind == FieldKind::boolean) return out + (c.truth ? "true" : "false");
  return fmt::format("{}{} {}", out, c.levels.empty() ? sign(c.comparison) : "=", fmt::join(values, " or "));
}

std::string shown(const Conditions& tree) {
  if (tree.kind == Tree::Kind::term) return shown(tree.condition);
  std::vector<std::string> children;
  for (const Conditions& child : tree.children) children.push_back(shown(child));
  const char* name = tree.kind == Tree::Kind::any ? "any" : tree.kind == Tree::Kind::none ? "not" : "all";
  return fmt::format("{}({})", name, fmt::join(children, ", "));
}

TEST(QueryLanguage, MeansWhatTheCorpusSays) {
  std::size_t cases = 0;
  const auto now = parse_rfc3339("2026-01-31T12:00:00Z").value();
  for (const auto& file : std::filesystem::directory_iterator(TELLTALE_SOURCE_DIR "/tests/corpus/search")) {
    if (file.path().extension() != ".txt") continue;
    std::ifstream in(file.path());
    QueryContext context{
        file.path().stem().string().starts_with("traces") ? Subject::traces : Subject::issues, now,
        "ann@example.com"};
    std::string line, query;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
      if (line.empty() || line.starts_with("#")) continue;
      if (!line.starts_with("    ")) {
        query = line == "(blank)" ? "" : line;
        continue;
      }
      const auto got = understand(query, context);
      EXPECT_EQ(line.substr(4), got ? shown(*got) : "error: " + got.error().message())
          << file.path().filename() << ":" << number << ": " << query;
      ++cases;
    }
  }
  EXPECT_GT(cases, 80u);
}

TEST(Pattern, MatchesWholeTextsAndFindsParts) {
  const auto pattern = [](std::string_view text) { return parse_query(text)->term.values.front(); };
  EXPECT_TRUE(pattern("1.2.*").matches("1.2.3"));
  EXPECT_FALSE(pattern("1.2.*").matches("11.2.3"));
  EXPECT_TRUE(pattern("a*b*c").matches("abbc"));
  EXPECT_FALSE(pattern("a*ba*a").matches("aba")) << "pieces do not overlap";
  EXPECT_TRUE(pattern("*").matches(""));
  EXPECT_TRUE(pattern("\"a*\"").matches("abc")) << "stars work in quotes, too";
  EXPECT_TRUE(pattern("a\\*").matches("a*"));
  EXPECT_FALSE(pattern("a\\*").matches("ab"));
  EXPECT_TRUE(pattern("TIME*out").found_in("a timed-OUT pool"));
  EXPECT_FALSE(pattern("out*time").found_in("a timed-out pool"));
}

TEST(QueryLanguage, IsBounded) {
  EXPECT_FALSE(parse_query(std::string(5'000, 'a')));
  EXPECT_FALSE(parse_query(std::string(100, '(') + "a" + std::string(100, ')')));
  std::string many;
  for (int i = 0; i < 101; ++i) many += "a:b ";
  EXPECT_FALSE(parse_query(many));
  EXPECT_FALSE(parse_query("a*b*c*d*e*f*g*h*i*j"));
  EXPECT_FALSE(parse_query("\xff"));
  std::string nots(200, '!');
  EXPECT_FALSE(parse_query(nots + "a"));
}

}  // namespace
}  // namespace telltale::search
