#include "metricinfo/metric_info.hpp"

#include <gtest/gtest.h>

#include "base/metric_limits.hpp"

namespace telltale::metricinfo {
namespace {

constexpr ProjectId kOne{1};

class MetricInfoTest : public ::testing::Test {
 protected:
  std::unique_ptr<MetricInfo> open() {
    auto opened = MetricInfo::open(*disk, "data/metricinfo/info", clock, log, metrics);
    EXPECT_TRUE(opened) << opened.error().message();
    return *std::move(opened);
  }
  static storage::Batch batch(const std::string& series, std::int64_t ms, double value = 1) {
    storage::Batch out;
    out.project = kOne;
    out.items.exemplars.push_back(
        {Labels({{"__name__", series}}), {ms}, value, Labels({{"trace_id", std::to_string(ms)}})});
    out.items.metadata.push_back({series, 1, "Help of " + series, "s"});
    return out;
  }
  static std::vector<std::string> times(const MetricInfo& info, const std::string& regex,
                                        std::int64_t min = 0, std::int64_t max = INT64_MAX) {
    std::vector<std::string> out;
    const auto matcher = *storage::LabelMatcher::make(storage::MatchOp::re, "__name__", regex);
    for (const auto& s : info.exemplars({kOne}, {{matcher}}, {min}, {max})) {
      std::string line = s.series.to_string();
      for (const auto& e : s.exemplars) line += " " + std::string(e.labels.get("trace_id"));
      out.push_back(line);
    }
    return out;
  }

  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> disk = io::make_memory_file_system();
};

using List = std::vector<std::string>;

TEST_F(MetricInfoTest, ExemplarsAreFoundByLabelsAndTime) {
  const auto info = open();
  ASSERT_TRUE(info->apply(Sequence{1}, batch("a", 30)));
  ASSERT_TRUE(info->apply(Sequence{2}, batch("a", 10)));
  ASSERT_TRUE(info->apply(Sequence{3}, batch("b", 20)));
  ASSERT_TRUE(info->apply(Sequence{4}, batch("a", 30)));  // the same again
  ASSERT_TRUE(info->apply(Sequence{2}, batch("a", 99)));  // applied before
  EXPECT_EQ(times(*info, "a|b"), (List{"a 10 30", "b 20"}));
  EXPECT_EQ(times(*info, "a|b", 15, 25), (List{"b 20"}));
  EXPECT_TRUE(info->exemplars({ProjectId{2}}, {{}}, {0}, {100}).empty());
  ASSERT_EQ(info->families({kOne}, "a").size(), 1u);
  EXPECT_EQ(info->families({kOne}, "a")[0].help, "Help of a");
  EXPECT_EQ(info->families({kOne}, "").size(), 2u);
}

TEST_F(MetricInfoTest, WhatIsDurableIsThereAgainAndTheRestComesWithReplay) {
  {
    const auto info = open();
    ASSERT_TRUE(info->apply(Sequence{1}, batch("a", 10)));
    ASSERT_TRUE(info->checkpoint());
    EXPECT_EQ(info->durable().value, 1u);
    ASSERT_TRUE(info->apply(Sequence{2}, batch("a", 20)));
    EXPECT_TRUE(info->verify());
  }
  const auto info = open();
  EXPECT_EQ(info->applied().value, 1u);
  EXPECT_EQ(times(*info, "a"), (List{"a 10"}));
  ASSERT_TRUE(info->apply(Sequence{2}, batch("a", 20)));
  EXPECT_EQ(times(*info, "a"), (List{"a 10 20"}));
  EXPECT_EQ(info->families({kOne}, "").size(), 1u);
}

TEST_F(MetricInfoTest, ADamagedFileIsSetAsideAndNothingElseIsLost) {
  {
    const auto info = open();
    ASSERT_TRUE(info->apply(Sequence{1}, batch("a", 10)));
    ASSERT_TRUE(info->checkpoint());
  }
  std::string bytes = *io::read_file(*disk, "data/metricinfo/info");
  for (const std::size_t at : {std::size_t{0}, std::size_t{4}, bytes.size() / 2, bytes.size() - 1}) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    ASSERT_TRUE(io::publish_file(*disk, "data/metricinfo/info", flipped));
    const auto info = open();
    EXPECT_EQ(info->applied().value, 0u) << at;
    EXPECT_TRUE(times(*info, ".*").empty());
    EXPECT_TRUE(*disk->exists("data/metricinfo/info.damaged"));
    (void)disk->remove("data/metricinfo/info.damaged");
  }
}

TEST_F(MetricInfoTest, TheOldestMakeRoom) {
  const auto info = open();
  storage::Batch many;
  many.project = kOne;
  for (std::size_t i = 0; i < limits::kMaxExemplars + 2; ++i)
    many.items.exemplars.push_back(
        {Labels({{"__name__", "s" + std::to_string(i % 1000)}}), {static_cast<std::int64_t>(i)}, 1, {}});
  ASSERT_TRUE(info->apply(Sequence{1}, many));
  std::size_t total = 0;
  for (const auto& s : info->exemplars({kOne}, {{}}, {0}, {INT64_MAX})) total += s.exemplars.size();
  EXPECT_EQ(total, limits::kMaxExemplars);
  EXPECT_TRUE(times(*info, "s0|s1", 0, 1).empty());
}

}  // namespace
}  // namespace telltale::metricinfo
