// What people see of issues, over random error events, against counting by hand.
#include "errors/issue_views.hpp"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "errors/issue_changes.hpp"
#include "errors/issue_store.hpp"
#include "io/file_system.hpp"
#include "metadb/metadb.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::errors {
namespace {

class IssueViews : public ::testing::Test {
 protected:
  void SetUp() override {
    db_ = metadb::open_metadb(*fs_, "data", clock_, log_, metrics_).value();
    issues_ = IssueStore::open(*db_, log_, metrics_).value();
  }
  /// Hours before now; a hash list decides the issue.
  void add(double hours_ago, std::string hashes, std::string service = "", std::string user = "") {
    EventRow row;
    row.project = {1};
    row.time = clock_.now() - Nanos(static_cast<std::int64_t>(hours_ago * 3.6e12));
    row.received = clock_.now();
    row.message = "E " + hashes;
    row.ids.service = std::move(service);
    row.ids.user_id = std::move(user);
    row.set(std::string(attr::kGroupHashes), std::move(hashes));
    storage::Batch batch;
    batch.project = {1};
    batch.errors = {row};
    ++sequence_;
    ASSERT_TRUE(issues_->apply(Sequence{sequence_}, batch));
    ASSERT_TRUE(events_.apply(Sequence{sequence_}, batch));
    rows_.push_back(std::move(row));
  }
  storage::IssueId resolve(const EventRow& row) { return IssueResolver(*db_).issue_of(row).value().value(); }
  storage::Issue issue_of_hash(std::string_view hash) {
    const auto id = db_->issues().find_by_hash(ProjectId{1}, hash).value();
    return db_->issues().get(id.value()).value();
  }

  FakeClock clock_;
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  WorkContext context_{clock_, WorkLimits{}};
  std::unique_ptr<io::FileSystem> fs_ = io::make_memory_file_system();
  std::unique_ptr<metadb::MetaDb> db_;
  std::unique_ptr<IssueStore> issues_;
  storage::MemoryEventStore events_;
  std::vector<EventRow> rows_;
  std::uint64_t sequence_ = 0;
};

TEST_F(IssueViews, RowsKeptCountAgainstTheMemoryOfTheQuery) {
  for (int i = 0; i < 50; ++i) add(i + 1, "aaa", std::string(10'000, 's'));
  IssueEventsQuery query;
  WorkLimits limits;
  limits.max_memory_bytes = 200'000;
  WorkContext small(clock_, limits);
  const auto refused = issue_events(events_, *db_, issue_of_hash("aaa"), query, small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
  query.limit = 10;
  WorkContext again(clock_, limits);
  EXPECT_EQ(issue_events(events_, *db_, issue_of_hash("aaa"), query, again)->size(), 10u);
}

TEST_F(IssueViews, EventsBelongToTheIssueOfTheirFirstBoundHash) {
  add(5, "aaa");
  add(4, "bbb");
  add(3, "bbb aaa");  // bound to both issues: the first hash decides
  add(2, "ccc aaa");  // ccc is new and bound to the issue of aaa
  add(1, "ccc");
  const auto times = [&](std::string_view hash, IssueEventsQuery query = {}) {
    std::vector<std::size_t> numbers;
    const auto found = issue_events(events_, *db_, issue_of_hash(hash), query, context_);
    EXPECT_TRUE(found);
    for (const auto& row : found.value())
      numbers.push_back(static_cast<std::size_t>(
          std::find_if(rows_.begin(), rows_.end(), [&](const auto& r) { return r.time == row.time; }) -
          rows_.begin()));
    return numbers;
  };
  using Numbers = std::vector<std::size_t>;
  EXPECT_EQ(times("aaa"), (Numbers{4, 3, 0}));
  EXPECT_EQ(times("ccc"), (Numbers{4, 3, 0}));
  EXPECT_EQ(times("bbb"), (Numbers{2, 1}));
  IssueEventsQuery query;
  query.limit = 2;
  query.order = storage::Order::oldest_first;
  EXPECT_EQ(times("aaa", query), (Numbers{0, 3}));
  query.range.from = rows_[3].time;
  EXPECT_EQ(times("aaa", query), (Numbers{3, 4}));
  query.range = {rows_[4].time + Nanos(1), UnixNanos{INT64_MAX}};
  EXPECT_EQ(times("aaa", query), (Numbers{}));

  const auto issues = issues_of_rows(*db_, rows_);
  ASSERT_TRUE(issues);
  ASSERT_EQ(issues->size(), 2u);
  EXPECT_EQ((*issues)[0].id, issue_of_hash("aaa").id);
}

TEST_F(IssueViews, TagsTrendsAndMarksEqualCountingByHand) {
  const std::uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  const std::vector<std::string> hashes = {"h1", "h2", "h3", "h4"};
  for (int i = 0; i < 400; ++i)
    add(rng.unit() * 24 * 33, hashes[rng.below(4)], "s" + std::to_string(rng.below(3)),
        "u" + std::to_string(rng.below(9)));
  const TimeRange range{clock_.now() - std::chrono::hours(200), clock_.now() + Nanos(1)};
  const auto marks = issue_marks(events_, *db_, {ProjectId{1}}, range, context_);
  ASSERT_TRUE(marks);
  EXPECT_TRUE(marks->complete);
  for (const auto& hash : hashes) {
    const auto issue = issue_of_hash(hash);
    std::map<std::string, std::uint64_t> users;
    std::set<std::string> services;
    IssueTrend want;
    UnixNanos first{INT64_MAX};
    const std::int64_t hour = 3'600'000'000'000;
    const std::int64_t end = clock_.now().ns / hour + 1;
    for (const auto& row : rows_) {
      if (to_string(*row.find(attr::kGroupHashes)) != hash) continue;
      ++users[row.ids.user_id];
      first = std::min(first, row.time);
      if (range.contains(row.time)) services.insert(row.ids.service);
      const auto back = static_cast<std::size_t>(end - 1 - row.time.ns / hour);
      if (back < 24) ++want.hours[23 - back];
      if (back < 7 * 24) ++want.six_hours[27 - back / 6];
      if (back < 30 * 24) ++want.days[29 - back / 24];
    }
    const auto trend = issue_trend(*db_, issue.id, clock_.now());
    ASSERT_TRUE(trend);
    EXPECT_EQ(trend->hours, want.hours);
    EXPECT_EQ(trend->six_hours, want.six_hours);
    EXPECT_EQ(trend->days, want.days);

    const auto tags = issue_tags(events_, *db_, issue, 20, context_);
    ASSERT_TRUE(tags);
    EXPECT_TRUE(tags->exact);
    const auto tag = std::find_if(tags->facets.begin(), tags->facets.end(),
                                  [](const auto& f) { return f.field == "user_id"; });
    ASSERT_NE(tag, tags->facets.end());
    ASSERT_EQ(tag->values.size(), users.size());
    for (const auto& value : tag->values) EXPECT_EQ(value.count, users[value.value]);

    const auto mark = std::find_if(marks->marks.begin(), marks->marks.end(),
                                   [&](const auto& m) { return m.issue.id == issue.id && !m.regressed; });
    EXPECT_EQ(mark != marks->marks.end(), range.contains(first));
    if (mark == marks->marks.end()) continue;
    EXPECT_EQ(mark->time, first);
    EXPECT_EQ(mark->services, std::vector<std::string>(services.begin(), services.end()));
  }
}

TEST_F(IssueViews, RegressionsAreMarked) {
  add(2, "aaa", "web");
  IssueUpdate resolve;
  resolve.status = storage::IssueStatus::resolved;
  ASSERT_TRUE(update_issue(*db_, clock_, {}, issue_of_hash("aaa").id, resolve));
  clock_.advance(std::chrono::minutes(10));
  const UnixNanos before = clock_.now();
  clock_.advance(std::chrono::minutes(1));
  add(0, "aaa", "web");
  WorkContext later{clock_, WorkLimits{}};  // the fixture's deadline has passed
  const auto marks = issue_marks(events_, *db_, {ProjectId{1}}, {before, clock_.now() + Nanos(1)}, later);
  ASSERT_TRUE(marks);
  ASSERT_EQ(marks->marks.size(), 1u);
  EXPECT_TRUE(marks->marks[0].regressed);
  EXPECT_EQ(marks->marks[0].services, std::vector<std::string>{"web"});
  const auto other = issue_marks(events_, *db_, {ProjectId{2}}, {before, clock_.now() + Nanos(1)}, later);
  ASSERT_TRUE(other);
  EXPECT_TRUE(other->marks.empty());
}

TEST_F(IssueViews, SeveralAreChangedTogetherOrNotAtAll) {
  add(2, "aaa");
  add(1, "bbb");
  const auto a = issue_of_hash("aaa").id, b = issue_of_hash("bbb").id;
  IssueUpdate update;
  update.status = storage::IssueStatus::ignored;
  const auto failed = update_issues(*db_, clock_, {}, {a, storage::IssueId{999}}, update);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind(), ErrorKind::not_found);
  EXPECT_NE(failed.error().message().find("999"), std::string::npos);
  EXPECT_EQ(issue_of_hash("aaa").status, storage::IssueStatus::unresolved);
  const auto done = update_issues(*db_, clock_, {}, {a, b}, update);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->size(), 2u);
  EXPECT_EQ(issue_of_hash("bbb").status, storage::IssueStatus::ignored);
}

TEST_F(IssueViews, SortByTrendPutsTheRisingFirst) {
  for (int i = 0; i < 6; ++i) add(30, "falling");
  add(1, "falling");
  add(50, "steady");
  add(26, "steady");
  add(1, "steady");
  for (int i = 0; i < 3; ++i) add(2, "rising");
  storage::IssueQuery query;
  query.projects = {ProjectId{1}};
  query.sort = storage::IssueSort::trend;
  query.trend_at = clock_.now();
  const auto found = db_->issues().search(query);
  ASSERT_TRUE(found) << found.error().message();
  std::vector<std::string> titles;
  for (const auto& issue : *found) titles.push_back(issue.title);
  EXPECT_EQ(titles, (std::vector<std::string>{"E rising", "E steady", "E falling"}));
}

/// What the event store has of an issue: events of the running hour and the 23 before, less the 24 before.
std::map<storage::IssueId, std::int64_t> ranks_by_counting(const std::vector<EventRow>& rows,
                                                           storage::RecordStore& records, UnixNanos now) {
  std::map<storage::IssueId, std::int64_t> ranks;
  IssueResolver resolver(records);
  for (const EventRow& row : rows) {
    std::int64_t& rank = ranks[resolver.issue_of(row).value().value()];
    const std::int64_t back = now.ns / 3'600'000'000'000 - row.time.ns / 3'600'000'000'000;
    if (back >= 0 && back < 48) rank += back < 24 ? 1 : -1;
  }
  return ranks;
}

TEST_F(IssueViews, TrendsInMemoryEqualTheEventsThemselvesAcrossMergesTimeAndRestarts) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const std::string group = std::to_string(seed) + "-";
    std::vector<storage::IssueId> merged;
    for (int i = 0; i < 150; ++i) {
      add(static_cast<double>(rng.below(5'500)) / 100, group + std::to_string(rng.below(9)));
      const auto some = [&] {
        return resolve(rows_[rows_.size() - 1 - rng.below(std::min<std::size_t>(rows_.size(), 40))]);
      };
      switch (rng.below(25)) {
        case 0:
          if (const auto from = some(); db_->issues().merge(some(), from)) merged.push_back(from);
          break;
        case 1:
          if (!merged.empty()) (void)db_->issues().unmerge(merged[rng.below(merged.size())]);
          break;
        case 2:
          clock_.advance(std::chrono::minutes(rng.below(300)));
          break;
        case 3:
          issues_.reset();
          db_.reset();
          SetUp();
          break;
        case 4:
          while (!db_->load_trends(clock_.now()).value()) {
          }
          break;
        default:
          break;
      }
      WorkContext all_context{clock_, WorkLimits{}};
      storage::EventQuery all;
      all.table = Table::errors;
      all.projects = {ProjectId{1}};
      const auto events = storage::collect(events_, all, all_context).value();
      const auto want = ranks_by_counting(events, *db_, clock_.now());
      storage::IssueQuery query;
      query.projects = {ProjectId{1}};
      query.sort = storage::IssueSort::trend;
      query.trend_at = clock_.now();
      query.limit = 1 + rng.below(20);
      const auto found = db_->issues().search(query);
      ASSERT_TRUE(found) << found.error().message();
      std::vector<std::pair<std::int64_t, std::int64_t>> order;
      for (const auto& [id, rank] : want) order.emplace_back(rank, id.value);
      std::sort(order.rbegin(), order.rend());
      order.resize(std::min(order.size(), query.limit));
      ASSERT_EQ(found->size(), order.size());
      for (std::size_t at = 0; at < order.size(); ++at)
        ASSERT_EQ((*found)[at].id.value, order[at].second) << at;
    }
  }
}

}  // namespace
}  // namespace telltale::errors
