// Scheduled jobs under a fake clock: what is missed, what takes too long, thresholds, replay and power loss,
// and that each failure is told exactly once.
#include "health/monitors.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::health {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::CheckIn;
using storage::CheckInStatus;
using storage::MonitorState;

constexpr const char* kHourly =
    R"({"schedule":{"type":"crontab","value":"0 * * * *"},"checkin_margin":5,"max_runtime":10})";

struct MonitorRig {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<Monitors> store;
  std::vector<std::string> told;       // of failures
  std::vector<std::string> recovered;  // events that belong to what is over
  bool refuse = false;
  std::uint64_t sequence = 0;

  MonitorRig() { clock.set_wall(*parse_rfc3339("2026-01-08T09:30:00Z")); }
  Result<> open() {
    store.reset();
    db.reset();
    TT_ASSIGN(db, metadb::open_metadb(disk, "data", clock, log, metrics));
    TT_ASSIGN(store, Monitors::open(*db, clock, log, metrics));
    store->set_sink([this](const storage::MonitorNotice& notice) -> Result<> {
      if (refuse) return fail(ErrorKind::disk_full, "full");
      (notice.recovered ? recovered : told).push_back(notice.event);
      return {};
    });
    return store->start();
  }
  void say(CheckInStatus status, std::uint64_t id = 0, const char* config = kHourly,
           const std::string& environment = "") {
    storage::Batch batch;
    batch.project = {1};
    CheckIn c;
    c.id = {0, id};
    c.monitor = "backup";
    c.environment = environment;
    c.status = status;
    c.time = clock.now();
    c.config = MonitorConfig::parse(config)->json();
    batch.items.check_ins.push_back(c);
    const auto applied = store->apply({++sequence}, batch);
    ASSERT_TRUE(applied) << applied.error().message();
  }
  /// Minute by minute.
  void pass(minutes time) {
    for (minutes m{0}; m < time; ++m) {
      clock.advance(minutes(1));
      store->tick();
    }
  }
  storage::MonitorStatus status(const std::string& environment = "production") {
    const auto monitors = store->list({{1}});
    for (const auto& s : monitors->front().statuses)
      if (s.environment == environment) return s;
    return {};
  }
  std::vector<storage::KeptCheckIn> runs() {
    return *db->monitors().check_ins(store->list({{1}})->front().monitor.id, "", {}, 100);
  }
};

std::string at(UnixNanos time) { return format_rfc3339(time); }

TEST(Monitors, AHealthyJob) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::in_progress, 1);
  EXPECT_EQ(rig.status().state, MonitorState::active);
  rig.clock.advance(seconds(90));
  rig.say(CheckInStatus::ok, 1);
  EXPECT_EQ(rig.status().state, MonitorState::ok);
  EXPECT_EQ(at(*rig.status().next_expected), "2026-01-08T10:00:00Z");
  ASSERT_EQ(rig.runs().size(), 1u);
  EXPECT_EQ(rig.runs()[0].duration_ms, 90'000);
  // A little early is the run that is expected, not one of its own.
  rig.clock.set_wall(*parse_rfc3339("2026-01-08T09:59:58Z"));
  rig.say(CheckInStatus::ok, 2);
  EXPECT_EQ(at(*rig.status().next_expected), "2026-01-08T11:00:00Z");
  rig.pass(minutes(64));
  EXPECT_TRUE(rig.told.empty());
}

TEST(Monitors, TheEndOfAFailureIsToldOnceEveryEnvironmentIsWell) {
  constexpr const char* kTwice =
      R"({"schedule":{"type":"interval","value":1,"unit":"hour"},"recovery_threshold":2})";
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  std::uint64_t id = 0;
  const auto say = [&](CheckInStatus status, const char* environment) {
    rig.clock.advance(minutes(1));
    rig.say(status, ++id, kTwice, environment);
    rig.store->tick();
  };
  say(CheckInStatus::ok, "production");
  say(CheckInStatus::ok, "production");
  EXPECT_TRUE(rig.recovered.empty()) << "nothing had failed";
  say(CheckInStatus::error, "production");
  say(CheckInStatus::error, "staging");
  say(CheckInStatus::ok, "production");
  EXPECT_TRUE(rig.recovered.empty()) << "one success of two";
  say(CheckInStatus::ok, "production");
  EXPECT_TRUE(rig.recovered.empty()) << "staging still fails, and it is one issue";
  say(CheckInStatus::ok, "staging");
  say(CheckInStatus::ok, "staging");
  ASSERT_EQ(rig.recovered.size(), 1u);
  EXPECT_NE(rig.recovered[0].find(R"("fingerprint":["scheduled-job","backup"])"), std::string::npos);
  say(CheckInStatus::ok, "staging");
  EXPECT_EQ(rig.recovered.size(), 1u);
  EXPECT_EQ(rig.told.size(), 2u);
}

TEST(Monitors, AMissedRunIsToldOnceTheMarginIsOver) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1);
  rig.pass(minutes(34));
  EXPECT_TRUE(rig.told.empty()) << "10:04, the margin is five minutes";
  rig.pass(minutes(1));
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_NE(rig.told[0].find("did not run when it should have"), std::string::npos) << rig.told[0];
  EXPECT_NE(rig.told[0].find(R"("fingerprint":["scheduled-job","backup"])"), std::string::npos);
  EXPECT_EQ(rig.status().state, MonitorState::missed);
  ASSERT_EQ(rig.runs().size(), 2u);
  EXPECT_EQ(rig.runs()[0].status, CheckInStatus::missed);
  EXPECT_EQ(at(rig.runs()[0].started), "2026-01-08T10:00:00Z");
  rig.pass(minutes(60));
  EXPECT_EQ(rig.told.size(), 2u) << "the next one, too";
  EXPECT_NE(rig.told[0], rig.told[1]);
  rig.say(CheckInStatus::ok, 2);
  EXPECT_EQ(rig.status().state, MonitorState::ok);
  EXPECT_FALSE(rig.status().failing_since);
}

TEST(Monitors, ManyMissedRunsAreNoted_ButNotAllAtOnce) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1,
          R"({"schedule":{"type":"interval","value":1,"unit":"minute"},"checkin_margin":1})");
  const auto missed = [&] {
    const auto runs = rig.db->monitors().check_ins(rig.store->list({{1}})->front().monitor.id, "", {}, 1000);
    return std::count_if(runs->begin(), runs->end(),
                         [](const auto& run) { return run.status == CheckInStatus::missed; });
  };
  rig.clock.advance(minutes(250));  // without a tick: the machine slept
  for (const int want : {100, 200, 249, 249}) {
    rig.store->tick();
    EXPECT_EQ(missed(), want);
  }
  EXPECT_EQ(rig.status().state, MonitorState::missed);
  rig.pass(minutes(1));
  EXPECT_EQ(missed(), 250);
}

TEST(Monitors, AScheduleThatIsGoneIsMissedOnce) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1);
  auto monitor = rig.store->list({{1}})->front().monitor;
  monitor.config = R"({"schedule":{"type":"lunar"}})";  // of a later version
  ASSERT_TRUE(rig.db->monitors().update(monitor));
  rig.pass(minutes(180));
  ASSERT_EQ(rig.runs().size(), 2u);
  EXPECT_EQ(rig.runs()[0].status, CheckInStatus::missed);
  EXPECT_FALSE(rig.status().next_expected) << "else it would be missed for ever";
}

TEST(Monitors, ARunThatTakesTooLong) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::in_progress, 1);
  rig.pass(minutes(9));
  EXPECT_TRUE(rig.told.empty());
  rig.pass(minutes(1));
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_NE(rig.told[0].find("ran for longer than 10m"), std::string::npos) << rig.told[0];
  EXPECT_EQ(rig.status().state, MonitorState::timeout);
  rig.clock.advance(minutes(2));
  rig.say(CheckInStatus::ok, 1);
  EXPECT_EQ(rig.status().state, MonitorState::timeout) << "too late; the next run decides";
  EXPECT_EQ(rig.runs()[0].status, CheckInStatus::timeout);
  EXPECT_EQ(rig.runs()[0].duration_ms, 12 * 60'000);
}

TEST(Monitors, SayingThatItIsAliveKeepsARunGoing) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::in_progress, 1);
  rig.pass(minutes(8));
  rig.say(CheckInStatus::in_progress, 1);
  rig.pass(minutes(8));
  EXPECT_TRUE(rig.told.empty());
  EXPECT_EQ(rig.runs().size(), 1u);
}

TEST(Monitors, WithoutIdsTheRunInProgressIsMeant) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::in_progress);
  rig.clock.advance(seconds(30));
  rig.say(CheckInStatus::error);
  ASSERT_EQ(rig.runs().size(), 1u);
  EXPECT_EQ(rig.runs()[0].status, CheckInStatus::error);
  EXPECT_EQ(rig.status().state, MonitorState::error);
  rig.say(CheckInStatus::ok);
  EXPECT_EQ(rig.runs().size(), 2u) << "one of its own";
}

TEST(Monitors, Thresholds) {
  constexpr const char* kPatient =
      R"({"schedule":{"type":"interval","value":1,"unit":"day"},"failure_issue_threshold":3,"recovery_threshold":2})";
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  std::uint64_t id = 0;
  rig.say(CheckInStatus::ok, ++id, kPatient);
  rig.say(CheckInStatus::error, ++id, kPatient);
  rig.say(CheckInStatus::error, ++id, kPatient);
  rig.store->tick();
  EXPECT_EQ(rig.status().state, MonitorState::ok);
  EXPECT_TRUE(rig.told.empty());
  rig.say(CheckInStatus::error, ++id, kPatient);
  rig.store->tick();
  EXPECT_EQ(rig.status().state, MonitorState::error);
  EXPECT_EQ(rig.told.size(), 1u);
  rig.say(CheckInStatus::ok, ++id, kPatient);
  EXPECT_EQ(rig.status().state, MonitorState::error) << "one of two";
  rig.say(CheckInStatus::error, ++id, kPatient);
  rig.store->tick();
  EXPECT_EQ(rig.told.size(), 2u) << "still failing: each failure is told";
  rig.say(CheckInStatus::ok, ++id, kPatient);
  rig.say(CheckInStatus::ok, ++id, kPatient);
  EXPECT_EQ(rig.status().state, MonitorState::ok);
}

TEST(Monitors, ANewScheduleHoldsAtOnce) {
  constexpr const char* kYearly = R"({"schedule":{"type":"interval","value":1,"unit":"year"}})";
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1, kYearly);
  EXPECT_EQ(at(*rig.status().next_expected), "2027-01-08T09:30:00Z");
  rig.say(CheckInStatus::ok, 2, kHourly);
  EXPECT_EQ(at(*rig.status().next_expected), "2026-01-08T10:00:00Z");
  MonitorChange change;
  change.config = R"({"schedule":{"type":"crontab","value":"45 9 * * *"}})";
  ASSERT_TRUE(rig.store->change(rig.store->list({{1}})->front().monitor.id, change));
  EXPECT_EQ(at(*rig.status().next_expected), "2026-01-08T09:45:00Z");
}

TEST(Monitors, EnvironmentsStandByThemselves) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1, kHourly, "production");
  rig.say(CheckInStatus::error, 1, kHourly, "staging");
  EXPECT_EQ(rig.status("production").state, MonitorState::ok);
  EXPECT_EQ(rig.status("staging").state, MonitorState::error);
  EXPECT_EQ(rig.runs().size(), 2u) << "the same client id in another environment is another run";
}

TEST(Monitors, MutedAndDisabled) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1);
  const auto id = rig.store->list({{1}})->front().monitor.id;
  MonitorChange change;
  change.muted = true;
  ASSERT_TRUE(rig.store->change(id, change));
  rig.pass(minutes(40));
  EXPECT_EQ(rig.status().state, MonitorState::missed);
  EXPECT_TRUE(rig.told.empty());
  change = {};
  change.muted = false;
  change.disabled = true;
  ASSERT_TRUE(rig.store->change(id, change));
  rig.pass(minutes(130));
  EXPECT_EQ(rig.runs().size(), 2u);
  change = {};
  change.disabled = false;
  ASSERT_TRUE(rig.store->change(id, change));
  rig.pass(minutes(30));
  EXPECT_TRUE(rig.told.empty()) << "what was due while it was disabled is not missed";
}

TEST(Monitors, MadeByHandAndExpectedAtOnce) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  storage::Monitor monitor;
  monitor.project = {1};
  monitor.slug = "report";
  monitor.config = kHourly;
  const auto made = rig.store->add(monitor, {"production"});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->monitor.name, "report");
  EXPECT_EQ(rig.store->add(monitor, {}).error().kind(), ErrorKind::conflict);
  rig.pass(minutes(35));
  EXPECT_EQ(rig.told.size(), 1u) << "it never came";
  monitor.slug = "a b";
  EXPECT_EQ(rig.store->add(monitor, {}).error().kind(), ErrorKind::invalid_argument);
  ASSERT_TRUE(rig.store->remove(made->monitor.id));
  EXPECT_TRUE(rig.store->list({{1}})->empty());
  rig.pass(minutes(120));
  EXPECT_EQ(rig.told.size(), 1u);
}

TEST(Monitors, WhatCouldNotBeToldIsToldLater) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.refuse = true;
  rig.say(CheckInStatus::error, 1);
  rig.store->tick();
  EXPECT_TRUE(rig.told.empty());
  rig.refuse = false;
  rig.store->tick();
  rig.store->tick();
  EXPECT_EQ(rig.told.size(), 1u);
}

TEST(Monitors, WhatWasDueWhileTheServerWasDownIsForgiven) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1);
  ASSERT_TRUE(rig.store->checkpoint());
  rig.clock.advance(hours(5));
  ASSERT_TRUE(rig.open());
  rig.store->tick();
  EXPECT_TRUE(rig.told.empty());
  EXPECT_EQ(at(*rig.status().next_expected), "2026-01-08T15:00:00Z");
  rig.pass(minutes(36));
  EXPECT_EQ(rig.told.size(), 1u) << "and from then on nothing is";
}

TEST(Monitors, ReplayAfterPowerLossTellsWithTheSameId) {
  MonitorRig rig;
  ASSERT_TRUE(rig.open());
  rig.say(CheckInStatus::ok, 1);
  rig.say(CheckInStatus::error, 2);
  rig.store->tick();
  ASSERT_EQ(rig.told.size(), 1u);
  rig.store.reset();
  rig.db.reset();
  rig.disk.crash(7);
  ASSERT_TRUE(rig.open());
  const auto behind = rig.store->applied().value;
  if (behind < 1) {
    rig.sequence = 0;
    rig.say(CheckInStatus::ok, 1);
  }
  if (behind < 2) {
    rig.sequence = 1;
    rig.say(CheckInStatus::error, 2);
  }
  rig.store->tick();
  // Ingest drops an event whose id it knows.
  std::set<std::string> events(rig.told.begin(), rig.told.end());
  EXPECT_EQ(events.size(), 1u);
  EXPECT_EQ(rig.runs().size(), 2u);
  EXPECT_EQ(rig.status().state, MonitorState::error);
}

TEST(MonitorConfig, WhatItSaysAndRefuses) {
  const auto every_two = MonitorConfig::parse(
      R"({"schedule":{"type":"interval","value":2,"unit":"month"},"timezone":"Europe/Berlin","owner":"x"})");
  ASSERT_TRUE(every_two) << every_two.error().message();
  EXPECT_EQ(every_two->schedule_text(), "every 2 months");
  EXPECT_EQ(at(*every_two->next(*parse_rfc3339("2026-12-31T08:00:00Z"))), "2027-02-28T08:00:00Z");
  EXPECT_EQ(MonitorConfig::parse(every_two->json())->json(), every_two->json());
  const auto daily = MonitorConfig::parse(
      R"({"schedule":{"type":"interval","value":1,"unit":"day"},"timezone":"Europe/Berlin"})");
  EXPECT_EQ(at(*daily->next(*parse_rfc3339("2026-03-28T08:00:00Z"))), "2026-03-29T07:00:00Z")
      << "the same time of day";
  EXPECT_FALSE(MonitorConfig::parse("{}")->has_schedule());
  for (const auto& [bad, why] : {
           std::pair{R"([])", "not a JSON object"},
           {R"({"schedule":{"type":"crontab","value":"x"}})", "schedule: "},
           {R"({"schedule":{"type":"sometimes"}})", "schedule: type"},
           {R"({"schedule":{"type":"interval","value":0,"unit":"day"}})", "value"},
           // 2^64 nanoseconds are 30,500 weeks and a half.
           {R"({"schedule":{"type":"interval","value":30500,"unit":"week"}})", "value"},
           {R"({"schedule":{"type":"interval","value":1e300,"unit":"day"}})", "value"},
           {R"({"schedule":{"type":"interval","value":1,"unit":"fortnight"}})", "schedule: unit"},
           {R"({"timezone":"Mars/Olympus"})", "timezone"},
           {R"({"checkin_margin":-1})", "checkin_margin"},
           {R"({"failure_issue_threshold":0})", "failure_issue_threshold"},
       }) {
    const auto parsed = MonitorConfig::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_NE(parsed.error().message().find(why), std::string::npos)
        << bad << ": " << parsed.error().message();
  }
}

}  // namespace
}  // namespace telltale::health
