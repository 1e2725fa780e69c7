#include <cmath>
#include <functional>
#include <limits>

#include "promql/differential/random_query.hpp"

namespace telltale::promql::naive {
namespace {

using Next = std::function<double(Rng&)>;

Next gauge(double around) {
  return [around, v = around](Rng& rng) mutable {
    v += (rng.unit() - 0.5) * around / 4;
    if (rng.chance(0.3)) v = std::round(v);
    return v;
  };
}

Next counter(bool decimals, double from) {
  return [decimals, v = from](Rng& rng) mutable {
    if (rng.chance(0.03)) v = 0;
    if (rng.chance(0.7))
      v += decimals ? std::round(rng.unit() * 1000) / 100 : static_cast<double>(rng.below(40));
    return v;
  };
}

double odd_value(Rng& rng) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  const double values[] = {std::nan(""), kInfinite, -kInfinite, 0, -0.0, 4096, -0.125, 0.1, -3, 2.5};
  return values[rng.below(std::size(values))];
}

/// When samples come: a regular interval with or without jitter, and holes.
std::vector<Point> points(Rng& rng, const Shape& shape, const Next& next) {
  static constexpr std::int64_t kIntervals[] = {10'000, 15'000, 30'000, 60'000};
  const std::int64_t interval = kIntervals[rng.below(std::size(kIntervals))];
  const bool jitter = shape.off_edges || rng.chance(0.5);
  const double holes = rng.chance(0.5) ? 0 : rng.unit() * 0.3;
  const std::int64_t end = shape.base_ms + shape.span_ms - (rng.chance(0.2) ? shape.span_ms / 2 : 0);
  std::vector<Point> out;
  std::int64_t t =
      shape.base_ms + (rng.chance(0.3) ? static_cast<std::int64_t>(rng.below(1'200)) * 1'000 : 0);
  for (t -= t % interval; t < end; t += interval) {
    const double value = next(rng);
    if (rng.chance(holes)) continue;
    if (rng.chance(0.005)) t += static_cast<std::int64_t>(rng.below(10)) * interval;
    const std::int64_t shift = jitter ? 1 + static_cast<std::int64_t>(rng.below(900)) : 0;
    out.push_back({t + shift, rng.chance(0.01) ? stale_nan() : value});
  }
  return out;
}

}  // namespace

std::vector<Series> random_series(Rng& rng, const Shape& shape) {
  std::vector<Series> out;
  const auto add = [&](std::vector<Label> labels, const Next& next) {
    if (!rng.chance(0.75)) return;
    auto made = points(rng, shape, next);
    if (!made.empty()) out.push_back({Labels(std::move(labels)), std::move(made)});
  };
  for (const std::string zone : {"a", "b", "c"}) {
    for (const std::string instance : {"h1", "h2"}) {
      const auto named = [&](const char* name) {
        return std::vector<Label>{{"__name__", name}, {"zone", zone}, {"instance", instance}};
      };
      add(named("temperature"), gauge(20));
      add(named("load"), gauge(0.8));
      add(named("errors_total"), counter(true, 0));
      for (const char* code : {"200", "500"}) {
        auto labels = named("requests_total");
        labels.push_back({"code", code});
        add(std::move(labels), counter(false, static_cast<double>(rng.below(5'000))));
      }
    }
    add({{"__name__", "odd"}, {"zone", zone}}, odd_value);
    double below = 0;
    for (const char* le : {"0.1", "0.5", "1", "+Inf"}) {
      below += 10;
      add({{"__name__", "latency_bucket"}, {"zone", zone}, {"le", le}},
          [per_step = below, v = 0.0](Rng& r) mutable { return v += std::floor(r.unit() * per_step); });
    }
  }
  for (const std::string instance : {"h1", "h2"})
    add({{"__name__", "build_info"}, {"instance", instance}, {"version", "1." + instance}},
        [](Rng&) { return 1.0; });
  return out;
}

}  // namespace telltale::promql::naive
