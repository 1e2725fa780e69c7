// What rules may say (how they group is in tests/corpus/grouping/rules.txt), and the preview of a change.
#include "errors/rules.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/input_limits.hpp"
#include "base/log.hpp"
#include "errors/glob.hpp"
#include "errors/preview.hpp"
#include "errors/project_rules.hpp"
#include "metadb/metadb.hpp"

namespace telltale::errors {
namespace {

std::string problem(std::string_view stack, std::string_view fingerprint = "") {
  const auto rules = GroupingRules::parse(stack, fingerprint);
  return rules ? "" : rules.error().message();
}

TEST(GroupingRules, SayWhereTheyAreWrong) {
  EXPECT_EQ(problem("# nothing\n\n"), "");
  EXPECT_EQ(problem("path:**/x/** -app\nfunction:f"), "stack_rules, line 2: no action, such as -app");
  EXPECT_EQ(problem("-app"), "stack_rules, line 1: no matcher");
  EXPECT_EQ(problem("colour:red -app"), "stack_rules, line 1: there is no matcher colour");
  EXPECT_EQ(problem("function +app"), "stack_rules, line 1: function is no matcher: wants name:pattern");
  EXPECT_EQ(problem("function:f +bold"),
            "stack_rules, line 1: +bold is no action: wants +app, -app, +group or -group");
  EXPECT_EQ(problem("function:f -app module:m"), "stack_rules, line 1: module:m stands behind the actions");
  EXPECT_EQ(problem("app:perhaps -group"), "stack_rules, line 1: app: wants yes or no");
  EXPECT_EQ(problem("function:f[ -app"), "stack_rules, line 1: a [ without its ]");
  EXPECT_EQ(problem("function:f max-frames=many"),
            "stack_rules, line 1: max-frames: wants a number under 10000");
  EXPECT_EQ(problem("[ function:f | module:m -app"), "stack_rules, line 1: a [ without its ]");
  EXPECT_EQ(problem("[ logger:f ] | module:m -app"), "stack_rules, line 1: logger:f is not of a frame");
  EXPECT_EQ(problem("", "type:A"), "fingerprint_rules, line 1: no -> between matchers and values");
  EXPECT_EQ(problem("", "type:A ->"), "fingerprint_rules, line 1: no value behind the ->");
  EXPECT_EQ(problem("", "-> x"), "fingerprint_rules, line 1: no matcher");
  EXPECT_EQ(problem("", "type:A -> {{ default"), "fingerprint_rules, line 1: a {{ without its }}");
  EXPECT_EQ(problem("", "type:A -> x title=\"y"), "fingerprint_rules, line 1: a quote that does not end");
  EXPECT_EQ(problem("", "type:\"A -> x"), "fingerprint_rules, line 1: a quote that does not end");
  std::string patterns = "level:?";
  for (int i = 0; i < 1000; ++i) patterns += ",?";
  EXPECT_EQ(problem(patterns + " -app\n" + patterns + " -app"),
            fmt::format("stack_rules: more than {} patterns", limits::kMaxGroupingPatterns));
  EXPECT_EQ(problem("function:" + std::string(limits::kMaxGroupingRuleBytes, 'x') + " -app"),
            fmt::format("stack_rules, line 1: longer than {} bytes", limits::kMaxGroupingRuleBytes));
  std::string many;
  for (std::size_t i = 0; i <= limits::kMaxGroupingRules; ++i) many += fmt::format("function:f{} -app\n", i);
  EXPECT_EQ(problem(many), fmt::format("stack_rules: more than {} rules", limits::kMaxGroupingRules));
}

TEST(GroupingRules, OfAProject) {
  EXPECT_FALSE(parse_rule_texts("[]"));
  EXPECT_EQ(parse_rule_texts(R"({"stack_rules": 1})").error().message(),
            "stack_rules: wants a text, a rule a line");
  EXPECT_FALSE(parse_rule_texts(R"({"rules": ""})"));
  EXPECT_FALSE(parse_rule_texts(R"({"stack_rules": "nonsense"})"));
  EXPECT_FALSE(parse_rule_texts(
      fmt::format(R"({{"stack_rules": "{}"}})", std::string(limits::kMaxGroupingRulesBytes + 1, '#'))));
  const auto texts = parse_rule_texts(R"({"fingerprint_rules": "type:A -> a"})");
  ASSERT_TRUE(texts);
  EXPECT_EQ(parse_rule_texts(rule_texts_json(*texts))->fingerprint, "type:A -> a");
  ProjectRules rules;
  EXPECT_TRUE(rules.of({1})->empty());
  ASSERT_TRUE(rules.set({1}, *texts));
  EXPECT_FALSE(rules.of({1})->empty());
  EXPECT_TRUE(rules.of({2})->empty());
  EXPECT_EQ(rules.texts({1}).fingerprint, "type:A -> a");
  EXPECT_FALSE(rules.set({1}, {"nonsense", ""}));
  EXPECT_EQ(rules.texts({1}).fingerprint, "type:A -> a");
}

TEST(Glob, Matches) {
  struct Case {
    const char* pattern;
    Glob::Kind kind;
    const char* text;
    bool yes;
  };
  using Kind = Glob::Kind;
  const Case cases[] = {
      {"load", Kind::text, "load", true},
      {"load", Kind::text, "Load", false},
      {"load*", Kind::text, "load_all", true},
      {"*load", Kind::text, "preload", true},
      {"*load*", Kind::text, "preloaded", true},
      {"l?ad", Kind::text, "load", true},
      {"l?ad", Kind::text, "lad", false},
      {"l[ao]ad", Kind::text, "load", true},
      {"l[!o]ad", Kind::text, "load", false},
      {"a.b*", Kind::text, "axb", false},
      {"pool*", Kind::words, "PoolTimeout", true},
      {"*", Kind::text, "", true},
      {"src/x.py", Kind::path, "src/x.py", true},
      {"src/x.py", Kind::path, "/src/X.py", true},
      {"src/x.py", Kind::path, "/srv/src/x.py", false},
      {"**/src/**", Kind::path, "src/x.py", true},
      {"**/src/**", Kind::path, "C:\\app\\src\\x.py", true},
      {"**/src/*.py", Kind::path, "/a/src/x.py", true},
      {"**/src/*.py", Kind::path, "/a/src/b/x.py", false},
      {"*.min.js", Kind::path, "app.min.js", true},
      {"*/vendor/**", Kind::path, "lib/vendor/x.js", true},
      {"/usr/lib**", Kind::path, "/usr/lib64/libc.so", true},
  };
  for (const Case& c : cases) {
    const auto glob = Glob::parse(c.pattern, c.kind);
    ASSERT_TRUE(glob) << c.pattern;
    const std::string text = c.kind == Kind::path ? Glob::path_form(c.text) : c.text;
    EXPECT_EQ(glob->matches(text), c.yes) << c.pattern << " on " << c.text;
  }
}

TEST(GroupingPreview, SaysWhatWouldMove) {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  const auto fs = io::make_memory_file_system();
  const auto db = metadb::open_metadb(*fs, "data", clock, log, metrics);
  ASSERT_TRUE(db);
  const auto event = [](std::string type, std::string function) {
    GroupingInput in;
    in.platform = "python";
    GroupingException e;
    e.type = std::move(type);
    GroupingFrame frame;
    frame.function = std::move(function);
    frame.module = "shop";
    frame.in_app = true;
    e.frames = {frame};
    in.exceptions = {e};
    return in;
  };
  std::vector<PreviewEvent> events;
  const auto keep = [&](const GroupingInput& input) {
    const auto group = group_event(input, GroupingRules::none());
    const auto found = *(*db)->issues().find_by_hash({1}, group.variants[0].hash);
    storage::Issue fresh;
    fresh.project = {1};
    const auto id = found ? *found : (*db)->issues().add(fresh)->id;
    for (const auto& v : group.variants) ASSERT_TRUE((*db)->issues().bind_hash({1}, v.hash, id));
    events.push_back({id, std::to_string(events.size()), input});
  };
  keep(event("Timeout", "load"));
  keep(event("Timeout", "save"));
  keep(event("Timeout", "save"));
  keep(event("KeyError", "load"));
  WorkContext context(clock, {});
  const auto preview = [&](std::string_view fingerprint) {
    const auto rules = GroupingRules::parse("", fingerprint);
    return *preview_grouping(**db, {1}, events, **rules, context);
  };
  EXPECT_EQ(preview("").unchanged, 4u);
  const auto merged = preview("type:Timeout -> timeouts");
  EXPECT_EQ(merged.events, 4u);
  EXPECT_EQ(merged.unchanged, 1u);
  ASSERT_EQ(merged.moves.size(), 2u);
  EXPECT_EQ(merged.moves[0].events, 2u);
  EXPECT_FALSE(merged.moves[0].to);
  EXPECT_EQ(merged.moves[0].fresh, merged.moves[1].fresh) << "they meet";
  EXPECT_EQ(merged.moves[0].event_id, "2") << "the newest";
  const auto split = preview("type:Timeout -> {{ default }} {{ function }}");
  ASSERT_EQ(split.moves.size(), 2u);
  EXPECT_NE(split.moves[0].fresh, split.moves[1].fresh);
}

}  // namespace
}  // namespace telltale::errors
