// Counts of the last two days in memory, against adding up a plain model of what was counted, over random
// histories: counting, merging, what is taken back, time that passes, restarts.
#include "metadb/issue_trends.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/issue_limits.hpp"
#include "base/rng.hpp"
#include "io/file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::metadb {
namespace {

constexpr std::int64_t kTestHourNs = 3'600'000'000'000;

class TrendsInMemory : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    db_.reset();
    db_ = open_metadb(*fs_, "data", clock_, log_, metrics_).value();
  }
  void load() {
    for (int i = 0; i < 1'000'000; ++i)
      if (db_->load_trends(clock_.now()).value()) return;
    FAIL() << "never done";
  }
  std::int64_t add_issue(std::uint32_t project = 1) {
    storage::Issue issue;
    issue.project = {project};
    issue.title = "E " + std::to_string(model_.size());
    // Not before any event that is counted, as with real ones.
    issue.first_seen = issue.last_seen = clock_.now() + std::chrono::hours(24 * 365);
    issue.status = rng_.below(3) == 0 ? storage::IssueStatus::resolved : storage::IssueStatus::unresolved;
    issue.substatus = storage::IssueSubstatus::ongoing;
    const auto id = db_->issues().add(issue).value().id.value;
    model_[id];
    status_[id] = issue.status;
    project_[id] = project;
    return id;
  }
  std::int64_t running_hour() const { return clock_.now().ns / kTestHourNs; }
  void count(std::int64_t part, std::int64_t hour, std::uint64_t n) {
    ASSERT_TRUE(db_->issues().add_hour_count({part}, UnixNanos{hour * kTestHourNs + 5}, n));
  }
  std::int64_t issue_of(std::int64_t part) const {
    const auto it = merged_.find(part);
    return it == merged_.end() ? part : it->second;
  }
  std::int64_t any_part() {
    auto it = model_.begin();
    std::advance(it, rng_.below(model_.size()));
    return it->first;
  }

  std::vector<std::int64_t> expected(const storage::IssueQuery& query) const {
    std::map<std::int64_t, std::int64_t> ranks;
    for (const auto& [part, hours] : model_) {
      std::int64_t& rank = ranks[issue_of(part)];
      for (const auto& [hour, n] : hours) {
        const std::int64_t back = running_hour() - hour;
        if (back >= 0 && back < 48) rank += (back < 24 ? 1 : -1) * static_cast<std::int64_t>(n);
      }
    }
    std::vector<std::pair<std::int64_t, std::int64_t>> order;
    for (const auto& [issue, rank] : ranks) {
      const bool asked = std::find(query.projects.begin(), query.projects.end(),
                                   ProjectId{project_.at(issue)}) != query.projects.end();
      if (asked && (query.statuses.empty() || query.statuses.front() == status_.at(issue)))
        order.emplace_back(rank, issue);
    }
    std::sort(order.rbegin(), order.rend());
    std::vector<std::int64_t> ids;
    for (std::size_t i = query.offset; i < std::min(order.size(), query.offset + query.limit); ++i)
      ids.push_back(order[i].second);
    return ids;
  }
  void compare() {
    storage::IssueQuery query;
    query.projects = {ProjectId{1}};
    if (rng_.below(2) == 0) query.projects.push_back(ProjectId{2});
    if (rng_.below(2) == 0) query.statuses = {storage::IssueStatus::resolved};
    query.sort = storage::IssueSort::trend;
    query.trend_at = clock_.now();
    query.limit = 1 + rng_.below(12);
    query.offset = rng_.below(3) == 0 ? rng_.below(20) : 0;
    const auto found = db_->issues().search(query);
    ASSERT_TRUE(found) << found.error().message();
    std::vector<std::int64_t> ids;
    for (const auto& issue : *found) ids.push_back(issue.id.value);
    ASSERT_EQ(ids, expected(query));
    compare_busy(running_hour() - static_cast<std::int64_t>(rng_.below(2)), rng_.below(8));
  }
  void compare_busy(std::int64_t hour, std::uint64_t least) {
    std::map<std::int64_t, std::uint64_t> sums;
    for (const auto& [part, hours] : model_)
      if (const auto it = hours.find(hour); it != hours.end()) sums[issue_of(part)] += it->second;
    std::vector<std::pair<std::uint64_t, std::int64_t>> want;
    for (const auto& [issue, n] : sums)
      if (n > least && status_.at(issue) == storage::IssueStatus::unresolved) want.emplace_back(n, -issue);
    std::sort(want.rbegin(), want.rend());
    const auto found = db_->issues().busy(UnixNanos{hour * kTestHourNs}, least, 1'000'000);
    ASSERT_TRUE(found) << found.error().message();
    std::vector<std::pair<std::uint64_t, std::int64_t>> got;
    for (const auto& [issue, n] : *found) got.emplace_back(n, -issue.id.value);
    ASSERT_EQ(got, want);
  }

  void count_somewhere();
  void step();
  void merge_two();
  void take_back();

  FakeClock clock_{UnixNanos::from_seconds(1'800'000'000)};
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  std::unique_ptr<io::FileSystem> fs_ = io::make_memory_file_system();
  std::unique_ptr<MetaDb> db_;
  Rng rng_{1};
  std::map<std::int64_t, std::map<std::int64_t, std::uint64_t>> model_;  // part: hour: events
  std::map<std::int64_t, std::int64_t> merged_;
  std::map<std::int64_t, storage::IssueStatus> status_;
  std::map<std::int64_t, std::uint32_t> project_;
};

void TrendsInMemory::merge_two() {
  const std::int64_t into = issue_of(any_part());
  const std::int64_t from = issue_of(any_part());
  const auto done = db_->issues().merge({into}, {from});
  if (into == from || project_[into] != project_[from]) {
    ASSERT_FALSE(done);
    return;
  }
  ASSERT_TRUE(done) << done.error().message();
  for (const auto& [part, hours] : model_)
    if (issue_of(part) == from) merged_[part] = into;
}

/// Counting and merging that come to nothing, in a transaction or in one within that is given up alone.
void TrendsInMemory::take_back() {
  const bool outer_stays = rng_.below(2) == 0;
  const std::int64_t kept = any_part();
  const auto spoil = [&]() -> Result<> {
    for (int i = 0; i < 3; ++i)
      count(any_part(), running_hour() - static_cast<std::int64_t>(rng_.below(50)), 7);
    (void)db_->issues().merge({issue_of(any_part())}, {issue_of(any_part())});
    if (!merged_.empty()) (void)db_->issues().unmerge({merged_.begin()->first});
    return fail(ErrorKind::internal, "given up");
  };
  const auto done = db_->transaction(
      [&]() -> Result<> {
        count(kept, running_hour(), 2);
        auto inner = db_->transaction(spoil, storage::Durability::deferred);
        return outer_stays ? Result<>() : inner;
      },
      storage::Durability::deferred);
  ASSERT_EQ(done.has_value(), outer_stays);
  if (outer_stays) model_[kept][running_hour()] += 2;
}

void TrendsInMemory::count_somewhere() {
  const std::int64_t part = any_part();
  const std::int64_t hour = running_hour() + 2 - static_cast<std::int64_t>(rng_.below(55));
  const std::uint64_t n = 1 + rng_.below(5);
  count(part, hour, n);
  model_[part][hour] += n;
}

void TrendsInMemory::step() {
  switch (rng_.below(20)) {
    case 0:
      add_issue(1 + static_cast<std::uint32_t>(rng_.below(2)));
      return;
    case 1:
      return merge_two();
    case 2:
      if (merged_.empty()) return;
      {
        auto it = merged_.begin();
        std::advance(it, rng_.below(merged_.size()));
        ASSERT_TRUE(db_->issues().unmerge({it->first}));
        merged_.erase(it);
      }
      return;
    case 3:
      return take_back();
    case 4:
      clock_.advance(std::chrono::minutes(rng_.below(rng_.below(4) == 0 ? 3'000 : 90)));
      if (rng_.below(2) == 0) load();
      return;
    case 5:
      if (rng_.below(4) == 0) open();
      if (rng_.below(2) == 0) load();
      return;
    default:
      break;
  }
  count_somewhere();
}

TEST_F(TrendsInMemory, AreWhatWasCountedOverRandomHistories) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    rng_ = Rng(seed);
    fs_ = (db_.reset(), io::make_memory_file_system());
    open();
    model_.clear();
    merged_.clear();
    for (int i = 0; i < 6; ++i) add_issue();
    for (int i = 0; i < 400 && !HasFatalFailure(); ++i) {
      step();
      compare();
    }
    ASSERT_FALSE(HasFatalFailure());
  }
}

TEST_F(TrendsInMemory, AreTakenOverAStretchAtATimeWhileEventsAreCounted) {
  // Three stretches: some hours of each part are too old to be held.
  const std::size_t parts = 3 * limits::kTrendLoadRows / 60 - 10;
  ASSERT_TRUE(db_->transaction(
      [&]() -> Result<> {
        for (std::size_t i = 0; i < parts; ++i) {
          const std::int64_t part = add_issue();
          for (std::int64_t back = 0; back < 60; ++back) {
            const std::uint64_t n = 1 + rng_.below(9);
            count(part, running_hour() - back, n);
            model_[part][running_hour() - back] += n;
          }
        }
        return {};
      },
      storage::Durability::deferred));
  open();
  int steps = 1;
  for (; !db_->load_trends(clock_.now()).value(); ++steps) {
    for (int i = 0; i < 50 && !HasFatalFailure(); ++i) count_somewhere();
    merge_two();
    take_back();
    ASSERT_LT(steps, 1'000);
    compare();
  }
  EXPECT_GE(steps, 3);
  for (int i = 0; i < 20 && !HasFatalFailure(); ++i) compare();
}

TEST_F(TrendsInMemory, CountsByHourArePrunedSomeAtATimeUntilAllAreGone) {
  load();
  const std::int64_t issue = add_issue();
  const std::int64_t other = add_issue();
  const std::int64_t now = running_hour();
  const auto old = static_cast<std::int64_t>(limits::kPrunedHoursAtOnce + 10);
  ASSERT_TRUE(db_->transaction([&]() -> Result<> {
    for (std::int64_t back = -1; back < old; ++back)
      TT_TRY(db_->issues().add_hour_count({issue}, UnixNanos{(now - 100 - back) * kTestHourNs}, 1));
    return {};
  }));
  count(issue, now, 3);
  count(other, now - 99, 2);
  ASSERT_TRUE(db_->issues().prune_hours(UnixNanos{(now - 99) * kTestHourNs + 7}));
  const auto left = db_->issues().hour_counts({issue}, {}).value();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].hour.ns, (now - 99) * kTestHourNs) << "an hour stays whole";
  EXPECT_EQ(left[1].count, 3u);
  EXPECT_EQ(db_->issues().hour_counts({other}, {})->size(), 1u);
}

TEST(IssueTrends, GivesUpRatherThanHoldMoreThanItMayAndTriesAgainInTheNextHour) {
  IssueTrends trends;
  ASSERT_TRUE(trends.move_to(1'000));
  trends.begin({});
  trends.stretch_ends(0, true);
  std::int64_t part = 1;
  for (std::size_t held = 0; held < limits::kMaxTrendHours; ++part)
    for (std::int64_t hour = 1'000; hour > 952 && held < limits::kMaxTrendHours; --hour, ++held)
      trends.add(part, hour, 1);
  ASSERT_TRUE(trends.answers(1'000));
  trends.add(part, 1'000, 1);
  EXPECT_TRUE(trends.gave_up());
  EXPECT_FALSE(trends.answers(1'000));
  trends.add(part, 1'000, 1);
  ASSERT_TRUE(trends.move_to(1'001));
  EXPECT_FALSE(trends.gave_up());
  EXPECT_FALSE(trends.begun());
  EXPECT_FALSE(trends.move_to(1'000)) << "time went back";
}

}  // namespace
}  // namespace telltale::metadb
