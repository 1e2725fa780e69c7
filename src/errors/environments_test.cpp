// In which environments and releases issues were seen: what the records say over stretches of time, against
// every event, and what is read of the events where the records do not know yet.
#include "errors/environments.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "errors/issue_search.hpp"
#include "errors/issue_store.hpp"
#include "errors/issue_views.hpp"
#include "io/file_system.hpp"
#include "metadb/connection.hpp"
#include "metadb/metadb.hpp"
#include "metadb/vfs.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::errors {
namespace {

class SeenEnvironments : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    db_ = metadb::open_metadb(*fs_, "data", clock_, log_, metrics_).value();
    if (db_->projects().list()->empty()) {
      ASSERT_TRUE(db_->projects().add({{0}, "shop", "Shop", {5}}));
    }
    issues_ = IssueStore::open(*db_, log_, metrics_).value();
  }
  void close() {
    issues_.reset();
    db_.reset();
  }
  void add_some(std::size_t events) {
    storage::Batch batch;
    batch.project = {1};
    for (std::size_t i = 0; i < events; ++i) {
      EventRow row;
      row.project = {1};
      row.time = clock_.now() - Nanos(static_cast<std::int64_t>(rng_.below(48 * 3600)) * 1'000'000'000);
      row.received = clock_.now();
      row.message = "E";
      if (rng_.chance(0.8)) row.ids.environment = rng_.chance(0.6) ? "production" : "staging";
      if (rng_.chance(0.8)) row.ids.release = rng_.chance(0.6) ? "1.0" : "2.0";
      row.set(std::string(attr::kGroupHashes), "hash" + std::to_string(rng_.below(40)));
      batch.errors.push_back(row);
      rows_.push_back(std::move(row));
    }
    ++sequence_;
    ASSERT_TRUE(issues_->apply(Sequence{sequence_}, batch));
    ASSERT_TRUE(events_.apply(Sequence{sequence_}, batch));
  }
  void merge_some() {
    for (int i = 0; i < 6; ++i) {
      const auto into = resolver_id(rows_[rng_.below(rows_.size())]);
      const auto from = resolver_id(rows_[rng_.below(rows_.size())]);
      (void)db_->issues().merge(into, from);
    }
  }
  storage::IssueId resolver_id(const EventRow& row) {
    return IssueResolver(*db_).issue_of(row).value().value();
  }
  std::set<std::int64_t> found(const std::string& text, UnixNanos from) {
    IssueSearchQuery query;
    query.records.projects = {{1}};
    query.records.limit = 1'000;
    query.records.seen.from = from;
    query.where = search::understand(text, {search::Subject::issues, clock_.now(), ""}).value();
    const auto plan = plan_issue_search(events_, *db_, std::move(query), context_).value();
    std::set<std::int64_t> ids;
    const auto issues = db_->issues().search(plan.records).value();
    for (const auto& issue : issues) ids.insert(issue.id.value);
    EXPECT_EQ(db_->issues().count(plan.records).value(), ids.size());
    return ids;
  }
  template <class Matches>
  std::set<std::int64_t> by_hand(UnixNanos from, const Matches& matches) {
    std::set<std::int64_t> ids;
    for (const EventRow& row : rows_)
      if (row.time >= from && matches(row)) ids.insert(resolver_id(row).value);
    return ids;
  }
  void compare() {
    for (int i = 0; i < 20; ++i) {
      const UnixNanos from =
          i == 0 ? UnixNanos{INT64_MIN} : clock_.now() - std::chrono::minutes(rng_.below(48 * 60));
      SCOPED_TRACE(i);
      ASSERT_EQ(found("environment:production", from),
                by_hand(from, [](const EventRow& r) { return r.ids.environment == "production"; }));
      ASSERT_EQ(found("environment:[staging,other]", from),
                by_hand(from, [](const EventRow& r) { return r.ids.environment == "staging"; }));
      ASSERT_EQ(found("environment:*tion", from),
                by_hand(from, [](const EventRow& r) { return r.ids.environment == "production"; }));
      ASSERT_EQ(found("has:environment", from),
                by_hand(from, [](const EventRow& r) { return !r.ids.environment.empty(); }));
      ASSERT_EQ(found("release:2.0", from),
                by_hand(from, [](const EventRow& r) { return r.ids.release == "2.0"; }));
      ASSERT_EQ(found("environment:staging release:2.0", from), by_hand(from, [](const EventRow& r) {
                  return r.ids.environment == "staging" && r.ids.release == "2.0";
                }));
      ASSERT_EQ(found("environment:elsewhere", from), std::set<std::int64_t>());
    }
  }

  Rng rng_{20'260'801};
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

TEST_F(SeenEnvironments, EqualTheEventsOverStretchesOfTime) {
  for (int round = 0; round < 4; ++round) {
    add_some(60);
    compare();
    merge_some();
    compare();
    std::set<std::string> names;
    for (const EventRow& row : rows_)
      if (!row.ids.environment.empty()) names.insert(row.ids.environment);
    ASSERT_EQ(db_->issues().environments({{2}, {1}}).value(),
              std::vector<std::string>(names.begin(), names.end()));
    ASSERT_TRUE(db_->issues().environments({{2}}).value().empty());
    ASSERT_TRUE(db_->issues().environments({}).value().empty());
  }
}

TEST_F(SeenEnvironments, AreAskedOfEachIssueWhereMostWereSeenInOne) {
  storage::Batch batch;
  batch.project = {1};
  for (int i = 0; i < 20'200; ++i) {
    EventRow row;
    row.project = {1};
    row.time = clock_.now() - std::chrono::minutes(i % 600);
    row.received = clock_.now();
    row.message = "E";
    row.ids.environment = i % 3 == 0 && i > 20'100 ? "staging" : "production";
    row.set(std::string(attr::kGroupHashes), "hash" + std::to_string(i));
    batch.errors.push_back(row);
    rows_.push_back(std::move(row));
  }
  sequence_ = 1;
  ASSERT_TRUE(issues_->apply(Sequence{1}, batch));
  ASSERT_TRUE(events_.apply(Sequence{1}, batch));
  const auto owner = resolver_id(rows_.back());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(db_->issues().merge(owner, resolver_id(rows_[rng_.below(20'000)])));
  }
  for (const auto& [from, name] :
       std::map<int, std::string>{{60, "production"}, {601, "production"}, {602, "staging"}}) {
    const UnixNanos since = clock_.now() - std::chrono::minutes(from);
    IssueSearchQuery query;
    query.records.projects = {{1}};
    query.records.seen.from = since;
    query.where =
        search::understand("environment:" + name, {search::Subject::issues, clock_.now(), ""}).value();
    const auto plan = plan_issue_search(events_, *db_, std::move(query), context_).value();
    std::set<std::string> hashes;
    for (const EventRow& row : rows_)
      if (row.time >= since && row.ids.environment == name)
        hashes.insert(to_string(*row.find(attr::kGroupHashes)));
    std::set<std::int64_t> issues;
    for (const std::string& hash : hashes)
      issues.insert(db_->issues().find_by_hash(ProjectId{1}, hash).value()->value);
    EXPECT_EQ(db_->issues().count(plan.records).value(), issues.size()) << name << from;
    auto all = plan.records;
    all.limit = 30'000;
    std::set<std::int64_t> found;
    const auto listed = db_->issues().search(all).value();
    for (const auto& issue : listed) found.insert(issue.id.value);
    EXPECT_EQ(found, issues) << name << from;
  }
}

TEST_F(SeenEnvironments, OfOldRecordsAreReadFromTheirEvents) {
  add_some(200);
  merge_some();
  close();
  {
    metadb::Vfs vfs(*fs_, clock_);
    const auto raw = metadb::Connection::open(vfs, "data/meta.db").value();
    ASSERT_TRUE(raw->execute("DELETE FROM issue_environments; INSERT INTO environments_unknown VALUES (1)"));
  }
  open();
  EXPECT_FALSE(db_->issues().knows_environments().value());
  add_some(30);
  compare();  // by the events
  EnvironmentLearner learner(events_, *db_);
  ASSERT_TRUE(learner.step(context_).value());
  EXPECT_TRUE(db_->issues().knows_environments().value());
  compare();
  add_some(30);
  compare();
  close();
  open();
  EXPECT_TRUE(db_->issues().knows_environments().value()) << "once and for all";
}

}  // namespace
}  // namespace telltale::errors
