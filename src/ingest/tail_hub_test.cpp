#include "ingest/tail_hub.hpp"

#include <atomic>
#include <random>

#include <gtest/gtest.h>

namespace telltale::ingest {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

using storage::EventFilter;
using storage::FilterOp;

EventRow tail_row(std::uint32_t project, std::string message, std::string service = "shop") {
  EventRow row;
  row.project = ProjectId{project};
  row.message = std::move(message);
  row.ids.service = std::move(service);
  return row;
}

std::shared_ptr<const storage::Batch> tail_batch(std::uint32_t project, std::vector<EventRow> logs) {
  auto batch = std::make_shared<storage::Batch>();
  batch->project = ProjectId{project};
  batch->logs = std::move(logs);
  return batch;
}

// A client: takes rows unless told to refuse, and can be held inside its sink.
class TailReader {
 public:
  TailSink sink() {
    return [this](const std::vector<const EventRow*>& rows, std::uint64_t dropped) {
      const MutexLock lock(mutex_);
      ++calls_;
      changed_.notify_all();
      while (held_) changed_.wait(mutex_);
      if (refuse_) return false;
      for (const auto* row : rows) messages_.push_back(row->message);
      dropped_ += dropped;
      largest_ = std::max(largest_, rows.size());
      changed_.notify_all();
      return true;
    };
  }
  void hold(bool on) { set(held_, on); }
  void refuse(bool on) { set(refuse_, on); }
  template <class Condition>
  bool wait(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    const MutexLock lock(mutex_);
    while (!condition(*this)) {
      if (std::chrono::steady_clock::now() > until) return false;
      (void)changed_.wait_for(mutex_, std::chrono::milliseconds(20));
    }
    return true;
  }
  bool wait_rows(std::size_t n) {
    return wait([n](const TailReader& r) { return r.messages_.size() >= n; });
  }
  std::vector<std::string> messages_;
  std::uint64_t dropped_ = 0;
  std::size_t largest_ = 0;
  int calls_ = 0;

 private:
  void set(bool& flag, bool on) {
    const MutexLock lock(mutex_);
    flag = on;
    changed_.notify_all();
  }
  Mutex mutex_;
  CondVar changed_;
  bool held_ = false;
  bool refuse_ = false;
};

TEST(TailHub, RowsOfOwnProjectThatMatchInOrder) {
  MetricsRegistry metrics;
  TailReader one;
  TailReader all;
  TailHub hub(metrics);
  ASSERT_TRUE(hub.subscribe({Table::logs, {ProjectId{1}}, EventFilter::leaf(FilterOp::icontains, "*", "PAY")},
                            one.sink()));
  ASSERT_TRUE(hub.subscribe({Table::logs, {ProjectId{1}, ProjectId{2}}, {}}, all.sink()));
  hub.offer(tail_batch(2, {tail_row(2, "pay elsewhere")}));
  hub.offer(tail_batch(1, {tail_row(1, "payment 1"), tail_row(1, "other"), tail_row(1, "repay 2")}));
  ASSERT_TRUE(all.wait_rows(4));
  ASSERT_TRUE(one.wait_rows(2));
  EXPECT_EQ(one.messages_, (std::vector<std::string>{"payment 1", "repay 2"}));
  EXPECT_EQ(all.messages_, (std::vector<std::string>{"pay elsewhere", "payment 1", "other", "repay 2"}));
  EXPECT_EQ(one.dropped_, 0u);
}

TEST(TailHub, RandomBatchesAgreeWithTheFilterAndComeInBoundedFrames) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  MetricsRegistry metrics;
  TailReader reader;
  TailHub hub(metrics);
  ASSERT_TRUE(hub.subscribe({Table::logs, {ProjectId{1}}, EventFilter::leaf(FilterOp::eq, "service", "a")},
                            reader.sink()));
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    const std::uint32_t project = 1 + random() % 2;
    std::vector<EventRow> rows;
    const std::size_t count = random() % 2000;
    for (std::size_t j = 0; j < count; ++j) {
      rows.push_back(
          tail_row(project, std::to_string(i) + "/" + std::to_string(j), random() % 2 ? "a" : "b"));
      if (project == 1 && rows.back().ids.service == "a") expected.push_back(rows.back().message);
    }
    hub.offer(tail_batch(project, std::move(rows)));
  }
  ASSERT_TRUE(reader.wait_rows(expected.size()));
  EXPECT_EQ(reader.messages_, expected);
  EXPECT_LE(reader.largest_, limits::kTailFrameRows);
}

TEST(TailHub, FullQueueDropsWithoutBlockingAndTells) {
  MetricsRegistry metrics;
  TailReader reader;
  TailHub hub(metrics, {.max_queued_rows = 10, .retry_interval = std::chrono::milliseconds(10)});
  ASSERT_TRUE(hub.subscribe({Table::logs, {ProjectId{1}}, {}}, reader.sink()));
  reader.hold(true);
  hub.offer(tail_batch(1, {tail_row(1, "first")}));
  ASSERT_TRUE(reader.wait([](const TailReader& r) { return r.calls_ == 1; }));
  for (int i = 0; i < 15; ++i) hub.offer(tail_batch(1, {tail_row(1, "more")}));  // 10 queued, 5 dropped
  hub.offer(tail_batch(2, {tail_row(2, "another's")}));                          // nobody here misses it
  reader.hold(false);
  EXPECT_TRUE(reader.wait([](const TailReader& r) { return r.messages_.size() == 11 && r.dropped_ == 5; }));
}

TEST(TailHub, SlowClientIsToldWhatItMissedOnceItReadsAgain) {
  MetricsRegistry metrics;
  TailReader reader;
  TailHub hub(metrics, {.retry_interval = std::chrono::milliseconds(10)});
  ASSERT_TRUE(hub.subscribe({Table::logs, {ProjectId{1}}, {}}, reader.sink()));
  reader.refuse(true);
  hub.offer(tail_batch(1, {tail_row(1, "a"), tail_row(1, "b")}));
  ASSERT_TRUE(reader.wait([](const TailReader& r) { return r.calls_ >= 2; }));
  reader.refuse(false);
  EXPECT_TRUE(reader.wait([](const TailReader& r) { return r.dropped_ == 2; }));
  EXPECT_TRUE(reader.messages_.empty());
}

TEST(TailHub, EndsATailWhoseClientMayNoLongerWatch) {
  MetricsRegistry metrics;
  TailHubOptions options;
  options.check_interval = std::chrono::milliseconds(5);
  TailHub hub(metrics, options);
  TailReader kept;
  TailReader ended;
  std::atomic<bool> allowed{true};
  std::atomic<int> refusals{0};
  TailRequest request;
  request.projects = {ProjectId{1}};
  ASSERT_TRUE(hub.subscribe(request, kept.sink()));
  request.still_allowed = [&] {
    if (!allowed) ++refusals;
    return allowed.load();
  };
  ASSERT_TRUE(hub.subscribe(request, ended.sink()));
  hub.offer(tail_batch(1, {tail_row(1, "before")}));
  ASSERT_TRUE(kept.wait_rows(1));
  ASSERT_TRUE(ended.wait_rows(1));
  allowed = false;
  // Without a row to hand over, too.
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (hub.subscribers() != 1 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ASSERT_EQ(hub.subscribers(), 1U);
  hub.offer(tail_batch(1, {tail_row(1, "after")}));
  ASSERT_TRUE(kept.wait_rows(2));
  EXPECT_EQ(ended.messages_, std::vector<std::string>{"before"});
  EXPECT_EQ(refusals, 1);
}

// Late rows find their place, and rows that nothing earlier can follow any more do not wait for long.
TEST(TailHub, DelayedRowsComeInTheOrderOfTheirTimes) {
  MetricsRegistry metrics;
  TailHub hub(metrics);
  TailReader delayed;
  TailReader at_once;
  TailRequest request;
  request.projects = {ProjectId{1}};
  ASSERT_TRUE(hub.subscribe(request, at_once.sink()));
  request.delay = std::chrono::milliseconds(300);
  ASSERT_TRUE(hub.subscribe(request, delayed.sink()));
  const auto offer = [&](std::int64_t time_ms, std::int64_t received_ms, std::string message) {
    EventRow row = tail_row(1, std::move(message));
    row.time = {time_ms * 1'000'000};
    row.received = {received_ms * 1'000'000};
    hub.offer(tail_batch(1, {row}));
  };
  offer(1'000, 1'005, "second");
  offer(900, 1'006, "first");
  offer(1'002, 1'007, "third");
  offer(1'002, 1'008, "fourth");
  offer(100, 1'009, "far too late");  // older than the delay: at once, before all that wait
  ASSERT_TRUE(at_once.wait_rows(5));
  EXPECT_EQ(at_once.messages_.front(), "second");
  ASSERT_TRUE(delayed.wait_rows(5));
  EXPECT_EQ(delayed.messages_,
            (std::vector<std::string>{"far too late", "first", "second", "third", "fourth"}));
}

TEST(TailHub, LargeRowsMakeSmallFrames) {
  MetricsRegistry metrics;
  TailHub hub(metrics);
  TailReader reader;
  TailRequest request;
  request.projects = {ProjectId{1}};
  ASSERT_TRUE(hub.subscribe(request, reader.sink()));
  std::vector<EventRow> rows;
  for (int i = 0; i < 40; ++i) rows.push_back(tail_row(1, std::string(100 * 1024, 'x')));
  hub.offer(tail_batch(1, std::move(rows)));
  ASSERT_TRUE(reader.wait_rows(40));
  EXPECT_LE(reader.largest_ * 100 * 1024, limits::kTailFrameBytes + 100 * 1024);
}

TEST(TailHub, LimitsBadFiltersAndLeaving) {
  MetricsRegistry metrics;
  TailReader reader;
  TailHub hub(metrics, {.max_subscribers = 1});
  const auto bad = hub.subscribe(
      {Table::logs, {ProjectId{1}}, EventFilter::leaf(FilterOp::regex, "message", "(")}, reader.sink());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind(), ErrorKind::invalid_argument);
  const auto id = hub.subscribe({Table::spans, {ProjectId{1}}, {}}, reader.sink());
  ASSERT_TRUE(id);
  const auto second = hub.subscribe({Table::logs, {ProjectId{1}}, {}}, reader.sink());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), ErrorKind::resource_exhausted);
  hub.unsubscribe(*id);
  hub.unsubscribe(*id);
  EXPECT_EQ(hub.subscribers(), 0u);
  EXPECT_TRUE(hub.subscribe({Table::logs, {ProjectId{1}}, {}}, reader.sink()));
  hub.stop();
  EXPECT_FALSE(hub.subscribe({Table::logs, {ProjectId{1}}, {}}, reader.sink()));
}

}  // namespace
}  // namespace telltale::ingest
