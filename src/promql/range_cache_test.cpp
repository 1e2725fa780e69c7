// Kept answers against fresh ones: one engine that keeps, one that does not, over the same store, while
// samples come in order, late, and go.
#include "promql/range_cache.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "io/file_system.hpp"
#include "promql/engine.hpp"
#include "promql/parser.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::promql {
namespace {

constexpr std::int64_t kStartMs = 1'700'000'000'000;
constexpr ProjectId kOwner{1};

/// Values to nine digits: windows that begin elsewhere add up in another order.
std::string shown(const QueryResult& r) {
  std::string out;
  for (const ResultSeries& s : r.series) {
    out += s.labels.to_string();
    for (std::size_t i = 0; i < s.samples.size(); ++i) {
      const ResultPoint& p = s.samples[i];
      const auto& h = s.histogram(i);
      char number[96];
      std::snprintf(number, sizeof number, " %.9g@%lld", h != nullptr ? h->sum : p.value + 0.0,
                    static_cast<long long>(p.time.ms - kStartMs));
      out += number;
      if (h == nullptr) continue;
      std::snprintf(number, sizeof number, "{%.9g of %zu}", h->count, h->positive.size());
      out += number;
    }
    out += '\n';
  }
  for (const auto& w : r.warnings) out += w + '\n';
  for (const auto& i : r.infos) out += i + '\n';
  return out;
}

std::shared_ptr<const Histogram> histogram_of(int n) {
  auto h = std::make_shared<Histogram>();
  h->positive_spans = {{0, 2}};
  h->positive = {1.0 * n, 2.0 * n};
  h->count = 3.0 * n;
  h->sum = 5.0 * n;
  return h;
}

TEST(PromqlRangeCache, AnswersAsIfNothingWereKept) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&random](std::size_t n) { return static_cast<std::int64_t>(random() % n); };
  const auto fs = io::make_memory_file_system();
  FakeClock clock{UnixNanos::from_millis({kStartMs})};
  const Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  const auto store = *tsdb::open_tsdb(*fs, "data/tsdb", {}, clock, log, metrics);
  const Engine keeping(*store, {.range_cache_bytes = 1 << 20});
  const Engine fresh(*store);
  const char* const queries[] = {"a_total",
                                 "sum by (i) (rate(a_total[1m]))",
                                 "max_over_time(a_total[2m] offset 30s)",
                                 "a_total offset -45s",
                                 "sum(a_total) or vector(time())",
                                 "topk(1, a_total)",
                                 "a_total @ end()",
                                 "avg_over_time(sum(a_total)[2m:20s])",
                                 "h",
                                 "sum(rate(h[1m]))",
                                 "histogram_count(h)",
                                 "rate(g[1m])",
                                 "sum(last_over_time({i=~\"[gh]\"}[30s]))"};
  std::int64_t now = kStartMs;
  std::uint64_t sequence = 0;
  for (int round = 0; round < 400; ++round) {
    storage::Batch batch;
    batch.project = kOwner;
    const std::int64_t at = below(6) == 0 ? now - below(300'000) : now;
    for (int i = 0; i < 3; ++i) {
      if (below(5) == 0) continue;
      const auto id = store->resolve(kOwner, Labels({{"__name__", "a_total"}, {"i", std::to_string(i)}}),
                                     batch.new_series);
      ASSERT_TRUE(id);
      batch.samples.push_back({*id, {UnixMillis{at}, static_cast<double>(below(1000)), {}, nullptr}});
    }
    // For some minutes a gauge, which rate() remarks on, and a native histogram, which now and then is a
    // float.
    if (round % 100 > 60 && below(4) > 0) {
      for (const char* name : {"g", "h"}) {
        const auto id = store->resolve(kOwner, Labels({{"__name__", name}, {"i", name}}), batch.new_series);
        ASSERT_TRUE(id);
        const auto h = *name == 'g' || below(12) == 0 ? nullptr : histogram_of(round);
        batch.samples.push_back({*id, {UnixMillis{at}, h ? h->sum : round, {}, h}});
      }
    }
    ASSERT_TRUE(store->apply({++sequence}, batch));
    store->journaled(batch.new_series);
    WorkContext context(clock, {});
    if (below(40) == 0) {
      ASSERT_TRUE(store->checkpoint());
    }
    if (below(60) == 0) {
      ASSERT_TRUE(store->maintenance());
    }
    if (below(60) == 0) {
      const auto from = now - below(200'000);
      const auto one = *storage::LabelMatcher::make(storage::MatchOp::eq, "i", std::to_string(below(3)));
      ASSERT_TRUE(store->delete_samples({{kOwner}, {{from}, {from + below(60'000)}}, {one}, 0}, context));
    }
    now += 5'000;
    const std::int64_t step = below(2) == 0 ? 10'000 : 15'000;
    const std::int64_t end = (now + below(30'000)) / step * step;
    const std::int64_t start = end - step * (5 + below(20));
    for (const char* query : queries) {
      SCOPED_TRACE(query);
      const auto got = keeping.range(query, {kOwner}, {start}, {end}, Millis{step}, context);
      const auto want = fresh.range(query, {kOwner}, {start}, {end}, Millis{step}, context);
      ASSERT_TRUE(got) << got.error().message();
      ASSERT_TRUE(want) << want.error().message();
      ASSERT_EQ(shown(*got), shown(*want)) << "round " << round;
    }
  }
}

TEST(PromqlRangeCache, TellsWhatCannotBeKept) {
  const auto ahead = [](std::string_view text) { return looks_ahead(text, **parse(text), 300'000); };
  EXPECT_EQ(ahead("rate(a[5m])"), 0);
  EXPECT_EQ(ahead("a offset -10s + b offset -5s"), 15'000);
  EXPECT_EQ(ahead("a offset 10s"), 0);
  EXPECT_FALSE(ahead("a @ 5"));
  EXPECT_FALSE(ahead("a @ start()"));
  EXPECT_FALSE(ahead("end() - a"));
  EXPECT_FALSE(ahead("rate(a[step () * 2])"));
  EXPECT_EQ(ahead("startled"), 0);
}

TEST(PromqlRangeCache, KeepsToItsBytesAndForgetsTheLongestUnused) {
  RangeCache cache(64 << 10);
  const auto answer = [](std::size_t values) {
    auto out = std::make_shared<RangeCache::Answer>();
    out->series.emplace_back().values.assign(values, 1);
    return out;
  };
  cache.put("large", answer(2'000));
  EXPECT_EQ(cache.get("large"), nullptr);
  for (int i = 0; i < 100; ++i) {
    cache.put("k" + std::to_string(i), answer(500));
    ASSERT_NE(cache.get("k0"), nullptr) << i;  // used all the time
  }
  EXPECT_EQ(cache.get("k50"), nullptr);
  EXPECT_NE(cache.get("k99"), nullptr);
}

}  // namespace
}  // namespace telltale::promql
