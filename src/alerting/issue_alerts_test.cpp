// Rules over issues: what is read, what is refused, and whom which events make hear of what.
#include "alerting/issue_alerts.hpp"

#include <gtest/gtest.h>

#include "alerting/payload.hpp"
#include "errors/issue_store.hpp"
#include "io/file_system.hpp"
#include "metadb/metadb.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::alerting {
namespace {

constexpr ProjectId kShop{1};
const UnixNanos kStart = UnixNanos::from_seconds(1'767'830'400);

std::string problem_of(std::string_view json) {
  const auto rules = parse_issue_alerts(json, kStart);
  return rules ? "" : rules.error().message();
}

TEST(IssueAlertRules, RoundTrip) {
  const std::string text =
      R"({"rules":[{"name":"Payments","on":["new","regressed"],"events":{"more_than":100,"within":"1h"},)"
      R"("users":null,"query":"level:error module:shop.pay*","receivers":["chat"],"at_most_every":"30m",)"
      R"("digest":"0s","paused":false}]})";
  const auto rules = parse_issue_alerts(text, kStart);
  ASSERT_TRUE(rules) << rules.error().message();
  JsonWriter w;
  w.begin_object();
  write_issue_alerts(w, *rules);
  w.end_object();
  EXPECT_EQ(w.take(), text);
}

TEST(IssueAlertRules, WhatIsWrongIsNamed) {
  EXPECT_EQ(problem_of("[]"), "body: not a JSON object");
  EXPECT_EQ(problem_of("{}"), "rules: missing");
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a"}]})"),
            "rules[0].on: name something that is news, or say how many events or users are");
  EXPECT_EQ(problem_of(R"({"rules":[{"on":["new"]}]})"), "rules[0].name: missing");
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a","on":["old"]}]})"),
            "rules[0].on: \"old\": one of new, regressed, escalating, unarchived");
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a","events":{"more_than":5}}]})"),
            "rules[0].events: more_than and within");
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a","events":{"more_than":5,"within":"3d"}}]})"),
            "rules[0].events.within: 1m to 1d");
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a","users":{"more_than":-5,"within":"1h"}}]})"),
            "rules[0].users.more_than: a number from 0 to 1000000000");
  EXPECT_NE(problem_of(R"({"rules":[{"name":"a","on":["new"],"query":"(level:error"}]})")
                .find("rules[0].query: column"),
            std::string::npos);
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a","on":["new"]},{"name":"a","on":["new"]}]})"),
            "rules[1].name: \"a\" is there twice");
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a","on":["new"],"digest":"10s"}]})"),
            "rules[0].digest: 0s, or at least 1m");
  EXPECT_EQ(problem_of(R"({"rules":[{"name":"a","on":["new"],"colour":1}]})"),
            "rules[0].colour: unknown field");
  std::string many = R"({"rules":[)";
  for (std::size_t i = 0; i <= kMaxIssueAlertRules; ++i)
    many += (i ? "," : "") + std::string(R"({"name":"r)") + std::to_string(i) + R"(","on":["new"]})";
  EXPECT_EQ(problem_of(many + "]}"), "rules: at most 50 (kMaxIssueAlertRules)");
}

/// Errors into the stores, notices out.
class IssueAlertsTest : public ::testing::Test {
 protected:
  struct Sent {
    IssueNotice notice;
    std::vector<std::string> to;
  };

  IssueAlertsTest() {
    clock.set_wall(kStart);
    issues->set_listener([this](const errors::IssueEvent& e) { alerts.offer(e); });
    issues->set_live(true);
  }

  void rules(const std::string& json) {
    auto read = parse_issue_alerts(json, clock.now());
    ASSERT_TRUE(read) << read.error().message();
    ASSERT_TRUE(own.change(*records, kShop, *std::move(read)));
  }

  void errors_of(const std::string& group, std::size_t count, std::size_t users, Level level = Level::error) {
    storage::Batch batch;
    batch.project = kShop;
    batch.received = clock.now();
    for (std::size_t i = 0; i < count; ++i) {
      EventRow row;
      row.project = kShop;
      row.time = row.received = clock.now();
      row.message = "boom in " + group;
      row.ids.level = level;
      row.ids.user_id = "u" + std::to_string(i % users);
      row.set(std::string(attr::kEventId), std::to_string(++event_number));
      row.set(std::string(attr::kErrorType), group);
      row.set(std::string(attr::kGroupHashes), group);
      batch.errors.push_back(std::move(row));
    }
    ++sequence;
    ASSERT_TRUE(events.apply(Sequence{sequence}, batch));
    ASSERT_TRUE(issues->apply(Sequence{sequence}, batch));
  }

  /// What is said within the next while.
  std::vector<std::string> said(Nanos within = std::chrono::seconds(30)) {
    sent.clear();
    for (Nanos passed{0}; passed < within; passed += std::chrono::seconds(1)) {
      clock.advance(std::chrono::seconds(1));
      alerts.tick();
    }
    std::vector<std::string> titles;
    for (const Sent& s : sent) titles.push_back(s.notice.title);
    std::sort(titles.begin(), titles.end());
    return titles;
  }

  using Titles = std::vector<std::string>;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  std::unique_ptr<storage::RecordStore> records = [this] {
    auto opened = metadb::open_metadb(*fs, "meta", clock, log, metrics);
    storage::Project project;
    project.slug = project.name = "shop";
    EXPECT_TRUE(opened && (*opened)->projects().add(project));
    return *std::move(opened);
  }();
  storage::MemoryEventStore events;
  std::unique_ptr<errors::IssueStore> issues = *errors::IssueStore::open(*records, log, metrics);
  ProjectIssueAlerts own;
  std::vector<Sent> sent;
  IssueAlerts alerts{
      events,
      *records,
      own,
      clock,
      log,
      [this](ProjectId, const IssueNotice& notice, const std::vector<std::string>& to) -> Result<> {
        if (refusing > 0) {
          --refusing;
          return fail(ErrorKind::resource_exhausted, "full");
        }
        sent.push_back({notice, to});
        return {};
      },
      {[] { return std::string("https://t.example"); }, {}}};
  int refusing = 0;  // so many notices
  std::uint64_t sequence = 0;
  std::uint64_t event_number = 0;
};

TEST_F(IssueAlertsTest, EverythingToAllWithoutRulesOfOnesOwn) {
  errors_of("a", 3, 1);
  EXPECT_EQ(said(), Titles{"New error: boom in a"});
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].to.empty());
  EXPECT_EQ(sent[0].notice.link, "https://t.example/issues/1");
  errors_of("a", 3, 1);
  EXPECT_EQ(said(), Titles{}) << "it is known";
  rules(R"({"rules":[]})");
  errors_of("b", 1, 1);
  EXPECT_EQ(said(), Titles{}) << "no rule, no notice";
}

TEST_F(IssueAlertsTest, AQuerySaysWhichIssues) {
  rules(R"({"rules":[{"name":"bad ones","on":["new"],"query":"level:fatal","receivers":["chat"]},
                     {"name":"of a user","on":["new"],"query":"user_id:u1"}]})");
  errors_of("a", 1, 1);
  errors_of("b", 2, 2, Level::fatal);
  EXPECT_EQ(said(), (Titles{"New error: boom in b", "New error: boom in b"}));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].to, std::vector<std::string>{"chat"});
}

TEST_F(IssueAlertsTest, MoreThanSoManyEvents) {
  rules(R"({"rules":[{"name":"often","events":{"more_than":10,"within":"5m"}}]})");
  errors_of("a", 10, 1);
  errors_of("b", 8, 1);
  EXPECT_EQ(said(), Titles{}) << "ten are not more than ten";
  errors_of("a", 1, 1);
  EXPECT_EQ(said(), Titles{"Frequent: boom in a"});
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].notice.fields[4].second, "11 events in 5m, more than 10");
  EXPECT_EQ(said(std::chrono::minutes(4)), Titles{}) << "once within the time";
  errors_of("b", 3, 1);
  EXPECT_EQ(said(std::chrono::minutes(2)), Titles{}) << "the first of b are too long ago by now";
  errors_of("a", 11, 1);
  EXPECT_EQ(said(), Titles{"Frequent: boom in a"}) << "again, after the time";
}

TEST_F(IssueAlertsTest, MoreThanSoManyUsersOfAnIssueInTwoGroups) {
  rules(R"({"rules":[{"name":"many","users":{"more_than":3,"within":"1h"}}]})");
  errors_of("a", 6, 3);
  errors_of("a b", 6, 3);  // the same issue: its first hash; the same users
  EXPECT_EQ(said(), Titles{}) << "three users, though each group counts them";
  errors_of("a b", 8, 4);
  EXPECT_EQ(said(), Titles{"Many users: boom in a b"});
}

TEST_F(IssueAlertsTest, ArchivedIssuesAreSilent) {
  rules(R"({"rules":[{"name":"often","events":{"more_than":0,"within":"1h"}}]})");
  errors_of("a", 1, 1);
  auto issue = records->issues().get(storage::IssueId{1});
  ASSERT_TRUE(issue);
  issue->status = storage::IssueStatus::ignored;
  ASSERT_TRUE(records->issues().update(*issue));
  EXPECT_EQ(said(), Titles{});
}

TEST_F(IssueAlertsTest, PausedAndHowOften) {
  rules(R"({"rules":[{"name":"p","on":["new"],"paused":true},
                     {"name":"q","on":["new","regressed"],"at_most_every":"10m"}]})");
  errors_of("a", 1, 1);
  EXPECT_EQ(said(), Titles{"New error: boom in a"});
  const auto regress = [&] {
    auto issue = records->issues().get(storage::IssueId{1});
    alerts.offer({errors::IssueChange::regressed, *issue});
  };
  regress();
  EXPECT_EQ(said(), Titles{}) << "it was told of half a minute ago";
  EXPECT_EQ(said(std::chrono::minutes(10)), Titles{});
  regress();
  EXPECT_EQ(said(), Titles{"Regression: boom in a"});
}

TEST_F(IssueAlertsTest, WhatIsRefusedIsTriedAgainByItsRuleAlone) {
  rules(R"({"rules":[{"name":"p","on":["new"]},{"name":"q","on":["new"]}]})");
  refusing = 3;
  errors_of("a", 1, 1);
  EXPECT_EQ(said(), (Titles{"New error: boom in a", "New error: boom in a"}));
  refusing = 100;
  errors_of("b", 1, 1);
  EXPECT_EQ(said(std::chrono::minutes(2)), Titles{});
  EXPECT_EQ(refusing, 90) << "five tries of each rule";
}

TEST_F(IssueAlertsTest, ADigestTellsOfSeveralAtOnce) {
  rules(R"({"rules":[{"name":"hourly","on":["new"],"digest":"1h","receivers":["mail"]}]})");
  errors_of("a", 1, 1);
  errors_of("b", 1, 1);
  EXPECT_EQ(said(std::chrono::minutes(50)), Titles{});
  errors_of("c", 1, 1);
  EXPECT_EQ(said(std::chrono::minutes(15)), Titles{"3 notices of issues in shop"});
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].to, std::vector<std::string>{"mail"});
  ASSERT_EQ(sent[0].notice.issues.size(), 3u);
  EXPECT_EQ(said(std::chrono::minutes(70)), Titles{}) << "nothing new, no digest";

  const Receiver mail{"mail", ReceiverKind::email, {}, {}, {}, {"ada@example.com"}, true, {}};
  const Receiver hook{"hook", ReceiverKind::webhook, {}, {}, {}, {}, true, {}};
  IssueNotice notice;
  notice.title = "2 notices of issues in shop";
  notice.issues.resize(2);
  notice.issues[0].title = "New error: a";
  notice.issues[0].link = "https://t.example/issues/1";
  notice.issues[1].title = "New error: b";
  const Text letter = issue_text(mail, notice);
  EXPECT_EQ(letter.subject, "2 notices of issues in shop");
  EXPECT_EQ(letter.body, "\nNew error: a\n  https://t.example/issues/1\n\nNew error: b\n");
  const std::string body = issue_text(hook, notice).body;
  EXPECT_NE(body.find(R"("kind":"digest")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("issues":[{"title":"New error: a")"), std::string::npos) << body;
}

TEST_F(IssueAlertsTest, RulesLiveOverARestart) {
  rules(R"({"rules":[{"name":"often","events":{"more_than":10,"within":"5m"}}]})");
  ProjectIssueAlerts again;
  ASSERT_TRUE(again.load(*records, clock.now()));
  EXPECT_FALSE(again.of(kShop).is_default);
  ASSERT_EQ(again.of(kShop).rules.size(), 1u);
  EXPECT_EQ(again.of(kShop).rules[0].events.count, 10u);
  ASSERT_TRUE(again.reset(*records, kShop));
  EXPECT_TRUE(again.of(kShop).is_default);
  ProjectIssueAlerts after;
  ASSERT_TRUE(after.load(*records, clock.now()));
  EXPECT_TRUE(after.of(kShop).is_default);
}

}  // namespace
}  // namespace telltale::alerting
