// Feedback and the errors it is about: whose turn it is, what a client's clock cannot do, and when one looks.
#include "health/feedback.hpp"

#include <gtest/gtest.h>

#include "base/health_limits.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::health {
namespace {

struct FeedbackRig {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db = metadb::open_metadb(disk, "data", clock, log, metrics).value();
  std::unique_ptr<FeedbackStore> store = FeedbackStore::open(*db, clock, metrics).value();
  storage::MemoryEventStore events;
  std::uint64_t sequence = 0;

  FeedbackRig() { clock.advance(std::chrono::hours(24 * 20'000)); }
  Result<> link() {
    WorkContext context(clock, WorkLimits{});
    return store->link(events, context);
  }
  Result<> tick() {
    WorkContext context(clock, WorkLimits{});
    return store->tick(events, context);
  }
  void say(std::uint32_t project, std::uint64_t about, UnixNanos time) {
    storage::Batch batch;
    batch.project = {project};
    batch.received = clock.now();
    storage::FeedbackItem item;
    item.id = {project, about};
    item.event_id = {7, about};
    item.time = time;
    item.message = "about " + std::to_string(about);
    batch.items.feedback.push_back(item);
    ASSERT_TRUE(store->apply({++sequence}, batch));
  }
  void happen(std::uint32_t project, std::uint64_t event) {
    EventRow row;
    row.project = {project};
    row.time = row.received = clock.now();
    row.set(std::string(attr::kEventId), Id128{7, event}.hex());
    row.set(std::string(attr::kGroupHashes), std::string("hash beside"));
    storage::Batch batch;
    batch.project = {project};
    batch.errors = {row};
    ASSERT_TRUE(events.apply({++sequence}, batch));
  }
  std::string group(std::uint32_t project, std::uint64_t about) const {
    for (const auto& f : list(project))
      if (f.item.event_id == Id128{7, about}) return f.group_hash;
    return "(absent)";
  }
  std::vector<storage::Feedback> list(std::uint32_t project) const {
    storage::FeedbackQuery query;
    query.projects = {{project}};
    query.limit = 10'000;
    return db->feedback().list(query).value();
  }
};

TEST(Feedback, AProjectWithMuchOfItDoesNotKeepOthersWaiting) {
  FeedbackRig rig;
  rig.say(2, 1, rig.clock.now());
  rig.happen(2, 1);
  for (std::uint64_t i = 0; i < limits::kMaxFeedbackLinks + 50; ++i) {
    rig.clock.advance(std::chrono::seconds(1));
    rig.say(1, 1000 + i, rig.clock.now());
  }
  ASSERT_TRUE(rig.link());
  EXPECT_EQ(rig.group(2, 1), "hash");
}

TEST(Feedback, WhatIsNeverFoundDoesNotKeepTheRestWaiting) {
  FeedbackRig rig;
  rig.say(1, 1, rig.clock.now());
  for (std::uint64_t i = 0; i < limits::kMaxFeedbackLinks + 50; ++i) {
    rig.clock.advance(std::chrono::seconds(1));
    rig.say(1, 1000 + i, rig.clock.now());
  }
  rig.happen(1, 1);
  ASSERT_TRUE(rig.link());
  rig.clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(rig.link());
  EXPECT_EQ(rig.group(1, 1), "hash") << "it had its turn after the first ones";
}

TEST(Feedback, AClientsClockDecidesNothing) {
  FeedbackRig rig;
  rig.say(1, 1, rig.clock.now() + std::chrono::hours(9));
  rig.say(1, 2, rig.clock.now() - std::chrono::hours(48));
  const auto list = rig.list(1);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].item.message, "about 2") << "came last";
  EXPECT_EQ(list[0].received, rig.clock.now());
  rig.happen(1, 2);
  ASSERT_TRUE(rig.link());
  EXPECT_EQ(rig.group(1, 2), "hash") << "it came today, whatever it says";
  rig.clock.advance(std::chrono::hours(24 * (limits::kFeedbackDays - 1)));
  ASSERT_TRUE(rig.store->prune());
  EXPECT_EQ(rig.list(1).size(), 2u);
  rig.clock.advance(std::chrono::hours(48));
  ASSERT_TRUE(rig.store->prune());
  EXPECT_TRUE(rig.list(1).empty());
}

TEST(Feedback, OneLooksOftenAfterSomeCameAndSeldomOtherwise) {
  FeedbackRig rig;
  const auto pass = [&](int seconds) {
    for (int s = 0; s < seconds; ++s) {
      rig.clock.advance(std::chrono::seconds(1));
      ASSERT_TRUE(rig.tick());
    }
  };
  rig.say(1, 1, rig.clock.now());
  pass(5);
  rig.happen(1, 1);
  EXPECT_EQ(rig.group(1, 1), "");
  pass(1);
  EXPECT_EQ(rig.group(1, 1), "hash") << "the event came a little later";
  rig.say(1, 2, rig.clock.now());
  pass(100);
  rig.happen(1, 2);
  pass(30);
  EXPECT_EQ(rig.group(1, 2), "hash") << "much later";
}

}  // namespace
}  // namespace telltale::health
