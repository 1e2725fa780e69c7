// Questions that ask for more than anybody should get: each fails with a clear error inside its memory
// budget, gives back what it took, and the store goes on.
#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/block_source.hpp"
#include "eventdb/eventdb.hpp"
#include "io/faulty_file_system.hpp"

namespace telltale::eventdb {

namespace {

class Hostile : public ::testing::Test {
 protected:
  static constexpr std::size_t kRows = 3'000;

  void SetUp() override {
    auto opened = open_eventdb(*disk_, "events", {}, clock_, log_, metrics_);
    ASSERT_TRUE(opened);
    db_ = *std::move(opened);
    Rng rng(5);
    storage::Batch batch;
    for (std::size_t i = 0; i < kRows; ++i) {
      EventRow row;
      row.project.value = 1;
      row.time = UnixNanos::from_seconds(1'700'000'000) + Nanos(static_cast<std::int64_t>(i * 1'000'003));
      row.message = "line " + std::to_string(i) + std::string(rng.below(200), 'x');
      row.ids.user_id = "user" + std::to_string(i);
      row.set("n", rng.unit());
      for (int k = 0; k < 3; ++k) row.set("name" + std::to_string(rng.below(5'000)), std::string("v"));
      batch.logs.push_back(std::move(row));
    }
    ASSERT_TRUE(db_->apply(Sequence{1}, batch));
    ASSERT_TRUE(db_->checkpoint());
  }

  void expect_refused(storage::EventAggregateQuery query, std::size_t memory, const std::string& why) {
    query.projects = {ProjectId{1}};
    WorkLimits limits;
    limits.max_memory_bytes = memory;
    WorkContext context(clock_, limits);
    const auto rows = db_->aggregate(query, context);
    ASSERT_FALSE(rows) << why;
    EXPECT_EQ(rows.error().kind(), ErrorKind::resource_exhausted) << rows.error().message();
    EXPECT_EQ(context.memory_used(), 0u) << why;
  }

  FakeClock clock_;
  Logger log_{clock_, LogLevel::error, null_sink()};
  MetricsRegistry metrics_;
  std::unique_ptr<io::FaultyFileSystem> disk_ = std::make_unique<io::FaultyFileSystem>();
  std::unique_ptr<EventDb> db_;
};

TEST_F(Hostile, ManyGroups) {
  storage::EventAggregateQuery q;
  q.group_by = {"user_id"};
  q.measures = {{storage::MeasureOp::count, "", 0}};
  q.max_groups = 2'000;
  expect_refused(q, limits::GiB, "more groups than max_groups");
  q.max_groups = 10'000'000;
  expect_refused(q, limits::MiB, "groups over the budget");
  q.group_by = {"user_id", "n", "message"};
  q.measures.assign(limits::kMaxMeasures, {storage::MeasureOp::quantile, "n", 0.5});
  expect_refused(q, 8 * limits::MiB, "sketches over the budget");
}

TEST_F(Hostile, TinyBuckets) {
  storage::EventAggregateQuery q;
  q.bucket = Nanos(1);
  q.measures = {{storage::MeasureOp::distinct, "user_id", 0}};
  expect_refused(q, limits::MiB / 2, "a bucket a row");
}

TEST_F(Hostile, ABudgetSmallerThanAColumn) {
  WorkLimits limits;
  limits.max_memory_bytes = 1024;
  WorkContext context(clock_, limits);
  storage::EventQuery q;
  q.projects = {ProjectId{1}};
  q.filter = storage::EventFilter::leaf(storage::FilterOp::regex, "message", "(x*)*y");
  const auto rows = storage::collect(*db_, q, context);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(context.memory_used(), 0u);
}

TEST_F(Hostile, RegexesThatAreTooLargeAreRefused) {
  WorkContext context(clock_, WorkLimits{});
  storage::EventQuery q;
  q.projects = {ProjectId{1}};
  q.filter = storage::EventFilter::leaf(storage::FilterOp::regex, "message", "((a{100}){100}){100}");
  const auto rows = storage::collect(*db_, q, context);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind(), ErrorKind::invalid_argument);
}

TEST_F(Hostile, AttributesOfAnyNameAreKept) {
  WorkContext context(clock_, WorkLimits{});
  storage::EventQuery q;
  q.projects = {ProjectId{1}};
  q.limit = 1;
  const auto newest = storage::collect(*db_, q, context);
  ASSERT_TRUE(newest) << newest.error().message();
  ASSERT_GE(newest->at(0).attributes.size(), 3u);
  for (const Attr& a : newest->at(0).attributes) {
    if (a.name == "n") continue;
    q.limit = 0;
    q.filter = storage::EventFilter::leaf(storage::FilterOp::eq, a.name, "v");
    const auto rows = storage::collect(*db_, q, context);
    ASSERT_TRUE(rows) << rows.error().message();
    EXPECT_GE(rows->size(), 1u);
    for (const EventRow& row : *rows) EXPECT_NE(row.find(a.name), nullptr);
  }
}

TEST_F(Hostile, TheDeadlineEndsAScan) {
  WorkLimits limits;
  limits.timeout = std::chrono::seconds(1);
  WorkContext context(clock_, limits);
  clock_.advance(std::chrono::seconds(2));
  storage::EventAggregateQuery q;
  q.projects = {ProjectId{1}};
  q.measures = {{storage::MeasureOp::count, "", 0}};
  const auto rows = db_->aggregate(q, context);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind(), ErrorKind::deadline_exceeded);
}

/// A damaged directory names pages that there are not.
TEST(MemoryBytes, HandleThatLeadsNowhere) {
  MemoryBytes bytes;
  const auto handle = bytes.put("page");
  ASSERT_TRUE(handle);
  const auto found = bytes.read(*handle);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->view, "page");
  const auto missing = bytes.read({1, 4});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind(), ErrorKind::corruption);
}

}  // namespace

}  // namespace telltale::eventdb
