// A native histogram of one bucket whose count is v behaves as the float v: whatever PromQL does with windows
// of floats is the oracle for windows of histograms. Series rise, begin anew, go stale, and say when they
// started.
#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "promql/conformance/test_store.hpp"
#include "promql/engine.hpp"

namespace telltale::promql {
namespace {

constexpr std::int64_t kScrape = 15'000;
constexpr std::int64_t kSamples = 60;

Sample histogram_of(std::int64_t ms, double v, bool gauge) {
  auto h = std::make_shared<Histogram>();
  h->reset_hint = gauge ? ResetHint::gauge : ResetHint::unknown;
  h->positive_spans = {{2, 1}};
  h->positive = {v};
  h->count = v;
  h->sum = 2 * v;
  const double sum = h->sum;
  return {UnixMillis{ms}, sum, {}, std::move(h)};
}

Labels series_of(const char* name) { return Labels(std::vector<Label>{{std::string(kMetricName), name}}); }

void put_both(TestStore& store, std::int64_t ms, double v, bool gauge) {
  store.add(series_of("f_total"), ms, v);
  const Labels h = series_of("h_total");
  if (is_stale_nan(v)) {
    store.add(h, ms, v);
  } else {
    store.add(h, histogram_of(ms, v, gauge));
  }
}

void fill(TestStore& store, Rng& rng, bool gauge) {
  const bool starts = rng.chance(0.5);
  const double gaps = rng.chance(0.5) ? 0.2 : 0;
  double v = static_cast<double>(rng.below(20));
  std::int64_t began = 1;
  for (std::int64_t i = 0; i < kSamples; ++i) {
    const std::int64_t ms = i * kScrape + static_cast<std::int64_t>(rng.below(1000));
    if (rng.chance(gaps)) continue;
    if (rng.chance(0.05)) {
      put_both(store, ms, stale_nan(), gauge);
      continue;
    }
    if (rng.chance(0.1)) {
      v = static_cast<double>(rng.below(30));  // anew, and perhaps already above what it was
      began = ms - static_cast<std::int64_t>(rng.below(kScrape));
    } else {
      v += static_cast<double>(rng.below(10));
    }
    put_both(store, ms, v, gauge);
    if (!starts) continue;
    for (const char* name : {"f_total", "h_total"}) store.add_start(series_of(name), ms, began);
  }
}

std::string replaced(std::string text, const std::string& name) {
  for (std::size_t at = text.find("X"); at != std::string::npos; at = text.find("X", at))
    text.replace(at, 1, name);
  return text;
}

std::string range_of(Rng& rng) {
  static constexpr const char* kRanges[] = {"20s", "1m", "2m30s", "5m", "20m"};
  static constexpr const char* kAfter[] = {"", "", " offset 40s", " offset -1m"};
  return std::string("X[") + kRanges[rng.below(std::size(kRanges))] + "]" +
         kAfter[rng.below(std::size(kAfter))];
}

std::size_t points_compared = 0;

void expect_same(const Engine& engine, const std::string& floats, const std::string& histograms) {
  const SystemClock clock;
  WorkContext context(clock, {});
  const auto run = [&](const std::string& text) {
    return engine.range(text, {}, {60'000}, {kSamples * kScrape + 60'000}, Millis(17'000), context);
  };
  const auto a = run(floats);
  const auto b = run(histograms);
  ASSERT_TRUE(a) << floats << ": " << a.error().message();
  ASSERT_TRUE(b) << histograms << ": " << b.error().message();
  ASSERT_EQ(a->series.size(), b->series.size()) << histograms;
  if (a->series.empty()) return;
  points_compared += a->series[0].samples.size();
  const auto& x = a->series[0].samples;
  const auto& y = b->series[0].samples;
  ASSERT_EQ(x.size(), y.size()) << histograms;
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(x[i].time, y[i].time) << histograms;
    EXPECT_NEAR(x[i].value, y[i].value, 1e-9 * std::max(1.0, std::abs(x[i].value))) << histograms;
  }
}

TEST(PromqlMixedWindow, AHistogramOfOneBucketGoesWhereItsCountWouldGo) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    TestStore store;
    const bool gauge = rng.chance(0.2);
    fill(store, rng, gauge);
    EngineOptions options;
    options.features = Features::all();
    const Engine engine(store, options);
    for (const char* f : {"rate", "increase", "irate", "delta", "idelta", "sum_over_time", "avg_over_time",
                          "last_over_time", "first_over_time"}) {
      const std::string call = std::string(f) + "(" + range_of(rng) + ")";
      const std::string histograms = replaced(call, "h_total");
      expect_same(engine, replaced(call, "f_total"), "histogram_count(" + histograms + ")");
      expect_same(engine, replaced(call, "f_total") + " * 2", "histogram_sum(" + histograms + ")");
    }
    for (const char* f : {"resets", "changes", "count_over_time", "present_over_time", "ts_of_last_over_time",
                          "absent_over_time"}) {
      const std::string call = std::string(f) + "(" + range_of(rng) + ")";
      expect_same(engine, replaced(call, "f_total"), replaced(call, "h_total"));
    }
    for (const char* f : {"rate", "increase", "delta"}) {
      const std::string call = std::string(f) + "(X[2m] " + (rng.chance(0.5) ? "anchored" : "smoothed") + ")";
      expect_same(engine, replaced(call, "f_total"), "histogram_count(" + replaced(call, "h_total") + ")");
    }
    const std::string sub = "increase(X[5m:" + std::to_string(10 + rng.below(30)) + "s])";
    expect_same(engine, replaced(sub, "f_total"), "histogram_count(" + replaced(sub, "h_total") + ")");
    expect_same(engine, "f_total", "histogram_count(h_total)");
    expect_same(engine, "-f_total * 3 / 4", "histogram_count(-h_total * 3 / 4)");
    expect_same(engine, "f_total + f_total", "histogram_count(h_total + h_total)");
  }
  EXPECT_GT(points_compared, 50'000U);
}

}  // namespace
}  // namespace telltale::promql
