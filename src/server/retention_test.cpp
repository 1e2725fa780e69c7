// Retention out of the settings, on the whole way in: what is left as the days pass, by the clock of the
// test.
#include "server/retention.hpp"

#include <set>

#include <fmt/format.h>

#include "server/stores_rig.hpp"

namespace telltale::server {
namespace {

constexpr Nanos kOneDay = std::chrono::hours(24);

config::RetentionRule written_rule(std::string selector, Nanos keep, ProjectId project = ProjectId{0}) {
  config::RetentionRule rule;
  rule.selector = std::move(selector);
  rule.keep = keep;
  rule.project = project;
  rule.place = "telltale.yml:7:";
  return rule;
}

TEST(Retention, ARuleIsKnownByWhatItMeansNotByHowItIsWritten) {
  config::RetentionConfig one;
  one.rules = {written_rule(R"({service="a", level="debug"})", kOneDay),
               written_rule(R"({service="b"})", kOneDay)};
  config::RetentionConfig other;
  other.rules = {written_rule(R"({ level = "debug",service="a" })", 9 * kOneDay),
                 written_rule(R"({service="b"})", kOneDay, ProjectId{2})};
  const auto a = event_retention(one);
  const auto b = event_retention(other);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->rules[0].id, b->rules[0].id);
  EXPECT_NE(a->rules[1].id, b->rules[1].id) << "of another project";
  EXPECT_NE(a->rules[0].id, a->rules[1].id);
}

TEST(Retention, WrongRulesAreNamedByTheirLine) {
  for (const auto& [selector, problem] :
       {std::pair{R"({service="a")", "parse error"}, {"{}", "names no label"}, {R"({a=~"("})", "selector"}}) {
    config::RetentionConfig config;
    config.rules = {written_rule(selector, kOneDay)};
    const auto made = event_retention(config);
    ASSERT_FALSE(made) << selector;
    EXPECT_EQ(made.error().message().find("telltale.yml:7: retention.rules"), 0u) << made.error().message();
    EXPECT_NE(made.error().message().find(problem), std::string::npos) << made.error().message();
  }
  config::RetentionConfig twice;
  twice.rules = {written_rule(R"({a="b"})", kOneDay), written_rule(R"({a = "b"})", 2 * kOneDay)};
  EXPECT_NE(event_retention(twice).error().message().find("is there twice"), std::string::npos);
}

TEST(Retention, RulesOfMetricsAreTheirOwn) {
  config::RetentionConfig config;
  config.metrics = 90 * kOneDay;
  config.rules = {written_rule(R"({__name__=~"debug_.*"})", 7 * kOneDay),
                  written_rule(R"({service="a"})", kOneDay), written_rule("served", kOneDay, ProjectId{2})};
  config.rules[0].table = config.rules[2].table = "metrics";
  config::ProjectRetention own;
  own.project = ProjectId{2};
  own.metrics = 30 * kOneDay;
  config.projects = {own};
  const auto metrics = metric_retention(config);
  ASSERT_TRUE(metrics) << metrics.error().message();
  EXPECT_EQ(metrics->keep, 90 * kOneDay);
  EXPECT_EQ(metrics->projects.at(ProjectId{2}), 30 * kOneDay);
  ASSERT_EQ(metrics->rules.size(), 2u);
  EXPECT_EQ(metrics->rules[0].keep, 7 * kOneDay);
  EXPECT_EQ(metrics->rules[1].project, ProjectId{2});
  EXPECT_EQ(event_retention(config)->rules.size(), 1u);
  config.rules.push_back(config.rules[0]);
  EXPECT_NE(metric_retention(config).error().message().find("is there twice"), std::string::npos);
  for (const char* wrong : {"{}", "sum(a)", R"({a=~"("})"}) {
    config.rules = {written_rule(wrong, kOneDay)};
    config.rules[0].table = "metrics";
    const auto made = metric_retention(config);
    ASSERT_FALSE(made) << wrong;
    EXPECT_EQ(made.error().message().find("telltale.yml:7: retention.rules: selector"), 0u)
        << made.error().message();
  }
}

TEST(Retention, ThirtyDaysUnlessAProjectOrARuleSaysOtherwise) {
  rig::Rig rig;
  ASSERT_EQ(rig.config.retention.logs, 30 * kOneDay) << "the default";
  config::ProjectRetention own;
  own.project = ProjectId{2};
  own.logs = 7 * kOneDay;
  rig.config.retention.projects = {own};
  rig.config.retention.rules = {written_rule(R"({app="noisy", level="debug"})", 2 * kOneDay),
                                written_rule(R"({app=~"audit|billing"})", 365 * kOneDay, ProjectId{2})};
  ASSERT_TRUE(rig.open());
  const auto push = [&](std::uint32_t project, const char* app, const char* level) {
    const std::string body = fmt::format(
        R"({{"streams":[{{"stream":{{"app":"{}","level":"{}"}},"values":[["{}","{} {} {}"]]}}]}})", app,
        level, rig.clock.now().ns, project, app, level);
    return rig.ingest->loki_push(ProjectId{project}, body, ingest::LokiFormat::json).has_value();
  };
  for (const std::uint32_t project : {1U, 2U}) {
    ASSERT_TRUE(push(project, "noisy", "debug") && push(project, "noisy", "info") &&
                push(project, "billing", "info"));
  }
  ASSERT_TRUE(rig.settle());
  ASSERT_TRUE(rig.stores->pipeline().checkpoint(true));
  const auto left = [&] {
    EXPECT_TRUE(rig.stores->maintain());
    storage::EventQuery query;
    query.projects = {ProjectId{1}, ProjectId{2}};
    WorkContext context(rig.clock, WorkLimits{});
    std::set<std::string> out;
    const auto rows = storage::collect(rig.stores->events(), query, context);
    EXPECT_TRUE(rows);
    for (const EventRow& row : *rows) out.insert(row.message);
    return out;
  };
  using Left = std::set<std::string>;
  EXPECT_EQ(left().size(), 6u);
  rig.clock.advance(4 * kOneDay);
  EXPECT_EQ(left(), (Left{"1 noisy info", "1 billing info", "2 noisy info", "2 billing info"}));
  rig.clock.advance(5 * kOneDay);
  EXPECT_EQ(left(), (Left{"1 noisy info", "1 billing info", "2 billing info"}));
  rig.close();
  ASSERT_TRUE(rig.open());
  rig.clock.advance(20 * kOneDay);
  EXPECT_EQ(left(), (Left{"1 noisy info", "1 billing info", "2 billing info"})) << "29 days";
  rig.clock.advance(3 * kOneDay);
  EXPECT_EQ(left(), Left{"2 billing info"});
  EXPECT_EQ(*rig.stores->verify(), std::vector<std::string>{});
  rig.close();
}

TEST(Retention, CountsOfIssuesByHourGoWithTheErrors) {
  rig::Rig rig;
  config::ProjectRetention own;
  own.project = ProjectId{2};
  own.errors = 60 * kOneDay;
  rig.config.retention.errors = 7 * kOneDay;
  rig.config.retention.projects = {own};
  ASSERT_TRUE(rig.open());
  auto& issues = rig.stores->records().issues();
  storage::Issue made;
  made.project = ProjectId{1};
  const auto id = issues.add(made)->id;
  for (int day = 0; day < 70; ++day)
    ASSERT_TRUE(issues.add_hour_count(id, rig.clock.now() - day * kOneDay, 1));
  const auto days = [&] {
    EXPECT_TRUE(rig.stores->maintain());
    return issues.hour_counts(id, {})->size();
  };
  EXPECT_EQ(days(), 61u) << "today and as long as the project that keeps its errors longest";
  rig.config.retention.projects.clear();
  rig.stores->set_retention(*metric_retention(rig.config.retention), *event_retention(rig.config.retention));
  EXPECT_EQ(days(), 32u) << "trends show thirty";
  rig.config.retention.rules = {written_rule(R"({app="audit"})", 40 * kOneDay)};
  rig.config.retention.rules[0].table = "errors";
  rig.stores->set_retention(*metric_retention(rig.config.retention), *event_retention(rig.config.retention));
  rig.clock.advance(5 * kOneDay);
  EXPECT_EQ(days(), 32u);
  rig.close();
}

}  // namespace
}  // namespace telltale::server
