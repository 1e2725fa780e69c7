// Rules over log lines, made as through the API: their alerts, their life, and what cannot be.
#include "alerting/kept_rules.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "io/file_system.hpp"
#include "metadb/metadb.hpp"
#include "promql/conformance/test_store.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::alerting {
namespace {

using std::chrono::seconds;

/// Log rows in memory, a rule manager over them, rules from the API, and what was told to whom.
struct LogRulesRig {
  FakeClock clock;
  MetricsRegistry metrics;
  Logger log{clock, LogLevel::error, null_sink()};
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  std::unique_ptr<metadb::MetaDb> records = *metadb::open_metadb(*fs, "meta", clock, log, metrics);
  promql::TestStore numbers;
  promql::Engine engine{numbers};
  storage::MemoryEventStore logs;
  std::vector<Alert> told;
  std::vector<std::pair<Labels, Sample>> written;
  std::unique_ptr<RuleManager> manager;
  std::unique_ptr<KeptRules> rules;
  std::uint64_t sequence = 0;

  LogRulesRig() { start(); }
  void start() {
    manager = std::make_unique<RuleManager>(
        RuleQueries(engine, &logs), clock,
        [this](ProjectId, std::vector<std::pair<Labels, Sample>> samples) -> Result<> {
          for (auto& s : samples) written.push_back(std::move(s));
          return {};
        },
        [this](ProjectId, const std::vector<Alert>& alerts) {
          told.insert(told.end(), alerts.begin(), alerts.end());
        },
        nullptr, metrics);
    rules = std::make_unique<KeptRules>(*records, *manager, clock, log);
    ASSERT_TRUE(rules->load());
  }
  void line(const std::string& app, const std::string& text, ProjectId project = ProjectId{1}) {
    storage::Batch batch;
    batch.project = project;
    EventRow row;
    row.project = project;
    row.time = clock.now();
    row.message = text;
    row.set("app", app, AttrKind::label);
    batch.logs.push_back(std::move(row));
    ASSERT_TRUE(logs.apply(Sequence{++sequence}, batch));
  }
  void pass(int times) {
    for (int i = 0; i < times; ++i) {
      clock.advance(seconds(10));
      manager->tick();
    }
  }
  RuleStatus status(const std::string& name) {
    for (const auto& group : manager->status({ProjectId{1}, ProjectId{2}}))
      if (group.group.name == name) return group.rules[0];
    return {};
  }
};

Result<RuleRecord> made(LogRulesRig& rig, const std::string& json, ProjectId project = ProjectId{1}) {
  RuleDefinition d;
  TT_TRY(change_definition(json, d));
  return rig.rules->add(project, std::move(d), "ada");
}

constexpr const char* kTimeouts =
    R"j({"name":"Timeouts","language":"logql","expr":"sum by (app) (count_over_time(|= \"timeout\" [1m])) > 1",
        "for":"20s","interval":"10s","severity":"page","annotations":{"summary":"{{ $value }} in {{ $labels.app }}"},
        "receivers":["ops"]})j";

TEST(KeptRules, AnAlertOverLogLinesLivesFromPendingToResolved) {
  LogRulesRig rig;
  const auto rule = made(rig, kTimeouts);
  ASSERT_TRUE(rule) << rule.error().message();
  rig.line("shop", "timeout a");
  rig.pass(1);
  EXPECT_EQ(rig.status("Timeouts").state, AlertState::resolved) << "one line is not more than one";
  rig.line("shop", "timeout b");
  rig.line("shop", "all is well");
  rig.line("other", "timeout of another project", ProjectId{2});
  rig.line("other", "timeout of another project", ProjectId{2});
  rig.pass(1);
  const RuleStatus pending = rig.status("Timeouts");
  ASSERT_EQ(pending.state, AlertState::pending) << pending.last_error;
  ASSERT_EQ(pending.alerts.size(), 1U) << "another project's lines are none of its business";
  EXPECT_EQ(pending.alerts[0].labels.to_string(), R"j({alertname="Timeouts", app="shop", severity="page"})j");
  EXPECT_EQ(pending.alerts[0].annotations.get("summary"), "2 in shop");
  EXPECT_EQ(pending.rule.id, rule->kept.id);
  EXPECT_TRUE(rig.told.empty());
  rig.pass(2);
  ASSERT_FALSE(rig.told.empty());
  EXPECT_EQ(rig.told.back().state, AlertState::firing);
  EXPECT_EQ(rig.told.back().receivers, std::vector<std::string>{"ops"});
  rig.pass(7);
  EXPECT_EQ(rig.told.back().state, AlertState::resolved);
}

TEST(KeptRules, ARuleThatIsTakenAwayEndsWhatItHasFiring) {
  LogRulesRig rig;
  const auto rule = made(rig, kTimeouts);
  const auto other =
      made(rig, R"j({"name":"Any","language":"logql","expr":"count_over_time({} [1h])","interval":"10s"
})j");
  ASSERT_TRUE(rule && other);
  rig.line("shop", "timeout a");
  rig.line("shop", "timeout b");
  rig.pass(4);
  ASSERT_EQ(rig.status("Timeouts").state, AlertState::firing);
  const auto any_since = rig.status("Any").alerts.at(0).active_at;
  rig.told.clear();
  rig.written.clear();
  ASSERT_TRUE(rig.rules->remove(rule->kept.id));
  EXPECT_EQ(rig.rules->remove(rule->kept.id).error().kind(), ErrorKind::not_found);
  rig.manager->tick();
  ASSERT_EQ(rig.told.size(), 1U);
  EXPECT_EQ(rig.told[0].state, AlertState::resolved);
  EXPECT_EQ(rig.told[0].labels.get("alertname"), "Timeouts");
  EXPECT_TRUE(std::any_of(rig.written.begin(), rig.written.end(), [](const auto& s) {
    return s.first.get("__name__") == "ALERTS" && is_stale_nan(s.second.value);
  }));
  rig.pass(1);
  EXPECT_EQ(rig.status("Any").alerts.at(0).active_at, any_since) << "other rules keep their alerts";
}

TEST(KeptRules, SurviveARestartAndChangeWhileTheyRun) {
  LogRulesRig rig;
  const auto rule = made(rig, kTimeouts);
  ASSERT_TRUE(rule);
  rig.line("shop", "timeout a");
  rig.line("shop", "timeout b");
  rig.pass(4);
  const auto since = rig.status("Timeouts").alerts.at(0).active_at;
  RuleDefinition d = rule->definition;
  ASSERT_TRUE(change_definition(R"j({"for":"30s","annotations":{"summary":"new"}})j", d));
  ASSERT_TRUE(rig.rules->change(rule->kept.id, d));
  rig.pass(1);
  EXPECT_EQ(rig.status("Timeouts").alerts.at(0).active_at, since);
  EXPECT_EQ(rig.status("Timeouts").alerts.at(0).annotations.get("summary"), "new");
  rig.start();
  rig.line("shop", "timeout c");
  rig.line("shop", "timeout d");
  rig.pass(1);
  EXPECT_EQ(rig.status("Timeouts").rule.hold, seconds(30));
  EXPECT_EQ(rig.status("Timeouts").state, AlertState::pending);
  ASSERT_TRUE(change_definition(R"j({"paused":true})j", d));
  ASSERT_TRUE(rig.rules->change(rule->kept.id, d));
  rig.pass(1);
  EXPECT_TRUE(rig.status("Timeouts").rule.name.empty()) << "a paused rule is not evaluated";
  EXPECT_TRUE(rig.rules->get(rule->kept.id)->definition.paused);
}

TEST(KeptRules, RefuseWhatCannotBe) {
  LogRulesRig rig;
  ASSERT_TRUE(made(rig, kTimeouts));
  EXPECT_EQ(made(rig, kTimeouts).error().kind(), ErrorKind::conflict);
  EXPECT_TRUE(made(rig, kTimeouts, ProjectId{2})) << "names are each project's own";
  const std::pair<const char*, const char*> cases[] = {
      {R"j([])j", "body"},
      {R"j({"expr":"up"})j", "name"},
      {R"j({"name":"a"})j", "expr"},
      {R"j({"name":"a","expr":"sum("})j", "expr"},
      {R"j({"name":"a","expr":"rate(up[step()])"})j", "expr"},
      {R"j({"name":"a","expr":"up","language":"sql"})j", "language"},
      {R"j({"name":"a","expr":"{a=\"b\"}","language":"logql"})j", "expr"},
      {R"j({"name":"a","expr":"up","for":"soon"})j", "for"},
      {R"j({"name":"a","expr":"up","interval":"1s"})j", "interval"},
      {R"j({"name":"a","expr":"up","interval":"0s"})j", "interval"},
      {R"j({"name":"a","expr":"up","labels":{"a b":"c"}})j", "labels"},
      {R"j({"name":"a","expr":"up","labels":[]})j", "labels"},
      {R"j({"name":"a","expr":"up","receivers":"x"})j", "receivers"},
      {R"j({"name":"a","expr":"up","severity":3})j", "severity"},
      {R"j({"name":"a","expr":"up","color":"red"})j", "color"}};
  for (const auto& [json, member] : cases) {
    RuleDefinition d;
    const auto done = change_definition(json, d);
    ASSERT_FALSE(done) << json;
    EXPECT_TRUE(done.error().message().starts_with(member)) << json << ": " << done.error().message();
  }
}

// Hostile rules are ended by the same caps as any query, and the next rule goes on.
TEST(RuleManager, AnEvaluationHasAMemoryCap) {
  LogRulesRig rig;
  WorkLimits limits;
  limits.max_memory_bytes = 2'000;
  rig.manager->set_work_limits(limits);
  ASSERT_TRUE(made(rig, R"j({"name":"Big","language":"logql","interval":"10s",
      "expr":"sum by (n) (quantile_over_time(0.5, {} | regexp \"(?P<n>[0-9]+)\" | unwrap n [1h]))"
})j"));
  ASSERT_TRUE(made(rig, R"j({"name":"Small","expr":"vector(1)","interval":"10s"
})j"));
  for (int i = 0; i < 200; ++i) rig.line("a", std::to_string(i));
  rig.pass(1);
  EXPECT_EQ(rig.status("Big").health, "err");
  EXPECT_NE(rig.status("Big").last_error.find("memory"), std::string::npos) << rig.status("Big").last_error;
  EXPECT_EQ(rig.status("Small").health, "ok") << rig.status("Small").last_error;
}

}  // namespace
}  // namespace telltale::alerting
