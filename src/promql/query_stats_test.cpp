// What a query says of its cost, against going over each step and counting the samples that it looks at.
#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "promql/engine.hpp"
#include "storage/memory_metric_store.hpp"
#include "storage/metric_store_contract.hpp"

namespace telltale::storage::contract {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MetricStoreContract);
}  // namespace telltale::storage::contract

namespace telltale::promql {
namespace {

constexpr std::int64_t kLookbackMs = 300'000;

struct CostBench {
  std::vector<std::vector<std::int64_t>> times;  // of each series
  std::unique_ptr<storage::MetricStore> store = storage::make_memory_metric_store();

  explicit CostBench(Rng& rng) {
    std::vector<storage::contract::Put> puts;
    for (std::size_t s = 0, n = 1 + rng.below(4); s < n; ++s) {
      std::int64_t t = static_cast<std::int64_t>(rng.below(100'000));
      std::vector<std::int64_t>& mine = times.emplace_back();
      for (std::size_t i = 0, m = 1 + rng.below(80); i < m; ++i) {
        const Labels labels(std::vector<Label>{{std::string(kMetricName), "m"}, {"s", std::to_string(s)}});
        puts.push_back({labels, t, static_cast<double>(i)});
        mine.push_back(t);
        t += 1 + static_cast<std::int64_t>(rng.below(rng.chance(0.1) ? 400'000 : 30'000));
      }
    }
    EXPECT_TRUE(store->apply({1}, storage::contract::make_batch(*store, ProjectId{1}, puts)));
  }

  std::uint64_t within(std::int64_t from, std::int64_t to) const {  // (from, to]
    std::uint64_t n = 0;
    for (const auto& mine : times) {
      for (const std::int64_t t : mine) n += t > from && t <= to ? 1 : 0;
    }
    return n;
  }
  std::uint64_t series_within(std::int64_t from, std::int64_t to) const {
    std::uint64_t n = 0;
    for (const auto& mine : times)
      n += std::any_of(mine.begin(), mine.end(), [&](auto t) { return t > from && t <= to; }) ? 1 : 0;
    return n;
  }
};

TEST(QueryStats, CountWhatEachStepLooksAt) {
  const SystemClock clock;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const CostBench bench(rng);
    const Engine engine(*bench.store);
    const std::int64_t start = static_cast<std::int64_t>(rng.below(500'000));
    const std::int64_t step = 1'000 * (1 + static_cast<std::int64_t>(rng.below(60)));
    const std::int64_t steps = 1 + static_cast<std::int64_t>(rng.below(40));
    const std::int64_t range = 1'000 * (1 + static_cast<std::int64_t>(rng.below(600)));
    const std::int64_t end = start + (steps - 1) * step;
    const std::string window = "m[" + std::to_string(range / 1000) + "s]";
    std::uint64_t instants = 0;
    std::uint64_t windows = 0;
    for (std::int64_t t = start; t <= end; t += step) {
      instants += bench.series_within(t - kLookbackMs, t);
      windows += bench.within(t - range, t);
    }
    const auto cost = [&](const std::string& query) {
      WorkContext context(clock, {});
      const auto result =
          engine.range(query, {ProjectId{1}}, UnixMillis{start}, UnixMillis{end}, Millis{step}, context);
      EXPECT_TRUE(result) << result.error().message();
      return result ? result->stats : QueryStats{};
    };
    EXPECT_EQ(cost("m").queryable, instants);
    EXPECT_EQ(cost("m + sum(m)").queryable, 2 * instants);
    EXPECT_EQ(cost("sum(rate(" + window + "))").queryable, windows);
    EXPECT_EQ(cost("max_over_time(" + window + ") - " + window.substr(0, 1)).queryable, windows + instants);
    // The same for every step.
    const std::uint64_t fixed = bench.within(400'000 - range, 400'000);
    EXPECT_EQ(cost("sum_over_time(" + window + " @ 400)").queryable,
              fixed * static_cast<std::uint64_t>(steps));
    // What is read is read once, however many steps look at it.
    const QueryStats read = cost("sum(rate(" + window + "))");
    EXPECT_EQ(read.samples_read, bench.within(start - range, end));
    EXPECT_EQ(read.series_read, bench.series_within(start - range, end));
    EXPECT_GE(read.peak * read.series_read, read.samples_read);  // one series at a time
    EXPECT_LE(read.peak, read.samples_read + (read.series_read + 1) * static_cast<std::uint64_t>(steps));
    EXPECT_EQ(cost("1 + 1").samples_read, 0U);
  }
}

TEST(QueryStats, OfASubqueryCountsWhatTheOuterStepsLookAt) {
  const SystemClock clock;
  const auto store = storage::make_memory_metric_store();
  std::vector<storage::contract::Put> puts;
  const Labels labels(std::vector<Label>{{std::string(kMetricName), "m"}});
  for (std::int64_t t = 0; t <= 600'000; t += 10'000) puts.push_back({labels, t, 1});
  ASSERT_TRUE(store->apply({1}, storage::contract::make_batch(*store, ProjectId{1}, puts)));
  const Engine engine(*store);
  WorkContext context(clock, {});
  const auto at = [&](const char* query) {
    const auto result = engine.instant(query, {ProjectId{1}}, UnixMillis{600'000}, context);
    EXPECT_TRUE(result) << result.error().message();
    return result ? result->stats : QueryStats{};
  };
  EXPECT_EQ(at("m").queryable, 1U);
  EXPECT_EQ(at("m[60s]").queryable, 6U);
  EXPECT_EQ(at("max_over_time(m[60s:20s])").queryable, 3U);
  EXPECT_EQ(at("max_over_time(rate(m[50s])[60s:20s])").queryable, 3U);
  EXPECT_GE(at("m").evaluating.count(), 0);
}

}  // namespace
}  // namespace telltale::promql
