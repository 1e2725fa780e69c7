// The life of issues: random histories of events, merges, splits and crashes against a naive model (the seed
// is printed), and what time and people do, with a clock of our own.
#include <algorithm>
#include <map>
#include <set>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/rng.hpp"
#include "errors/escalation.hpp"
#include "errors/issue_rig.hpp"
#include "errors/ownership.hpp"
#include "errors/user_sketch.hpp"
#include "storage/health_records.hpp"

namespace telltale::errors {
namespace {

using storage::ArchiveUntil;
using storage::IssueAction;
using storage::IssueId;
using storage::IssueStatus;
using storage::IssueSubstatus;

using Words = std::vector<std::string>;

// ---- Random histories
// ---------------------------------------------------------------------------------------

/// What one part has counted, kept by hand.
struct PartModel {
  std::uint64_t events = 0;
  std::set<std::string> users;
  std::map<std::int64_t, std::uint64_t> hours;
  std::map<std::string, std::uint64_t> releases;
  std::int64_t first = INT64_MAX;
  std::int64_t last = INT64_MIN;

  void add(const PartModel& other) {
    events += other.events;
    users.insert(other.users.begin(), other.users.end());
    for (const auto& [hour, n] : other.hours) hours[hour] += n;
    for (const auto& [release, n] : other.releases) releases[release] += n;
    first = std::min(first, other.first);
    last = std::max(last, other.last);
  }
};

/// Hash → part → issue, and nothing clever.
struct LifeModel {
  std::map<std::string, std::int64_t> part_of;
  std::map<std::int64_t, std::int64_t> issue_of;  // of parts
  std::map<std::int64_t, PartModel> parts;

  std::map<std::int64_t, PartModel> issues() const {
    std::map<std::int64_t, PartModel> out;
    for (const auto& [part, counts] : parts) out[issue_of.at(part)].add(counts);
    return out;
  }
};

void compare(IssueHouse& house, const LifeModel& model) {
  auto& issues = house.db->issues();
  storage::IssueQuery all;
  all.projects = {{1}};
  all.limit = 1000;
  const auto want = model.issues();
  ASSERT_EQ(issues.search(all)->size(), want.size());
  for (const auto& [id, counts] : want) {
    const auto issue = issues.get({id}).value();
    ASSERT_EQ(issue.id.value, id);
    EXPECT_EQ(issue.event_count, counts.events) << id;
    EXPECT_EQ(issue.user_count, counts.users.size()) << id;
    if (counts.events > 0) {
      EXPECT_EQ(issue.last_seen.ns, counts.last) << id;
      EXPECT_EQ(issue.first_seen.ns, counts.first) << id;
    }
    std::map<std::int64_t, std::uint64_t> hours;
    const auto hour_counts = issues.hour_counts({id}, {}).value();
    for (const auto& h : hour_counts) hours[h.hour.ns] = h.count;
    EXPECT_EQ(hours, counts.hours) << id;
    std::map<std::string, std::uint64_t> releases;
    const auto release_counts = issues.releases({id}).value();
    for (const auto& r : release_counts) releases[r.release] = r.count;
    EXPECT_EQ(releases, counts.releases) << id;
  }
  for (const auto& [hash, part] : model.part_of) {
    EXPECT_EQ((*issues.find_part({1}, hash))->part.value, part) << hash;
    EXPECT_EQ(house.id(hash).value, model.issue_of.at(part)) << hash;
  }
  for (const auto& [part, issue] : model.issue_of) EXPECT_EQ(issues.get({part})->id.value, issue);
}

/// Some batches of random events, told to the model as well.
std::vector<EventRow> random_rows(IssueHouse& house, Rng& rng) {
  std::vector<EventRow> rows;
  for (std::uint64_t n = rng.below(6); n > 0; --n) {
    EventRow row = house.row("h" + std::to_string(rng.below(10)), "u" + std::to_string(rng.below(12)),
                             "r" + std::to_string(rng.below(3)));
    row.time = row.time - std::chrono::minutes(rng.below(200));
    rows.push_back(std::move(row));
  }
  return rows;
}

void count_in_model(IssueHouse& house, LifeModel& model, const std::vector<EventRow>& rows) {
  for (const EventRow& row : rows) {
    const std::string hash = to_string(*row.find(attr::kGroupHashes));
    if (!model.part_of.contains(hash)) {
      const auto id = house.id(hash).value;
      ASSERT_FALSE(model.parts.contains(id))
          << "an issue that was there took a new hash: " << hash << " " << id << " batch of " << rows.size();
      model.part_of[hash] = id;
      model.issue_of[id] = id;
    }
    PartModel& part = model.parts[model.part_of[hash]];
    ++part.events;
    part.users.insert(row.ids.user_id);
    ++part.hours[issue_hour(row.time).ns];
    ++part.releases[row.ids.release];
    part.first = std::min(part.first, row.time.ns);
    part.last = std::max(part.last, row.time.ns);
  }
}

std::int64_t any_part(const LifeModel& model, Rng& rng) {
  auto it = model.parts.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(rng.below(model.parts.size())));
  return it->first;
}

void merge_some(IssueHouse& house, LifeModel& model, Rng& rng) {
  const std::int64_t a = any_part(model, rng);
  const std::int64_t b = any_part(model, rng);
  const auto done = merge_issues(*house.db, house.clock, {}, {{a}, {b}}, IssueId{a});
  const std::int64_t into = model.issue_of[a];
  const std::int64_t from = model.issue_of[b];
  ASSERT_EQ(done.has_value(), into != from);
  for (auto& [part, issue] : model.issue_of)
    if (issue == from) issue = into;
}

void unmerge_some(IssueHouse& house, LifeModel& model, Rng& rng) {
  const std::int64_t part = any_part(model, rng);
  const auto done = unmerge_part(*house.db, house.clock, {}, {part});
  ASSERT_EQ(done.has_value(), model.issue_of[part] != part);
  model.issue_of[part] = part;
}

void split_some(IssueHouse& house, LifeModel& model, Rng& rng) {
  const std::string hash = "h" + std::to_string(rng.below(10));
  if (!model.part_of.contains(hash)) return;
  const std::int64_t part = model.part_of[hash];
  const std::int64_t issue = model.issue_of[part];
  std::size_t of_issue = 0;
  std::size_t of_part = 0;
  for (const auto& [other, p] : model.part_of) {
    of_issue += model.issue_of[p] == issue ? 1 : 0;
    of_part += p == part ? 1 : 0;
  }
  storage::Issue seed;  // seen in events to come only
  seed.first_seen = {INT64_MAX};
  seed.last_seen = {INT64_MIN};
  const auto done = split_hashes(*house.db, house.clock, {}, {issue}, {hash}, seed);
  ASSERT_EQ(done.has_value(), of_issue > 1);
  if (!done) return;
  if (of_part == 1 && part != issue) {
    model.issue_of[part] = part;
    return;
  }
  model.part_of[hash] = model.issue_of[done->id.value] = done->id.value;
  model.parts[done->id.value];
}

// Whatever was merged, taken apart and replayed: each event counts once, in the part its hash led to when it
// came.
TEST(IssueLife, MergesAndSplitsAsANaiveModelAndOnlyOnceAcrossCrashes) {
  const std::uint64_t seed =
      static_cast<std::uint64_t>(testing::UnitTest::GetInstance()->random_seed()) + 20'261'126;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  IssueHouse house;
  LifeModel model;
  std::vector<storage::Batch> journal;
  for (int step = 0; step < 400; ++step) {
    const auto choice = rng.below(12);
    if (choice < 7 || model.parts.size() < 3) {
      auto rows = random_rows(house, rng);
      journal.push_back(IssueHouse::batch(rows));
      ASSERT_TRUE(house.store->apply({journal.size()}, journal.back()));
      count_in_model(house, model, rows);
    } else if (choice < 9) {
      merge_some(house, model, rng);
    } else if (choice < 10) {
      unmerge_some(house, model, rng);
    } else if (choice < 11) {
      split_some(house, model, rng);
    } else {
      if (rng.chance(0.5)) {
        ASSERT_TRUE(house.store->checkpoint());
      }
      const std::uint64_t durable = house.store->durable().value;
      house.disk.crash(rng.next());
      house.open();
      ASSERT_GE(house.store->applied().value, durable);
      // Some are applied already; what the crash took comes again.
      for (std::uint64_t n = durable + 1; n <= journal.size(); ++n)
        ASSERT_TRUE(house.store->apply({n}, journal[n - 1]));
    }
    house.clock.advance(std::chrono::minutes(rng.below(40)));
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    if (step % 20 == 0) compare(house, model);
    ASSERT_FALSE(testing::Test::HasFailure()) << "step " << step;
  }
  compare(house, model);
}

// ---- Merging, case by case
// ----------------------------------------------------------------------------------

TEST(IssueLife, AMergedIssueComesBackAsItWas) {
  IssueHouse house;
  house.send("a", 3, "ann", "1.0");
  house.clock.advance(std::chrono::hours(1));
  house.send("b", 2, "bob", "1.1");
  const auto a = house.issue("a");
  const auto b = house.issue("b");
  EXPECT_EQ(merge_issues(*house.db, house.clock, {}, {a.id}, {}).error().kind(), ErrorKind::invalid_argument);
  const auto merged = merge_issues(*house.db, house.clock, {7, "ada"}, {b.id, a.id}, {});
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->id, a.id) << "the one that was seen first";
  EXPECT_EQ(merged->event_count, 5u);
  EXPECT_EQ(merged->user_count, 2u);
  EXPECT_EQ(merged->first_release, "1.0");
  EXPECT_EQ(merged->last_release, "1.1");
  EXPECT_EQ(merged->parts, 2u);
  house.send("b", 1, "ann", "1.2");
  EXPECT_EQ(house.issue("a").event_count, 6u);
  EXPECT_EQ(house.issue("a").user_count, 2u) << "ann is one person";

  const auto freed = unmerge_part(*house.db, house.clock, {7, "ada"}, b.id);
  ASSERT_TRUE(freed);
  EXPECT_EQ(freed->short_id, b.short_id);
  EXPECT_EQ(freed->event_count, 3u) << "with what came while it was merged";
  EXPECT_EQ(freed->user_count, 2u);
  EXPECT_EQ(house.issue("a").event_count, 3u);
  EXPECT_EQ(house.issue("a").last_release, "1.0");
  EXPECT_EQ(house.activity("a"), (Words{"merged " + b.short_id, "unmerged " + b.short_id}));
  EXPECT_EQ(house.activity("b"), (Words{"unmerged from " + a.short_id}));
}

TEST(IssueLife, WhatHangsOnAMergedIssueGoesWithItAndComesBack) {
  IssueHouse house;
  house.send("a", 1, "ann", "1.0");
  house.clock.advance(std::chrono::hours(1));
  house.send("b", 1, "bob", "2.0");
  const IssueId a = house.id("a");
  const IssueId b = house.id("b");
  for (const char* version : {"1.0", "2.0"})
    ASSERT_TRUE(house.db->releases().saw({1}, version, {}, house.clock.now(), house.clock.now(), 9));
  house.update("b", {.status = IssueStatus::resolved});
  house.send("b", 1, "bob", "2.0");
  ASSERT_TRUE(house.db->issue_activity().put_mark(7, {b, true, {}}));
  storage::Feedback said;
  said.project = {1};
  said.item.id = said.item.event_id = Id128{1, 2};
  said.item.message = "it broke";
  said.group_hash = "b";
  ASSERT_TRUE(house.db->feedback().put(said));

  const auto feedback_of = [&](IssueId issue) {
    storage::FeedbackQuery query;
    query.projects = {{1}};
    query.issue = issue.value;
    EXPECT_EQ(house.db->feedback().list(query)->size(), *house.db->feedback().count(query));
    return *house.db->feedback().count(query);
  };
  const auto bookmarked = [&] {
    storage::IssueQuery query;
    query.projects = {{1}};
    query.bookmarked_by = 7;
    std::vector<std::int64_t> out;
    const auto found = house.db->issues().search(query).value();
    for (const auto& issue : found) out.push_back(issue.id.value);
    query.bookmarked_by = 0;
    query.where = storage::IssueCondition::number(storage::IssueCondition::Op::in_numbers,
                                                  storage::IssueField::bookmarked_by, {7});
    EXPECT_EQ(house.db->issues().search(query)->size(), out.size());
    query.where = storage::IssueCondition::number(storage::IssueCondition::Op::in_numbers,
                                                  storage::IssueField::bookmarked_by, {8});
    EXPECT_TRUE(house.db->issues().search(query)->empty()) << "bookmarks of somebody else";
    return out;
  };
  const auto release = [&](const char* version) {
    const auto r = house.db->releases().get({1}, version).value();
    return std::pair(r.new_issues, r.regressed_issues);
  };
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(feedback_of(b), 1u);
  EXPECT_EQ(bookmarked(), std::vector{b.value});
  EXPECT_EQ(release("2.0"), (Counts{1, 1}));

  ASSERT_TRUE(merge_issues(*house.db, house.clock, {}, {a, b}, {}));
  EXPECT_EQ(feedback_of(a), 1u);
  EXPECT_EQ(bookmarked(), std::vector{a.value});
  EXPECT_EQ(release("1.0"), (Counts{1, 0}));
  EXPECT_EQ(release("2.0"), (Counts{0, 1})) << "the issue began in 1.0; that it came back in 2.0 stays true";

  ASSERT_TRUE(unmerge_part(*house.db, house.clock, {}, b));
  EXPECT_EQ(feedback_of(a), 0u);
  EXPECT_EQ(feedback_of(b), 1u);
  EXPECT_EQ(bookmarked(), std::vector{b.value});
  EXPECT_EQ(release("2.0"), (Counts{1, 1}));
}

TEST(IssueLife, MergingLeavesAnArchivedIssuesProgressAsItIs) {
  const auto still_archived = [](IssueHouse& house) {
    return house.issue("a").status == IssueStatus::ignored;
  };
  for (const std::uint32_t window : {0U, 5U}) {
    SCOPED_TRACE(window);
    IssueHouse house;
    house.send("a", 5, "ann");
    house.send("b", 50, "bob");
    house.update("a", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::events, {}, 4, window}}});
    house.clock.advance(std::chrono::hours(1));
    house.send("a", 2);
    house.send("b", 50, "bob");
    house.clock.advance(std::chrono::hours(1));
    house.send("b", 50, "bob");
    ASSERT_TRUE(merge_issues(*house.db, house.clock, {}, {house.id("a"), house.id("b")}, house.id("a")));
    house.send("a");
    EXPECT_TRUE(still_archived(house)) << "three more, and fifty that had been there before";
    ASSERT_TRUE(
        unmerge_part(*house.db, house.clock, {}, house.db->issues().find_part({1}, "b")->value().part));
    EXPECT_TRUE(still_archived(house));
    house.send("a");
    EXPECT_FALSE(still_archived(house)) << "four, whatever came and went";
  }
  IssueHouse house;
  house.send("a", 5, "ann");
  for (int i = 0; i < 9; ++i) house.send("b", 1, "user " + std::to_string(i));
  house.update("a", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::users, {}, 2}}});
  house.send("a", 1, "cid");
  ASSERT_TRUE(merge_issues(*house.db, house.clock, {}, {house.id("a"), house.id("b")}, house.id("a")));
  house.send("a", 1, "cid");
  EXPECT_TRUE(still_archived(house)) << "one user more";
  house.send("b", 1, "dan");
  EXPECT_FALSE(still_archived(house));
}

TEST(IssueLife, HowManyHashesMayLeaveAtOnce) {
  IssueHouse house;
  house.send("a");
  house.send("b");
  const auto merged = merge_issues(*house.db, house.clock, {}, {house.id("a"), house.id("b")}, {});
  ASSERT_TRUE(merged);
  std::vector<std::string> many(limits::kMaxUnmergeHashes + 1, "b");
  const auto refused = check_split(*house.db, *merged, many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::execution);
  EXPECT_EQ(refused.error().message().rfind("hashes: more than", 0), 0u) << refused.error().message();
  many.pop_back();
  EXPECT_TRUE(check_split(*house.db, *merged, many)) << "the same one, again and again";
  EXPECT_EQ(check_split(*house.db, *merged, {"c"}).error().message(), "hashes: c is not one of the issue's");
}

TEST(IssueLife, ErasingAPersonCountsOneLessOfEveryPart) {
  IssueHouse house;
  house.send("a", 1, "ann");
  house.send("b", 1, "ann");
  house.send("b", 1, "bob");
  ASSERT_TRUE(merge_issues(*house.db, house.clock, {}, {house.id("a"), house.id("b")}, {}));
  EXPECT_EQ(house.issue("a").user_count, 2u);
  EXPECT_EQ(*house.db->issues().forget_user({1}, hash128("ann").hex()), 1u);
  EXPECT_EQ(house.issue("a").user_count, 1u);
  const auto parts = house.db->issues().parts(house.id("a")).value();
  EXPECT_EQ(parts[0].user_count, 0u);
  EXPECT_EQ(parts[1].user_count, 1u);
}

// ---- Users
// --------------------------------------------------------------------------------------------------

TEST(UserSketch, IsWithinOnePercentAndMerges) {
  UserSketch one;
  UserSketch two;
  UserSketch both;
  std::uint64_t n = 0;
  for (const std::uint64_t until : {1'000, 10'000, 30'000, 100'000, 400'000}) {
    for (; n < until; ++n) {
      const Id128 user = hash128("user " + std::to_string(n));
      (n % 3 == 0 ? one : two).add(user);
      both.add(user);
    }
    EXPECT_NEAR(static_cast<double>(both.estimate()), static_cast<double>(n), static_cast<double>(n) * 0.01);
  }
  EXPECT_FALSE(both.add(hash128("user 5"))) << "twice is once";
  one.merge(two);
  EXPECT_EQ(one.estimate(), both.estimate());
  UserSketch read;
  for (const int page : one.take_changed())
    ASSERT_TRUE(read.set_page(page, one.page(static_cast<std::size_t>(page))));
  EXPECT_EQ(read.estimate(), one.estimate());
  EXPECT_TRUE(read.clean());
  EXPECT_EQ(read.set_page(3, "short").error().kind(), ErrorKind::corruption);
}

TEST(IssueLife, ManyUsersAreCountedAcrossRestartsAndParts) {
  IssueHouse house;
  const auto users = [&](std::string_view hash, int from, int to) {
    std::vector<EventRow> rows;
    for (int i = from; i < to; ++i) rows.push_back(house.row(std::string(hash), "user " + std::to_string(i)));
    ASSERT_TRUE(house.store->apply({++house.sequence}, IssueHouse::batch(std::move(rows))));
  };
  users("a", 0, static_cast<int>(limits::kMaxUsersPerIssue));
  EXPECT_EQ(house.issue("a").user_count, limits::kMaxUsersPerIssue) << "exact";
  EXPECT_FALSE(house.issue("a").users_estimated);
  for (int i = 10'000; i < 20'000; i += 2'500) users("a", i, i + 2'500);
  users("b", 15'000, 22'000);
  house.open();
  users("a", 19'000, 20'000);  // nobody new
  EXPECT_TRUE(house.issue("a").users_estimated);
  EXPECT_NEAR(static_cast<double>(house.issue("a").user_count), 20'000, 200);
  ASSERT_TRUE(merge_issues(*house.db, house.clock, {}, {house.id("a"), house.id("b")}, {}));
  EXPECT_NEAR(static_cast<double>(house.issue("a").user_count), 22'000, 220);
  users("b", 22'000, 24'000);
  EXPECT_NEAR(static_cast<double>(house.issue("a").user_count), 24'000, 240);
  users("b", 24'000, 30'000);  // b is sketched now, too
  EXPECT_NEAR(static_cast<double>(house.issue("a").user_count), 30'000, 300);
  const auto b = house.db->issues().parts(house.id("a"))->at(1).id;
  const auto freed = unmerge_part(*house.db, house.clock, {}, b);
  ASSERT_TRUE(freed);
  EXPECT_NEAR(static_cast<double>(freed->user_count), 15'000, 150);
  // Together again, with whom b has met alone.
  users("b", 30'000, 36'000);
  ASSERT_TRUE(merge_issues(*house.db, house.clock, {}, {house.id("a"), b}, {}));
  users("a", 0, 1);
  EXPECT_NEAR(static_cast<double>(house.issue("a").user_count), 36'000, 360);
  users("b", 36'000, 36'001);
  EXPECT_NEAR(static_cast<double>(house.issue("a").user_count), 36'000, 360);
  ASSERT_TRUE(unmerge_part(*house.db, house.clock, {}, b));
  EXPECT_NEAR(static_cast<double>(house.issue("a").user_count), 20'000, 200);
}

// ---- Time
// ---------------------------------------------------------------------------------------------------

TEST(IssueLife, NewAndRegressedBecomeOngoing) {
  IssueHouse house;
  house.send("a");
  house.clock.advance(kSettlesAfter - std::chrono::minutes(1));
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::fresh);
  house.clock.advance(std::chrono::minutes(2));
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::ongoing);
  house.update("a", {.status = IssueStatus::resolved});
  house.clock.advance(std::chrono::minutes(1));
  house.send("a");
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::regressed);
  house.clock.advance(kSettlesAfter + std::chrono::minutes(1));
  house.tick();
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::ongoing);
  EXPECT_EQ(house.activity("a"), (Words{"ongoing", "resolved", "regressed", "ongoing"}));
  EXPECT_EQ(house.heard.size(), 2u) << "new and regressed; becoming ongoing is no news";
}

TEST(IssueLife, AnArchivedIssueComesBackWhenItsTimeIsOver) {
  IssueHouse house;
  house.send("a");
  house.heard.clear();
  house.update("a", {.status = IssueStatus::ignored,
                     .archive = {{ArchiveUntil::time, house.clock.now() + std::chrono::hours(2)}}});
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::until_condition);
  house.send("a", 100);
  house.tick();
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored);
  house.clock.advance(std::chrono::hours(2));
  house.tick();
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved);
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::ongoing);
  ASSERT_EQ(house.heard.size(), 1u);
  EXPECT_EQ(house.heard[0].change, IssueChange::unarchived);
  EXPECT_EQ(
      update_issue(*house.db, house.clock, {}, house.id("a"),
                   {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::time, house.clock.now()}}})
          .error()
          .kind(),
      ErrorKind::invalid_argument);
}

TEST(IssueLife, AnArchivedIssueComesBackAfterEventsOrUsers) {
  IssueHouse house;
  house.send("a", 5, "ann");
  house.heard.clear();
  house.update("a", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::events, {}, 3}}});
  house.send("a", 2);
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored);
  house.send("a");
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved);
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::ongoing);

  house.update("a", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::users, {}, 2}}});
  house.send("a", 9, "ann");
  house.send("a", 1, "bob");
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored) << "one user more";
  house.send("a", 1, "cid");
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved);

  // Three users within two hours: those that were there before count, too, once each.
  house.update("a", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::users, {}, 3, 2}}});
  house.send("a", 5, "ann");
  house.clock.advance(std::chrono::hours(3));
  house.send("a", 1, "bob");
  house.send("a", 1, "cid");
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored) << "ann was three hours ago";
  house.send("a", 1, "ann");
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved);

  house.update("a", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::events, {}, 4, 1}}});
  house.send("a", 3);
  house.clock.advance(std::chrono::hours(5));
  house.send("a", 3);
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored) << "three and three, but not within an hour";
  house.send("a", 1);
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved);
  ASSERT_EQ(house.heard.size(), 4u);
  for (const auto& event : house.heard) EXPECT_EQ(event.change, IssueChange::unarchived);

  house.update("a", {.status = IssueStatus::ignored});
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::forever);
  house.clock.advance(std::chrono::hours(24 * 300));
  house.send("a", 1000);
  house.tick();
  EXPECT_EQ(house.issue("a").status, IssueStatus::ignored);
}

TEST(IssueLife, EscalatesWithinOneLook) {
  IssueHouse house;
  for (int hour = 0; hour < 24 * 8; ++hour) {
    house.send("steady", 4);
    house.send("away", 4);
    house.clock.advance(std::chrono::hours(1));
  }
  house.tick();
  house.update("away", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::escalating}}});
  EXPECT_EQ(house.issue("away").substatus, IssueSubstatus::until_escalating);
  house.heard.clear();
  house.send("steady", 24);
  house.send("away", 24);
  house.tick();
  EXPECT_TRUE(house.heard.empty()) << "avg 4: up to 4 + 5 · 4 are to be expected";
  house.send("steady", 1);
  house.send("away", 1);
  house.tick();
  ASSERT_EQ(house.heard.size(), 2u);
  for (const char* hash : {"steady", "away"}) {
    EXPECT_EQ(house.issue(hash).status, IssueStatus::unresolved);
    EXPECT_EQ(house.issue(hash).substatus, IssueSubstatus::escalating);
  }
  EXPECT_EQ(house.heard[0].change, IssueChange::escalating);
  house.tick();
  EXPECT_EQ(house.heard.size(), 2u) << "told once";
  house.clock.advance(kSettlesAfter + std::chrono::minutes(1));
  house.tick();
  EXPECT_EQ(house.issue("steady").substatus, IssueSubstatus::ongoing);
}

TEST(IssueLife, WhatCameAtAnHoursEndEscalatesAfterIt) {
  IssueHouse house;
  house.clock.advance(std::chrono::minutes(59) - (house.clock.now() - issue_hour(house.clock.now())));
  house.send("spike", 1);
  house.send("decided", 1);
  house.clock.advance(std::chrono::hours(1));
  for (const char* hash : {"spike", "decided"})
    house.update(hash, {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::escalating}}});
  house.send("spike", 11);
  house.send("decided", 11);
  house.clock.advance(std::chrono::seconds(70));  // the hour is over
  house.update("decided", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::forever}}});
  house.update("decided", {.status = IssueStatus::ignored, .archive = {{ArchiveUntil::escalating}}});
  house.tick();
  EXPECT_EQ(house.issue("spike").substatus, IssueSubstatus::escalating);
  EXPECT_EQ(house.issue("decided").substatus, IssueSubstatus::until_escalating)
      << "somebody has looked since";
  house.clock.advance(std::chrono::minutes(5));
  house.tick();
  EXPECT_EQ(house.issue("decided").substatus, IssueSubstatus::until_escalating);
}

TEST(IssueLife, PriorityFollowsLevelAndEscalationUntilSomebodySetsIt) {
  IssueHouse house;
  EventRow mild = house.row("mild");
  mild.ids.level = Level::warning;
  ASSERT_TRUE(house.store->apply({++house.sequence}, IssueHouse::batch({mild, house.row("bad")})));
  EXPECT_EQ(house.issue("mild").priority, storage::IssuePriority::medium);
  EXPECT_EQ(house.issue("bad").priority, storage::IssuePriority::high);
  house.clock.advance(std::chrono::hours(1));
  for (int i = 0; i < 12; ++i) {
    mild.time = mild.received = house.clock.now();
    ASSERT_TRUE(house.store->apply({++house.sequence}, IssueHouse::batch({mild})));
  }
  house.tick();
  EXPECT_EQ(house.issue("mild").substatus, IssueSubstatus::escalating) << "ten times the greatest hour";
  EXPECT_EQ(house.issue("mild").priority, storage::IssuePriority::high);
  house.update("mild", {.priority = storage::IssuePriority::low});
  house.clock.advance(kSettlesAfter + std::chrono::minutes(1));
  house.tick();
  EXPECT_EQ(house.issue("mild").substatus, IssueSubstatus::ongoing);
  EXPECT_EQ(house.issue("mild").priority, storage::IssuePriority::low);
}

TEST(Escalation, LimitsAreThoseOfTheFormulas) {
  const UnixNanos now = UnixNanos::from_seconds(1'800'000'000);
  const auto hours_of = [&](const std::function<std::uint64_t(int)>& count) {
    std::vector<storage::HourCount> out;
    for (int back = kForecastHours; back >= 1; --back)
      if (const auto n = count(back); n != 0) out.push_back({issue_hour(now) - std::chrono::hours(back), n});
    return out;
  };
  const UnixNanos old = now - std::chrono::hours(24 * 30);
  EXPECT_DOUBLE_EQ(*escalation_limit(hours_of([](int) { return 100; }), old, now), 600) << "100 + 5 · 100";
  // 700 in one hour of each day: avg 29.17, sd 139.9, cv 4.8; the burst may double.
  const auto bursty = escalation_limit(hours_of([](int back) { return back % 24 == 3 ? 700 : 0; }), old, now);
  EXPECT_DOUBLE_EQ(*bursty, 1'400);
  EXPECT_DOUBLE_EQ(*escalation_limit({}, old, now), static_cast<double>(kLeastEscalation)) << "a quiet one";
  const UnixNanos young = now - std::chrono::hours(5);
  EXPECT_FALSE(escalation_limit({}, young, now)) << "its first hour says nothing";
  EXPECT_DOUBLE_EQ(*escalation_limit(hours_of([](int back) { return back <= 5 ? 7 + back : 0; }), young, now),
                   120);
  EXPECT_FALSE(escalation_limit({{issue_hour(now), 5'000}}, young, now))
      << "the running hour is what is judged";
}

// ---- Resolution
// ---------------------------------------------------------------------------------------------

TEST(IssueLife, ResolvedInTheNextRelease) {
  IssueHouse house;
  house.send("other", 1, "", "shop@1.10.0");
  house.clock.advance(std::chrono::minutes(1));
  house.send("a", 1, "", "shop@1.9.0");
  house.update("a", {.status = IssueStatus::resolved, .resolved_in_next = true});
  EXPECT_EQ(house.issue("a").resolved_in, "shop@1.10.0") << "the project's newest, though another issue's";
  EXPECT_TRUE(house.issue("a").resolved_next);
  house.clock.advance(std::chrono::minutes(1));
  for (const char* release : {"shop@1.9.5", "shop@1.10.0", ""}) {
    house.send("a", 1, "", release);
    EXPECT_EQ(house.issue("a").status, IssueStatus::resolved) << release;
  }
  house.send("a", 1, "", "shop@1.10.1");
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::regressed);
  EXPECT_EQ(house.activity("a"),
            (Words{"resolved in the next release after shop@1.10.0", "regressed shop@1.10.1"}));
  house.update("a", {.status = IssueStatus::resolved});
  house.clock.advance(std::chrono::minutes(1));
  house.send("a");
  EXPECT_EQ(house.issue("a").substatus, IssueSubstatus::regressed) << "resolved, no release: any event";
}

TEST(IssueLife, ReleasesWithoutVersionsAreOrderedByWhenTheyCame) {
  IssueHouse house;
  for (const char* release : {"4f3a", "0b1c", "99de"}) {
    house.send("other", 1, "", release);
    house.clock.advance(std::chrono::minutes(1));
  }
  house.send("a", 1, "", "4f3a");
  house.update("a", {.status = IssueStatus::resolved, .resolved_in = "0b1c"});
  house.clock.advance(std::chrono::minutes(1));
  house.send("a", 1, "", "4f3a");
  EXPECT_EQ(house.issue("a").status, IssueStatus::resolved);
  house.send("a", 1, "", "99de");
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved);
  house.update("a", {.status = IssueStatus::resolved, .resolved_in = "not yet built"});
  house.clock.advance(std::chrono::minutes(1));
  house.send("a", 1, "", "99de");
  EXPECT_EQ(house.issue("a").status, IssueStatus::resolved) << "from before the resolution";
  house.send("a", 1, "", "aaaa");
  EXPECT_EQ(house.issue("a").status, IssueStatus::unresolved);
}

// ---- Ownership
// ----------------------------------------------------------------------------------------------

TEST(Ownership, TheLastThatMatchesDecidesByItsLeftmostOwner) {
  const auto rules =
      Ownership::parse({"# ours\npath:**/cart/** cart@example.com @web\nmodule:shop.pay.* #pay\n"
                        "url:*/checkout* checkout@example.com\ntags.region:EU* eu@example.com",
                        "*        @everybody\n/shop/    @shop other@example.com # the shop\n"
                        "*.js @front\n[Docs]\ndocs/gen\n"});
  ASSERT_TRUE(rules) << rules.error().message();
  const auto owner = [&](const std::string& path, std::string module = "", std::string url = "",
                         std::string region = "") {
    GroupingInput event;
    event.exceptions.emplace_back();
    event.exceptions[0].frames.push_back({.module = std::move(module), .filename = path, .in_app = true});
    event.exceptions[0].frames.push_back({.filename = "site/cart/lib.py", .in_app = false});
    event.tags = {{"region", region}};
    return (*rules)->owner(ownership_facts(event, std::move(url)));
  };
  EXPECT_EQ(owner("lib/x.py"), "@everybody") << "a frame of a library does not count";
  EXPECT_EQ(owner("/srv/app/shop/web.py"), "@shop");
  EXPECT_EQ(owner("shop/app.js"), "@front");
  EXPECT_EQ(owner("docs/gen/a.py"), "") << "nobody, says the file";
  EXPECT_EQ(owner("shop/cart/total.py"), "cart@example.com");
  EXPECT_EQ(owner("shop/cart/total.py", "shop.pay.card"), "#pay");
  EXPECT_EQ(owner("x.py", "", "https://shop.example.com/checkout?x=1"), "checkout@example.com");
  EXPECT_EQ(owner("x.py", "", "https://shop.example.com/checkout", "eu-west"), "eu@example.com");
  const std::pair<const char*, const char*> wrong[] = {
      {"path:x", "no owner"}, {"\nfile:x a", "line 2"}, {"path: a", "no pattern"}, {"path:a[b a", "["}};
  for (const auto& [text, says] : wrong) {
    const auto refused = Ownership::parse({text, ""});
    ASSERT_FALSE(refused) << text;
    EXPECT_NE(refused.error().message().find(says), std::string::npos) << refused.error().message();
  }
}

TEST(IssueLife, OwnersGetNewIssuesOnly) {
  IssueHouse house;
  std::string owner = "ann@example.com";
  house.store->set_owner([&](ProjectId, const EventRow&) { return owner; });
  house.send("a");
  EXPECT_EQ(house.issue("a").assignee, "ann@example.com");
  EXPECT_EQ(house.activity("a"), (Words{"assigned ann@example.com"}));
  owner = "bob@example.com";
  house.update("a", {.assignee = ""});
  house.send("a");
  EXPECT_EQ(house.issue("a").assignee, "");
}

}  // namespace
}  // namespace telltale::errors
