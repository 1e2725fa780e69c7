// What people decide about issues holds: an archived one comes back for what comes after the decision, and
// merging neither adds to its progress nor raises an alarm. Random histories are compared with a list of what
// came (the seed is printed).
#include <random>

#include "base/rng.hpp"
#include "errors/issue_rig.hpp"

namespace telltale::errors {
namespace {

using storage::ArchiveUntil;
using storage::IssueId;
using storage::IssueStatus;
using storage::IssueSubstatus;

constexpr std::chrono::hours kHour{1};

IssueUpdate archived(storage::IssueArchive archive) {
  return {.status = IssueStatus::ignored, .archive = archive};
}

void merge_into(IssueHouse& house, const char* target, const char* hash) {
  const auto done =
      merge_issues(*house.db, house.clock, {}, {house.id(target), house.id(hash)}, house.id(target));
  ASSERT_TRUE(done) << done.error().message();
}

// ---- Escalation
// ---------------------------------------------------------------------------------------------

TEST(IssueDecisions, ArchivedInARunningSpikeItEscalatesForWhatCameSince) {
  IssueHouse house;
  house.send("a", 2);
  house.clock.advance(kHour);
  house.send("a", 200);
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::escalating) << "more than ten times two";
  house.clock.advance(std::chrono::minutes(5));
  house.update("a", archived({ArchiveUntil::escalating}));
  house.heard.clear();
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::until_escalating) << "nothing came since";
  house.send("a", 20);
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::until_escalating) << "twenty are to be expected";
  EXPECT_TRUE(house.heard.empty());
  house.send("a", 1);
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::escalating);
  EXPECT_EQ(house.heard.size(), 1u);
}

TEST(IssueDecisions, ArchivedInARunningSpikeItStaysAwayWhenTheHourIsOver) {
  IssueHouse house;
  house.send("a", 2);
  house.clock.advance(kHour);
  house.send("a", 200);
  house.update("a", archived({ArchiveUntil::escalating}));
  house.clock.advance(issue_hour(house.clock.now()) + kHour - house.clock.now() + std::chrono::minutes(1));
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::until_escalating);
  house.clock.advance(kHour);
  house.send("a", 2001);
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::escalating) << "ten times two hundred";
}

TEST(IssueDecisions, WhatMergingBringsIntoTheHourOfTheDecisionIsNoEscalation) {
  IssueHouse house;
  house.send("a", 2);
  house.send("b", 2);
  house.clock.advance(kHour);
  house.send("a", 15);
  house.send("b", 19);
  house.update("a", archived({ArchiveUntil::escalating}));
  house.send("b", 90);
  merge_into(house, "a", "b");
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::until_escalating);
  house.send("b", 41);
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::escalating) << "ten times four";
}

TEST(IssueDecisions, TheLimitOfAMergedIssueIsOfAllItsParts) {
  IssueHouse house;
  for (int hour = 0; hour < 24 * 8; ++hour) {
    house.send("a", 4);
    house.send("b", 20);
    house.clock.advance(kHour);
  }
  house.tick();
  house.send("a", 12);
  house.send("b", 20);
  house.tick();
  house.heard.clear();
  merge_into(house, "a", "b");
  house.tick();
  EXPECT_TRUE(house.heard.empty()) << "24 an hour are as usual, now";
  const auto b = house.db->issues().find_part({1}, "b")->value().part;
  ASSERT_TRUE(unmerge_part(*house.db, house.clock, {}, b));
  house.send("a", 13);
  house.tick();
  ASSERT_EQ(house.heard.size(), 1u) << "4 an hour are as usual, again";
  EXPECT_EQ(house.heard[0].issue.id, house.id("a"));
}

// ---- Progress of archived issues
// ----------------------------------------------------------------------------

TEST(IssueDecisions, WhatOthersCountedBeforeTheyWereMergedIsNoProgress) {
  IssueHouse house;
  house.send("a", 5);
  house.send("b", 1);
  house.update("a", archived({ArchiveUntil::events, {}, 100, 24}));
  house.clock.advance(kHour);
  house.send("b", 500);
  house.clock.advance(kHour);
  merge_into(house, "a", "b");
  house.send("a", 60);
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored);
  house.send("b", 40);
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved) << "of both, since they are one";
  house.update("a", archived({ArchiveUntil::events, {}, 100, 24}));
  house.send("a", 99);
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored);
  house.send("a", 1);
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved) << "a new decision begins anew";
}

/// An issue `a` that is archived until so many events, again whenever it came back, while `b` and `c` come
/// and go as its parts.
class ProgressHistory {
 public:
  ProgressHistory(Rng& rng, std::uint32_t window_hours) : rng_(rng), window_hours_(window_hours) {
    for (const char* hash : kHashes) house_.send(hash, 1 + static_cast<int>(rng_.below(60)));
    archive();
  }

  void step() {
    switch (rng_.below(6)) {
      case 0:
        return house_.clock.advance(std::chrono::minutes(1 + rng_.below(100)));
      case 1:
        return merge(1 + rng_.below(2));
      case 2:
        return unmerge(1 + rng_.below(2));
      default:
        send(rng_.below(3), 1 + rng_.below(9));
    }
  }

 private:
  static constexpr const char* kHashes[] = {"a", "b", "c"};
  static constexpr std::uint64_t kEvents = 40;

  void archive() {
    house_.update("a", archived({ArchiveUntil::events, {}, kEvents, window_hours_}));
    came_.clear();
  }

  void merge(std::size_t i) {
    if (merged_[i]) return;
    merge_into(house_, "a", kHashes[i]);
    merged_[i] = true;
  }

  void unmerge(std::size_t i) {
    if (!merged_[i]) return;
    const auto part = house_.db->issues().find_part({1}, kHashes[i])->value().part;
    ASSERT_TRUE(unmerge_part(*house_.db, house_.clock, {}, part));
    merged_[i] = false;
  }

  void send(std::size_t i, std::uint64_t events) {
    house_.send(kHashes[i], static_cast<int>(events));
    if (!merged_[i]) return;
    came_.emplace_back(house_.clock.now(), events);
    std::uint64_t progress = 0;
    for (const auto& [time, n] : came_)
      if (window_hours_ == 0 || time >= issue_hour(house_.clock.now() - std::chrono::hours(window_hours_)))
        progress += n;
    const auto now = house_.issue("a");
    ASSERT_EQ(now.status == IssueStatus::ignored, progress < kEvents) << progress;
    if (progress >= kEvents) archive();
  }

  Rng& rng_;
  const std::uint32_t window_hours_;
  IssueHouse house_;
  std::vector<std::pair<UnixNanos, std::uint64_t>> came_;  // since the decision, to what was part of it then
  bool merged_[3] = {true, false, false};
};

TEST(IssueDecisions, ProgressIsWhatCameWhileItWasTheIssues) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 12; ++run) {
    const auto window_hours = static_cast<std::uint32_t>(rng.below(2) * (1 + rng.below(6)));
    SCOPED_TRACE("run " + std::to_string(run) + " window " + std::to_string(window_hours));
    ProgressHistory history(rng, window_hours);
    for (int step = 0; step < 150; ++step) {
      history.step();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

// ---- Bookmarks
// ----------------------------------------------------------------------------------------------

TEST(IssueDecisions, ABookmarkOfAnyPartIsTheIssuesAndCanBeTakenOff) {
  IssueHouse house;
  house.send("a");
  house.send("b");
  const IssueId a = house.id("a");
  const IssueId b = house.id("b");
  auto& marks = house.db->issue_activity();
  const UnixNanos seen = house.clock.now();
  ASSERT_TRUE(marks.put_mark(7, {b, true, seen}));
  ASSERT_TRUE(marks.put_mark(8, {b, true, {}}));
  const auto bookmarked = [&] {
    storage::IssueQuery query;
    query.projects = {{1}};
    query.bookmarked_by = 7;
    return *house.db->issues().count(query);
  };
  merge_into(house, "a", "b");
  EXPECT_TRUE(marks.mark(7, a)->bookmarked);
  EXPECT_FALSE(marks.mark(7, a)->seen) << "somebody looked at a part, not at what it is now";
  EXPECT_EQ(bookmarked(), 1u);

  // Having looked at it is not a bookmark of the issue's own.
  ASSERT_TRUE(marks.put_mark(7, {a, true, seen}));
  EXPECT_TRUE(marks.mark(7, a)->bookmarked);
  EXPECT_EQ(marks.mark(7, a)->seen, seen);
  ASSERT_TRUE(unmerge_part(*house.db, house.clock, {}, b));
  EXPECT_FALSE(marks.mark(7, a)->bookmarked);
  EXPECT_TRUE(marks.mark(7, b)->bookmarked);

  merge_into(house, "a", "b");
  ASSERT_TRUE(marks.put_mark(7, {a, false, seen}));
  EXPECT_FALSE(marks.mark(7, a)->bookmarked);
  EXPECT_EQ(bookmarked(), 0u);
  ASSERT_TRUE(unmerge_part(*house.db, house.clock, {}, b));
  EXPECT_FALSE(marks.mark(7, b)->bookmarked) << "taken off of all of it";
  EXPECT_EQ(marks.mark(7, b)->seen, seen);
  EXPECT_TRUE(marks.mark(8, b)->bookmarked) << "somebody else's";
  ASSERT_TRUE(marks.put_mark(7, {a, true, {}}));
  EXPECT_EQ(bookmarked(), 1u);
}

}  // namespace
}  // namespace telltale::errors
