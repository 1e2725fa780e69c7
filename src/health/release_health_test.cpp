// Sessions: what counts once however it comes, against a naive model on random histories with a printed seed,
// and across power loss.
#include "health/release_health.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "base/health_limits.hpp"
#include "base/rng.hpp"
#include "health/release_views.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::health {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using storage::SessionState;
using storage::SessionUpdate;

struct HealthRig {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<ReleaseHealth> store;

  Result<> open() {
    store.reset();
    db.reset();
    TT_ASSIGN(db, metadb::open_metadb(disk, "data", clock, log, metrics));
    TT_ASSIGN(store, ReleaseHealth::open(*db, clock, log, metrics));
    return {};
  }
  storage::Batch batch(std::vector<SessionUpdate> sessions) const {
    storage::Batch b;
    b.project = {1};
    b.received = clock.now();
    b.items.sessions = std::move(sessions);
    return b;
  }
  SessionUpdate update(std::uint64_t sid, SessionState state, bool init = false) const {
    SessionUpdate u;
    u.release = "shop@1.0";
    u.environment = "production";
    u.sid = sid;
    u.started = clock.now();
    u.init = init;
    u.state = state;
    return u;
  }
  Result<ProjectHealth> health() const {
    storage::SessionQuery query;
    query.projects = {{1}};
    query.with_users = true;
    TT_ASSIGN(const auto kept, store->hours(query));
    TT_ASSIGN(auto by_project, health_by_release(kept));
    return by_project[ProjectId{1}];
  }
};

TEST(ReleaseHealth, AnUpdateCountsOnceInAnyOrder) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  const auto init = rig.update(7, SessionState::open, true);
  const auto errored = rig.update(7, SessionState::errored);
  const auto crashed = rig.update(7, SessionState::crashed);
  ASSERT_TRUE(rig.store->apply({1}, rig.batch({crashed, init})));
  ASSERT_TRUE(rig.store->apply({2}, rig.batch({errored, init, crashed})));
  const auto health = rig.health();
  ASSERT_TRUE(health);
  EXPECT_EQ(health->all.counts, (storage::SessionCounts{1, 0, 0, 0, 1}));
  EXPECT_EQ(*health->all.crash_free_sessions(), 0.0);
  EXPECT_FALSE(health->all.crash_free_users()) << "no user is known";

  ASSERT_TRUE(rig.store->apply({2}, rig.batch({rig.update(8, SessionState::exited, true)})));
  EXPECT_EQ(rig.health()->all.counts.started, 1) << "a sequence that is not newer is a no-op";
}

TEST(ReleaseHealth, ASessionStaysWhereItsFirstUpdateSaid) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  const auto first = rig.update(7, SessionState::open, true);
  ASSERT_TRUE(rig.store->apply({1}, rig.batch({first})));
  ASSERT_TRUE(rig.store->checkpoint());
  ASSERT_TRUE(rig.open());  // known from what is kept
  rig.clock.advance(hours(3));
  auto other = rig.update(7, SessionState::crashed);
  other.release = "shop@2.0";
  other.environment = "staging";
  ASSERT_TRUE(rig.store->apply({2}, rig.batch({other})));
  storage::SessionQuery query;
  query.projects = {{1}};
  for (int written = 0; written < 2; ++written) {
    const auto hours_of = rig.store->hours(query).value();
    ASSERT_EQ(hours_of.size(), 1u);
    EXPECT_EQ(hours_of[0].release, "shop@1.0");
    EXPECT_EQ(hours_of[0].environment, "production");
    EXPECT_EQ(hours_of[0].counts, (storage::SessionCounts{1, 0, 0, 0, 1}));
    EXPECT_LE(hours_of[0].hour, first.started);
    EXPECT_LT(first.started, hours_of[0].hour + hours(1));
    ASSERT_TRUE(rig.store->checkpoint());
  }
}

TEST(ReleaseHealth, BetweenCheckpointsSessionsAreBounded) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  std::vector<SessionUpdate> updates;
  const std::size_t most = limits::kMaxSessionsHeld;
  for (std::size_t i = 0; i < most; ++i) updates.push_back(rig.update(i + 1, SessionState::open, true));
  ASSERT_TRUE(rig.store->apply({1}, rig.batch(updates)));
  EXPECT_TRUE(rig.store->wants_checkpoint()) << "however soon after the last one";
  ASSERT_TRUE(rig.store->apply({2}, rig.batch({rig.update(most + 1, SessionState::open, true),
                                               rig.update(1, SessionState::crashed)})));
  EXPECT_EQ(rig.metrics.counter("telltale_sessions_not_remembered_total", "").value(), 1);
  const auto health = rig.health();
  ASSERT_TRUE(health);
  EXPECT_EQ(health->all.counts.started, static_cast<std::int64_t>(most) + 1) << "all of them are counted";
  EXPECT_EQ(health->all.counts.crashed, 1) << "and those that are known go on";
}

TEST(ReleaseHealth, CountedSessionsAndDistinctUsers) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  SessionUpdate counted = rig.update(0, SessionState::open);
  counted.exited = 90;
  counted.errored = 6;
  counted.abnormal = 1;
  counted.crashed = 3;
  std::vector<SessionUpdate> many{counted};
  for (std::uint64_t sid = 1; sid <= 40; ++sid) {
    auto update = rig.update(sid, sid <= 4 ? SessionState::crashed : SessionState::exited, true);
    update.release = "shop@2.0";
    update.user = hash64(std::to_string(sid % 20));
    many.push_back(update);
  }
  ASSERT_TRUE(rig.store->apply({1}, rig.batch(many)));
  ASSERT_TRUE(rig.store->checkpoint());
  // The same people in another hour are the same people.
  rig.clock.advance(hours(1));
  auto again = rig.update(99, SessionState::exited, true);
  again.release = "shop@2.0";
  again.user = hash64("1");
  ASSERT_TRUE(rig.store->apply({2}, rig.batch({again})));
  const auto health = rig.health();
  ASSERT_TRUE(health);
  EXPECT_EQ(health->releases.at("shop@1.0").counts, (storage::SessionCounts{100, 90, 6, 1, 3}));
  EXPECT_DOUBLE_EQ(*health->releases.at("shop@1.0").crash_free_sessions(), 0.97);
  const auto& two = health->releases.at("shop@2.0");
  EXPECT_EQ(two.counts, (storage::SessionCounts{41, 37, 0, 0, 4}));
  EXPECT_EQ(two.users, 20u);
  EXPECT_EQ(two.crashed_users, 4u);
  EXPECT_DOUBLE_EQ(*two.crash_free_users(), 0.8);
  EXPECT_DOUBLE_EQ(*health->adoption("shop@2.0"), 41.0 / 141);
  EXPECT_FALSE(health->adoption("shop@3.0"));
}

TEST(ReleaseHealth, ReleasesAreMadeOfWhatIsSeen) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  auto batch = rig.batch({rig.update(1, SessionState::exited, true)});
  EventRow error;
  error.ids.release = "shop@1.1";
  error.time = rig.clock.now();
  batch.errors.push_back(error);
  batch.errors.push_back(EventRow{});
  ASSERT_TRUE(rig.store->apply({1}, batch));
  ASSERT_TRUE(rig.store->checkpoint());
  storage::ReleaseQuery query;
  query.projects = {{1}};
  const auto releases = rig.db->releases().list(query);
  ASSERT_TRUE(releases);
  ASSERT_EQ(releases->size(), 2u) << "and none of the event without a release";
  query.text = "@1.1";
  EXPECT_EQ(*rig.db->releases().count(query), 1u);
  const auto first_seen = rig.db->releases().get({1}, "shop@1.1")->first_seen;
  rig.clock.advance(minutes(5));
  error.time = rig.clock.now();
  batch.errors = {error};
  batch.items.sessions.clear();
  ASSERT_TRUE(rig.store->apply({2}, batch));
  ASSERT_TRUE(rig.store->checkpoint());
  EXPECT_EQ(rig.db->releases().get({1}, "shop@1.1")->first_seen, first_seen);
  EXPECT_EQ(rig.db->releases().get({1}, "shop@1.1")->last_seen, rig.clock.now());
}

TEST(ReleaseHealth, ANewReleaseIsThereSoonAndAnOldOneCanWait) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.store->apply({1}, rig.batch({rig.update(1, SessionState::exited, true)})));
  EXPECT_FALSE(rig.store->wants_checkpoint());
  rig.clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(rig.store->wants_checkpoint());
  ASSERT_TRUE(rig.store->checkpoint());
  ASSERT_TRUE(rig.store->apply({2}, rig.batch({rig.update(2, SessionState::exited, true)})));
  rig.clock.advance(std::chrono::seconds(19));
  EXPECT_FALSE(rig.store->wants_checkpoint());
  rig.clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(rig.store->wants_checkpoint());
}

TEST(ReleaseHealth, SessionsThatEndedAreForgottenInTime) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.store->apply(
      {1}, rig.batch({rig.update(1, SessionState::exited, true), rig.update(2, SessionState::open, true)})));
  ASSERT_TRUE(rig.store->checkpoint());
  EXPECT_EQ(rig.db->session_health().known()->size(), 2u);
  rig.clock.advance(minutes(limits::kClosedSessionMinutes + 1));
  ASSERT_TRUE(rig.store->checkpoint());
  const auto known = rig.db->session_health().known();
  ASSERT_EQ(known->size(), 1u);
  EXPECT_EQ(known->front().sid, 2u);
  rig.clock.advance(hours(24 * limits::kSessionDays));
  ASSERT_TRUE(rig.store->checkpoint());
  EXPECT_TRUE(rig.db->session_health().known()->empty());
}

TEST(ReleaseHealth, WhatWasNotKeptAddsUp) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  auto batch = rig.batch({});
  batch.items.outcomes = {{"client", "error", "queue_overflow", 3}, {"client", "error", "queue_overflow", 2}};
  ASSERT_TRUE(rig.store->apply({1}, batch));
  ASSERT_TRUE(rig.store->checkpoint());
  batch.items.outcomes = {{"client", "error", "queue_overflow", 5},
                          {"client", "transaction", "sample_rate", 40}};
  ASSERT_TRUE(rig.store->apply({2}, batch));
  const auto outcomes = rig.store->outcomes({{1}}, {});
  ASSERT_TRUE(outcomes);
  ASSERT_EQ(outcomes->size(), 2u);
  EXPECT_EQ((*outcomes)[0].count, (storage::OutcomeCount{"client", "transaction", "sample_rate", 40}));
  EXPECT_EQ((*outcomes)[1].count.quantity, 10u);
  EXPECT_TRUE(rig.store->outcomes({{2}}, {})->empty());
}

/// Sessions by their ids, each with the worst that was heard of it.
struct NaiveHealth {
  struct Session {
    bool started = false;
    SessionState state = SessionState::open;
    std::string release;
  };
  std::map<std::uint64_t, Session> sessions;

  void add(const SessionUpdate& u) {
    const bool first = !sessions.contains(u.sid);
    auto& s = sessions[u.sid];
    s.started = s.started || u.init;
    s.state = std::max(s.state, u.state);
    if (first) s.release = u.release;
  }
  std::map<std::string, storage::SessionCounts> counts() const {
    std::map<std::string, storage::SessionCounts> out;
    for (const auto& [sid, s] : sessions) {
      auto& c = out[s.release];
      if (s.started) ++c.started;
      if (s.state == SessionState::exited) ++c.exited;
      if (s.state == SessionState::errored) ++c.errored;
      if (s.state == SessionState::abnormal) ++c.abnormal;
      if (s.state == SessionState::crashed) ++c.crashed;
    }
    return out;
  }
};

TEST(ReleaseHealth, RandomHistoriesWithPowerLossEqualTheNaiveModel) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    HealthRig rig;
    ASSERT_TRUE(rig.open());
    NaiveHealth naive;
    std::vector<storage::Batch> journal;
    for (int step = 0; step < 120; ++step) {
      std::vector<SessionUpdate> updates;
      for (auto n = rng.below(5); n > 0; --n) {
        const std::uint64_t sid = 1 + rng.below(60);
        auto u = rig.update(sid, static_cast<SessionState>(rng.below(5)), rng.chance(0.4));
        u.release = "shop@" + std::to_string((sid + (rng.chance(0.2) ? 1 : 0)) % 3);
        u.started = UnixNanos::from_seconds(1'767'225'600 + static_cast<std::int64_t>(sid * 600));
        updates.push_back(u);
      }
      journal.push_back(rig.batch(updates));
      for (const auto& u : updates) naive.add(u);
      ASSERT_TRUE(rig.store->apply({journal.size()}, journal.back()));
      if (rng.chance(0.1)) {
        ASSERT_TRUE(rig.store->checkpoint());
      }
      if (rng.chance(0.05)) {
        rig.store.reset();
        rig.db.reset();
        rig.disk.crash(seed);
        ASSERT_TRUE(rig.open());
        for (std::size_t s = 1; s <= journal.size(); ++s) ASSERT_TRUE(rig.store->apply({s}, journal[s - 1]));
      }
    }
    const auto health = rig.health();
    ASSERT_TRUE(health) << "seed " << seed;
    for (const auto& [release, counts] : naive.counts())
      EXPECT_EQ(health->releases.at(release).counts, counts) << release << " seed " << seed;
  }
}

TEST(ReleaseHealth, OverTimeEveryStepIsThere) {
  HealthRig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.store->apply({1}, rig.batch({rig.update(1, SessionState::exited, true)})));
  storage::SessionQuery query;
  query.projects = {{1}};
  query.with_users = true;
  const auto hours_kept = rig.store->hours(query);
  ASSERT_TRUE(hours_kept);
  const UnixNanos now = rig.clock.now();
  const auto points = health_over_time(*hours_kept, {now - hours(5), now + minutes(1)}, hours(1));
  ASSERT_TRUE(points);
  EXPECT_GE(points->size(), 6u);
  std::int64_t started = 0;
  for (const auto& point : *points) started += point.summary.counts.started;
  EXPECT_EQ(started, 1);
}

}  // namespace
}  // namespace telltale::health
