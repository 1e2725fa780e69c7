#include "logs/pattern_query.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::logs {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr UnixNanos kPatternStart{1'770'000'000 * kSecond};

struct PatternStore : testing::Test {
  FakeClock clock;
  storage::MemoryEventStore events;
  storage::Batch batch;
  Sequence sequence{0};

  void line(std::int64_t at_s, std::string text, std::string service = "shop", Level level = Level::info,
            std::uint32_t project = 1) {
    EventRow row;
    row.project = ProjectId{project};
    row.time = kPatternStart + std::chrono::seconds(at_s);
    row.message = std::move(text);
    row.ids.service = std::move(service);
    row.ids.level = level;
    batch.logs.push_back(std::move(row));
  }
  PatternReport find(PatternQuery query) {
    sequence.value += 1;
    EXPECT_TRUE(events.apply(sequence, batch));
    batch.logs.clear();
    query.projects = {ProjectId{1}};
    query.range = {kPatternStart, kPatternStart + std::chrono::seconds(600)};
    WorkContext context(clock, {});
    auto report = find_patterns(events, query, context);
    EXPECT_TRUE(report);
    EXPECT_EQ(context.memory_used(), 0u);
    return report ? *report : PatternReport{};
  }
};

TEST_F(PatternStore, CountsByTimeServiceAndLevel) {
  for (int i = 0; i < 60; ++i) line(i * 10, "request " + std::to_string(i) + " done");
  for (int i = 0; i < 6; ++i) line(300 + i, "request " + std::to_string(i) + " failed", "shop", Level::error);
  line(5, "request 1 done", "api");
  line(5, "request 1 done", "shop", Level::info, 2);  // of another project
  const auto report = find({.step = std::chrono::seconds(60)});
  EXPECT_TRUE(report.exact);
  EXPECT_EQ(report.total, 67u);
  ASSERT_EQ(report.patterns.size(), 3u);
  EXPECT_EQ(report.patterns[0].pattern, "request <_> done");
  EXPECT_EQ(report.patterns[0].count, 60u);
  EXPECT_EQ(report.patterns[0].service, "shop");
  const auto& counts = report.patterns[0].counts.at(Level::info);
  ASSERT_EQ(counts.size(), report.buckets.size());
  for (std::size_t i = 1; i + 1 < counts.size(); ++i) EXPECT_EQ(counts[i], 6u);
  EXPECT_EQ(report.patterns[1].pattern, "request <_> failed");
  EXPECT_EQ(report.patterns[1].counts.count(Level::error), 1u);
  EXPECT_EQ(report.patterns[2].service, "api");
}

// With fewer lines looked at than there are, totals are the store's and shares the sample's.
TEST_F(PatternStore, EstimatesAreScaledToTheStoresCounts) {
  for (int i = 0; i < 6'000; ++i) {
    line(i / 10, i % 3 == 0 ? "slow query " + std::to_string(i) : "query " + std::to_string(i) + " ok");
  }
  const auto report = find({.step = std::chrono::seconds(60), .max_rows = 330});
  EXPECT_FALSE(report.exact);
  EXPECT_LE(report.sampled_rows, 330u);
  EXPECT_EQ(report.total, 6'000u);
  ASSERT_EQ(report.patterns.size(), 2u);
  EXPECT_NEAR(static_cast<double>(report.patterns[0].count), 4'000, 150);
  EXPECT_NEAR(static_cast<double>(report.patterns[1].count), 2'000, 150);
}

TEST_F(PatternStore, WhatTheFilterCannotSay) {
  for (int i = 0; i < 10; ++i) line(i, i % 2 ? "odd line" : "even line");
  const auto report = find(
      {.keep = [](EventRow& row) { return row.message != "odd line"; }, .step = std::chrono::seconds(60)});
  ASSERT_EQ(report.patterns.size(), 1u);
  EXPECT_EQ(report.patterns[0].pattern, "even line");
  EXPECT_EQ(report.total, 5u);
}

TEST_F(PatternStore, StepsAreWidenedAndEmptyRangesRefused) {
  line(1, "one");
  EXPECT_LE(find({.step = std::chrono::milliseconds(1)}).buckets.size(), limits::kMaxPatternBuckets);
  WorkContext context(clock, {});
  PatternQuery query;
  query.range = {kPatternStart, kPatternStart};
  query.step = std::chrono::seconds(1);
  EXPECT_FALSE(find_patterns(events, query, context));
}

}  // namespace
}  // namespace telltale::logs
