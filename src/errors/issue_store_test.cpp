// The life of issues: against a naive model with a printed seed, across replay and power loss, and case by
// case.
#include "errors/issue_store.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "errors/issue_changes.hpp"
#include "errors/releases.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"
#include "storage/health_records.hpp"

namespace telltale::errors {
namespace {

struct Life {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<IssueStore> store;

  Result<> open() {
    store.reset();
    db.reset();
    TT_ASSIGN(db, metadb::open_metadb(disk, "data", clock, log, metrics));
    TT_ASSIGN(store, IssueStore::open(*db, log, metrics));
    return {};
  }
};

storage::Batch batch_of(std::vector<EventRow> rows) {
  storage::Batch batch;
  batch.project = {1};
  batch.errors = std::move(rows);
  return batch;
}

EventRow error_row(const FakeClock& clock, std::string hashes, std::string user = "",
                   std::string release = "") {
  EventRow row;
  row.project = {1};
  row.time = row.received = clock.now();
  row.message = "E: " + hashes;
  row.ids.user_id = std::move(user);
  row.ids.release = std::move(release);
  row.set(std::string(attr::kGroupHashes), std::move(hashes));
  return row;
}

TEST(IssueStore, ReopensResolvedIssuesAndTellsOnlyLive) {
  Life life;
  ASSERT_TRUE(life.open());
  std::vector<IssueEvent> heard;
  life.store->set_listener([&](const IssueEvent& e) { heard.push_back(e); });
  ASSERT_TRUE(life.store->apply({1}, batch_of({error_row(life.clock, "old")})));
  EXPECT_TRUE(heard.empty()) << "replayed";
  life.store->set_live(true);
  ASSERT_TRUE(life.store->apply({2}, batch_of({error_row(life.clock, "h1 h2", "ann", "1.0")})));
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].change, IssueChange::fresh);
  const auto id = heard[0].issue.id;
  ASSERT_TRUE(life.store->apply({3}, batch_of({error_row(life.clock, "h3 h2", "ann", "1.1")})));
  EXPECT_EQ(**life.db->issues().find_by_hash({1}, "h3"), id)
      << "one shared hash is enough, the others follow";

  life.clock.advance(std::chrono::minutes(1));
  const EventRow late = error_row(life.clock, "h1");
  life.clock.advance(std::chrono::minutes(1));
  ASSERT_TRUE(update_issue(*life.db, life.clock, {}, id,
                           {.status = storage::IssueStatus::resolved, .resolved_in = "2.0"}));
  life.clock.advance(std::chrono::minutes(1));
  ASSERT_TRUE(life.store->apply({4}, batch_of({late, error_row(life.clock, "h1", "", "1.1")})));
  EXPECT_EQ(life.db->issues().get(id)->status, storage::IssueStatus::resolved)
      << "late, or from before the fix";
  ASSERT_TRUE(life.store->apply({5}, batch_of({error_row(life.clock, "h1", "", "2.0")})));
  const auto issue = life.db->issues().get(id);
  EXPECT_EQ(issue->status, storage::IssueStatus::unresolved);
  EXPECT_EQ(issue->substatus, storage::IssueSubstatus::regressed);
  EXPECT_EQ(issue->event_count, 5u);
  EXPECT_EQ(issue->user_count, 1u);
  EXPECT_EQ(issue->first_release, "1.0");
  EXPECT_EQ(issue->last_release, "2.0");
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[1].change, IssueChange::regressed);
}

TEST(IssueStore, WhatHasGatheredIsOneCommitOrNone) {
  Life life;
  ASSERT_TRUE(life.open());
  std::vector<IssueEvent> heard;
  life.store->set_listener([&](const IssueEvent& e) { heard.push_back(e); });
  life.store->set_live(true);
  const auto placed = [&](std::uint64_t n, std::uint32_t project, const char* hash) {
    auto batch = batch_of({error_row(life.clock, hash, "ann")});
    batch.project = {project};
    return storage::PlacedBatch{{n}, std::make_shared<storage::Batch>(std::move(batch))};
  };
  const std::vector<storage::PlacedBatch> some = {placed(1, 1, "a"), placed(2, 2, "a"), placed(3, 1, "b"),
                                                  placed(4, 1, "a")};
  const auto commits = [&] { return life.metrics.counter("telltale_metadb_transactions_total", "").value(); };
  const auto before = commits();
  ASSERT_TRUE(life.store->apply_all(some));
  EXPECT_EQ(commits() - before, 1);
  EXPECT_EQ(life.store->applied().value, 4u);
  EXPECT_EQ(heard.size(), 3u) << "each issue once";
  const auto count = [&](std::uint32_t project, const char* hash) {
    const auto id = life.db->issues().find_by_hash({project}, hash).value();
    return life.db->issues().get(id.value())->event_count;
  };
  EXPECT_EQ(count(1, "a"), 2u);
  EXPECT_EQ(count(1, "b"), 1u);
  EXPECT_EQ(count(2, "a"), 1u);
  ASSERT_TRUE(life.store->apply_all(some));
  EXPECT_EQ(count(1, "a"), 2u) << "all of them are known";
  life.disk.set_capacity(0);
  EXPECT_FALSE(life.store->apply_all(std::vector{placed(5, 1, "c"), placed(6, 1, "a")}));
  EXPECT_EQ(life.store->applied().value, 4u);
}

TEST(IssueStore, ARegressionIsOfTheReleaseOfItsEvent) {
  Life life;
  ASSERT_TRUE(life.open());
  const auto regressed = [&](const char* version) {
    const auto release = life.db->releases().get({1}, version);
    return release ? release->regressed_issues : 99;
  };
  for (const char* version : {"shop@1.0", "shop@2.0"})
    ASSERT_TRUE(
        life.db->releases().saw({1}, version, life.clock.now(), life.clock.now(), life.clock.now(), 9));
  // A client whose clock is ahead: for a while nothing is newer than its event.
  EventRow ahead = error_row(life.clock, "a", "", "shop@2.0");
  ahead.time = ahead.time + std::chrono::hours(9);
  ASSERT_TRUE(life.store->apply({1}, batch_of({ahead})));
  const auto id = life.db->issues().find_by_hash({1}, "a").value().value();
  ASSERT_TRUE(update_issue(*life.db, life.clock, {}, id, {.status = storage::IssueStatus::resolved}));
  life.clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(life.store->apply({2}, batch_of({error_row(life.clock, "a", "", "shop@1.0")})));
  EXPECT_EQ(life.db->issues().get(id)->substatus, storage::IssueSubstatus::regressed);
  EXPECT_EQ(life.db->issues().get(id)->last_release, "shop@2.0");
  EXPECT_EQ(regressed("shop@1.0"), 1u);
  EXPECT_EQ(regressed("shop@2.0"), 0u);
}

TEST(Releases, AreOrderedByTheirVersions) {
  const char* const rising[] = {
      "shop@0.9",        "shop@1.0.0-alpha",    "shop@1.0.0-alpha.1", "shop@1.0.0-alpha.beta",
      "shop@1.0.0-beta", "shop@1.0.0-beta.2",   "shop@1.0.0-beta.11", "shop@1.0.0-rc.1",
      "shop@1.0.0",      "shop@1.0.1+build.77", "shop@1.2",           "shop@1.10.0",
      "shop@1.10.0.4",   "shop@20261126"};
  for (const auto& a : rising) {
    for (const auto& b : rising) {
      const auto order = compare_releases(a, b);
      ASSERT_TRUE(order) << a << ' ' << b;
      EXPECT_EQ(*order < 0, &a < &b) << a << ' ' << b;
      EXPECT_EQ(*order > 0, &a > &b) << a << ' ' << b;
    }
  }
  EXPECT_EQ(compare_releases("1.0", "v1.0.0+7"), std::strong_ordering::equal);
  for (const char* none :
       {"shop@4f3a2b1", "shop@", "", "shop@1.x", "shop@1..2", "shop@1.2.3.4.5", "shop@-rc", "other@1.0"})
    EXPECT_FALSE(compare_releases(none, "shop@1.0")) << none;
}

TEST(IssueStore, AnOlderVersionIsFromBeforeTheFix) {
  Life life;
  ASSERT_TRUE(life.open());
  ASSERT_TRUE(life.store->apply({1}, batch_of({error_row(life.clock, "h", "", "shop@1.1.0")})));
  const auto id = **life.db->issues().find_by_hash({1}, "h");
  ASSERT_TRUE(update_issue(*life.db, life.clock, {}, id,
                           {.status = storage::IssueStatus::resolved, .resolved_in = "shop@1.2.0"}));
  life.clock.advance(std::chrono::minutes(1));
  const auto status_after = [&](std::uint64_t sequence, const char* release) {
    EXPECT_TRUE(life.store->apply({sequence}, batch_of({error_row(life.clock, "h", "", release)})));
    return life.db->issues().get(id)->status;
  };
  EXPECT_EQ(status_after(2, "shop@1.1.9"), storage::IssueStatus::resolved) << "never met, but older";
  EXPECT_EQ(status_after(3, "shop@1.2.0-rc.1"), storage::IssueStatus::resolved);
  EXPECT_EQ(status_after(4, "shop@1.10.0"), storage::IssueStatus::unresolved);
}

// An algorithm that groups anew finds the issues of the one before; its finer groups do not tear them apart,
// and issues that it makes are bound to its own hashes only.
TEST(IssueStore, AnIssueOutlivesAChangeOfTheGrouping) {
  Life life;
  ASSERT_TRUE(life.open());
  const auto row = [&](std::string hash, std::string before) {
    EventRow out = error_row(life.clock, std::move(hash));
    out.set(std::string(attr::kGroupHashesBefore), std::move(before));
    return out;
  };
  ASSERT_TRUE(life.store->apply({1}, batch_of({error_row(life.clock, "old")})));
  const auto id = **life.db->issues().find_by_hash({1}, "old");
  ASSERT_TRUE(life.store->apply({2}, batch_of({row("new-a", "old"), row("new-b", "other old")})));
  EXPECT_EQ(**life.db->issues().find_by_hash({1}, "new-a"), id);
  EXPECT_EQ(**life.db->issues().find_by_hash({1}, "new-b"), id);
  EXPECT_EQ(life.db->issues().get(id)->event_count, 3u);
  ASSERT_TRUE(life.store->apply({3}, batch_of({row("new-c", "coarse"), row("new-d", "coarse")})));
  EXPECT_FALSE(*life.db->issues().find_by_hash({1}, "coarse"));
  EXPECT_NE(**life.db->issues().find_by_hash({1}, "new-c"), **life.db->issues().find_by_hash({1}, "new-d"));
}

TEST(IssueStore, CountsAsANaiveModelAndOnlyOnceAcrossCrashes) {
  const std::uint64_t seed =
      static_cast<std::uint64_t>(testing::UnitTest::GetInstance()->random_seed()) + 20'261'123;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  Life life;
  ASSERT_TRUE(life.open());
  struct Model {
    std::uint64_t events = 0;
    std::set<std::string> users;
    std::map<std::int64_t, std::uint64_t> hours;
  };
  std::map<std::string, Model> model;
  std::vector<storage::Batch> journal;
  for (int i = 0; i < 120; ++i) {
    std::vector<EventRow> rows;
    for (std::uint64_t n = rng.below(5); n > 0; --n) {
      const std::string hash = "h" + std::to_string(rng.below(6));
      const std::string user = "u" + std::to_string(rng.below(10));
      rows.push_back(error_row(life.clock, hash, user));
      Model& m = model[hash];
      ++m.events;
      m.users.insert(user);
      ++m.hours[life.clock.now().ns / 3'600'000'000'000];
    }
    journal.push_back(batch_of(std::move(rows)));
    life.clock.advance(std::chrono::minutes(rng.below(50)));
  }
  int crashes = 0;
  for (std::uint64_t next = 1; next <= journal.size();) {
    // One at a time, or as many as have gathered; some of them it may have already.
    std::vector<storage::PlacedBatch> together;
    const std::uint64_t last = std::min<std::uint64_t>(next + rng.below(9), journal.size());
    for (std::uint64_t n = next; n <= last; ++n)
      together.push_back({{n}, std::make_shared<storage::Batch>(journal[n - 1])});
    if (together.size() == 1) {
      ASSERT_TRUE(life.store->apply({next}, journal[next - 1]));
    } else {
      ASSERT_TRUE(life.store->apply_all(together));
    }
    ASSERT_EQ(life.store->applied().value, last);
    if (rng.chance(0.2)) {
      ASSERT_TRUE(life.store->checkpoint());
    }
    next = last + 1;
    if (!rng.chance(0.1) || crashes >= 10) continue;
    ++crashes;
    const Sequence durable = life.store->durable();
    life.disk.crash(rng.next());
    ASSERT_TRUE(life.open());
    ASSERT_GE(life.store->applied(), durable);
    next = durable.value + 1;  // replays some that are applied already
  }
  for (const auto& [hash, want] : model) {
    const auto id = life.db->issues().find_by_hash({1}, hash);
    ASSERT_TRUE(id && *id) << hash;
    const auto issue = life.db->issues().get(**id);
    EXPECT_EQ(issue->event_count, want.events) << hash;
    EXPECT_EQ(issue->user_count, want.users.size()) << hash;
    std::map<std::int64_t, std::uint64_t> hours;
    const auto counted = life.db->issues().hour_counts(**id, {});
    ASSERT_TRUE(counted);
    for (const auto& h : *counted) hours[h.hour.ns / 3'600'000'000'000] = h.count;
    EXPECT_EQ(hours, want.hours) << hash;
  }
}

}  // namespace
}  // namespace telltale::errors
