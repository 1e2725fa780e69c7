// Random lives of alerts, written as rules write them, and read back.
#include "alerting/alert_history.hpp"

#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "model/sample.hpp"
#include "promql/conformance/test_store.hpp"

namespace telltale::alerting {
namespace {

TEST(AlertHistory, TellsEveryBeginningAndEnd) {
  const std::uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  const FakeClock clock;
  WorkContext context(clock, WorkLimits{});
  promql::TestStore store;
  constexpr std::int64_t kStartMs = 1'700'000'000'000;
  const TimeRange range{UnixNanos::from_millis({kStartMs + 600'000}),
                        UnixNanos::from_millis({kStartMs + 2'400'000})};
  std::vector<std::string> want;
  for (int alert = 0; alert < 5; ++alert) {
    const std::string name = "A" + std::to_string(alert);
    bool on = false;
    for (std::int64_t t = kStartMs; t < kStartMs + 3'000'000; t += 10'000) {
      const bool was = on;
      if (rng.chance(0.05)) on = !on;
      for (const char* state : {"firing", "pending"}) {
        const Labels labels({{"__name__", "ALERTS"}, {"alertname", name}, {"alertstate", state}});
        if (on) {
          store.add(labels, t, 1);
        } else if (was) {
          store.add(labels, t, stale_nan());
        }
      }
      if (on != was && range.contains(UnixNanos::from_millis({t})))
        want.push_back(std::to_string(t) + name + (on ? "+" : "-"));
    }
  }
  const auto changes = alert_changes(store, {ProjectId{1}}, range, context);
  ASSERT_TRUE(changes) << changes.error().message();
  std::vector<std::string> got;
  for (const auto& change : *changes) {
    EXPECT_FALSE(change.labels.has("alertstate") || change.labels.has(kMetricName));
    got.push_back(std::to_string(change.time.ms) + std::string(change.labels.get("alertname")) +
                  (change.firing ? "+" : "-"));
  }
  EXPECT_TRUE(std::is_sorted(changes->begin(), changes->end(),
                             [](const auto& a, const auto& b) { return a.time > b.time; }));
  std::sort(want.begin(), want.end());
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, want);
}

}  // namespace
}  // namespace telltale::alerting
