// Sliding windows against going over each window, which is what the functions themselves do.
#include "promql/sliding_window.hpp"

#include <bit>
#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace telltale::promql {
namespace {

/// A counter with resets, a gauge, or numbers of very different sizes, with some that are none.
OwnedColumns random_series(Rng& rng) {
  OwnedColumns out;
  std::int64_t t = 0;
  double v = 0;
  const std::uint64_t kind = rng.below(4);
  const double odd = rng.chance(0.3) ? 0.01 : 0;
  for (std::size_t i = 0, n = 1 + rng.below(400); i < n; ++i) {
    t += 1'000 + static_cast<std::int64_t>(rng.below(30'000));
    if (kind == 0) v = rng.chance(0.02) ? 0 : v + static_cast<double>(rng.below(100));
    if (kind == 1) v = static_cast<double>(rng.below(7)) - 3;
    if (kind == 2) v = (rng.unit() - 0.5) * std::pow(10, static_cast<double>(rng.below(40)) - 10);
    if (kind == 3) v = 0;
    double x = v;
    if (rng.chance(odd)) x = std::nan("");
    if (rng.chance(odd)) x = rng.chance(0.5) ? HUGE_VAL : -HUGE_VAL;
    if (rng.chance(odd)) x = -0.0;
    out.times.push_back(t);
    out.values.push_back(x);
  }
  return out;
}

TEST(SlidingWindow, GivesWhatGoingOverEachWindowGives) {
  static constexpr const char* kFunctions[] = {"sum_over_time",   "avg_over_time", "max_over_time",
                                               "min_over_time",   "changes",       "resets",
                                               "stddev_over_time"};
  for (std::uint64_t seed = 1; seed <= 1'500; ++seed) {
    Rng rng(seed);
    const OwnedColumns series = random_series(rng);
    const Columns columns = series.view();
    const std::string function = kFunctions[rng.below(std::size(kFunctions))];
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + function);
    const WindowFunction fn = find_window_function(function);
    SlidingWindow sliding(function, fn, columns, true);
    const std::int64_t range = 1'000 + static_cast<std::int64_t>(rng.below(3'000'000));
    const std::int64_t step = 1 + static_cast<std::int64_t>(rng.below(100'000));
    std::size_t begin = 0;
    std::size_t end = 0;
    for (std::int64_t to = 0; to < columns.times.back() + range; to += step) {
      while (end < columns.times.size() && columns.times[end] <= to) ++end;
      while (begin < end && columns.times[begin] <= to - range) ++begin;
      if (begin == end) continue;
      const Window w{columns.part(begin, end - begin), to - range, to, to, 0, 0};
      const double expected = fn(w);
      const double value = sliding.value(w, begin, end);
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(value)) << value;
      } else if (std::isinf(expected)) {
        ASSERT_EQ(value, expected);
      } else {
        double size = 0;  // of what is added up: what sums may differ by is a share of it
        for (const double x : w.values) size = std::max(size, std::isfinite(x) ? std::fabs(x) : 0);
        ASSERT_NEAR(value, expected, std::max(std::fabs(expected), size) * 1e-14);
      }
    }
  }
}

TEST(WindowPlan, GrowthIsWhatTheFunctionsSayOfEachWindow) {
  static constexpr const char* kFunctions[] = {"rate", "increase", "delta"};
  for (std::uint64_t seed = 1; seed <= 1'500; ++seed) {
    Rng rng(seed);
    const std::string function = kFunctions[rng.below(std::size(kFunctions))];
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + function);
    const WindowFunction fn = find_window_function(function);
    WindowPlan plan;
    WindowTimes windows{static_cast<std::int64_t>(rng.below(20'000)),
                        rng.chance(0.1) ? 0 : 1 + static_cast<std::int64_t>(rng.below(100'000)),
                        1 + rng.below(100), 1'000 + static_cast<std::int64_t>(rng.below(1'000'000)), 0};
    OwnedColumns series = random_series(rng);
    // The second and third series: with the same times, and with others that are as many.
    for (int round = 0; round < 3; ++round) {
      if (round == 1)
        for (double& v : series.values) v = static_cast<double>(rng.below(1'000));
      if (round == 2) series.times.back() += 500;
      const Columns columns = series.view();
      plan.follow(windows, columns.times, {});
      std::vector<double> out(windows.count, absent_value());
      bool any = false;
      std::uint64_t samples = 0;
      const bool some = growth_row(plan, columns.values, function != "delta", function == "rate", out);
      for (std::size_t i = 0; i < windows.count; ++i) {
        const std::int64_t to = windows.at(i);
        std::size_t begin = 0;
        std::size_t end = 0;
        while (begin < columns.times.size() && columns.times[begin] <= to - windows.back) ++begin;
        while (end < columns.times.size() && columns.times[end] <= to) ++end;
        samples += end - begin;
        const double expected =
            begin == end ? absent_value()
                         : fn(Window{columns.part(begin, end - begin), to - windows.back, to, to, 0, 0});
        any = any || !is_absent(expected);
        if (std::isnan(expected) && !is_absent(expected)) {
          ASSERT_TRUE(std::isnan(out[i]) && !is_absent(out[i])) << i;
        } else {
          ASSERT_EQ(std::bit_cast<std::uint64_t>(expected), std::bit_cast<std::uint64_t>(out[i]))
              << i << ": " << expected << " and " << out[i];
        }
      }
      ASSERT_EQ(any, some);
      ASSERT_EQ(samples, plan.samples());
    }
  }
}

}  // namespace
}  // namespace telltale::promql
