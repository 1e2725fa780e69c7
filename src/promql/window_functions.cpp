// Functions over one window of samples. Formulas: Prometheus promql/functions.go; the extrapolation of rate
// and its kin is described at extrapolated().
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "promql/eval.hpp"

namespace telltale::promql {

double quantile_of(double phi, std::vector<double>& v) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (v.empty() || std::isnan(phi)) return std::numeric_limits<double>::quiet_NaN();
  if (phi < 0) return -kInf;
  if (phi > 1) return kInf;
  std::sort(v.begin(), v.end(), [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double rank = phi * (static_cast<double>(v.size()) - 1);
  const auto low = static_cast<std::size_t>(std::max(0.0, std::floor(rank)));
  const std::size_t high = std::min(v.size() - 1, low + 1);
  const double weight = rank - std::floor(rank);
  return v[low] * (1 - weight) + v[high] * weight;
}

bool starts_inside(const Window& w) {
  return !w.starts.empty() && w.starts[0] != 0 && w.starts[0] > w.from && w.starts[0] < w.times[0];
}

double extrapolation_factor(const Window& w, bool counter, double first, double grown, bool from_start) {
  Extrapolation edges = Extrapolation::of(w.times.front(), w.times.back(), w.samples(), w.from, w.to);
  if (from_start) {  // it was zero then: nothing is to be guessed on that side
    edges.to_start = 0;
    edges.sampled = in_seconds(w.times.back() - w.starts[0]);
    return edges.factor();
  }
  return counter ? edges.factor(first, grown) : edges.factor();
}

namespace {

double extrapolated(const Window& w, bool counter, bool per_second) {
  const std::size_t n = w.values.size();
  const bool from_start = counter && starts_inside(w);
  if (n < 2 && !from_start) return absent_value();
  double growth = w.values[n - 1] - w.values[0];
  if (counter && w.starts.empty()) {
    for (std::size_t i = 1; i < n; ++i) {
      if (w.values[i] < w.values[i - 1]) growth += w.values[i - 1];
    }
  } else if (counter) {
    for (std::size_t i = 1; i < n; ++i) {
      if (w.values[i] < w.values[i - 1] || w.told_reset(i)) growth += w.values[i - 1];
    }
  }
  if (from_start) growth += w.values[0];
  double factor = extrapolation_factor(w, counter, w.values[0], growth, from_start);
  if (per_second) factor /= in_seconds(w.to - w.from);
  return growth * factor;
}

double instant_change(const Window& w, bool rate) {
  const std::size_t n = w.values.size();
  if (n < 2) return absent_value();
  const double last = w.values[n - 1];
  const double before = w.values[n - 2];
  const bool reset = rate && (last < before || w.start_reset(n - 1));
  const double change = reset ? last : last - before;
  return rate ? change / (static_cast<double>(w.times[n - 1] - w.times[n - 2]) / 1000) : change;
}

struct Line {
  double slope;
  double intercept;
};

/// Least squares, x in seconds since `origin`.
Line regression(const Window& w, std::int64_t origin) {
  KahanSum x;
  KahanSum y;
  KahanSum xy;
  KahanSum xx;
  bool constant = true;
  for (std::size_t i = 0; i < w.values.size(); ++i) {
    constant = constant && w.values[i] == w.values[0];
    const double t = static_cast<double>(w.times[i] - origin) / 1000;
    x.add(t);
    y.add(w.values[i]);
    xy.add(t * w.values[i]);
    xx.add(t * t);
  }
  if (constant) {
    const double v = w.values[0];
    return std::isinf(v) ? Line{std::nan(""), std::nan("")} : Line{0, v};
  }
  const auto n = static_cast<double>(w.values.size());
  const double slope = (xy.value() - x.value() * y.value() / n) / (xx.value() - x.value() * x.value() / n);
  return {slope, y.value() / n - slope * x.value() / n};
}

double mean_of(const Window& w) {
  const std::span<const double> v = w.values;
  KahanSum sum;
  for (double x : v) sum.add(x);
  if (!std::isinf(sum.sum)) return sum.value() / w.samples();
  // The sum overflowed or an input is infinite: a running mean tells which.
  double mean = 0;
  double n = 0;
  for (double x : v) {
    ++n;
    if (std::isinf(mean) && (std::isinf(x) ? (mean > 0) == (x > 0) : !std::isnan(x))) continue;
    mean += x / n - mean / n;
  }
  return mean;
}

double variance_of(std::span<const double> v) {
  KahanSum mean;
  KahanSum m2;
  double n = 0;
  for (double x : v) {
    ++n;
    const double delta = x - mean.value();
    mean.add(delta / n);
    m2.add(delta * (x - mean.value()));
  }
  return m2.value() / n;
}

template <class Better>
double best_of(std::span<const double> v, Better better) {
  double best = v[0];
  for (double x : v) {
    if (better(x, best) || std::isnan(best)) best = x;
  }
  return best;
}

double count_changes(const Window& w, bool resets) {
  double n = 0;
  for (std::size_t i = 1; i < w.values.size(); ++i) {
    const double a = w.values[i - 1];
    const double b = w.values[i];
    n += resets ? b < a || w.start_reset(i) : (b != a && !(std::isnan(a) && std::isnan(b)));
  }
  return n;
}

double predict(const Window& w) {
  if (w.values.size() < 2) return absent_value();
  const Line line = regression(w, w.step_time);
  return line.slope * w.param + line.intercept;
}

double quantile_over(const Window& w) {
  std::vector<double> copy(w.values.begin(), w.values.end());
  return quantile_of(w.param, copy);
}

double median_deviation(const Window& w) {
  if (std::any_of(w.values.begin(), w.values.end(), [](double x) { return std::isnan(x); }))
    return std::nan("");
  std::vector<double> copy(w.values.begin(), w.values.end());
  const double median = quantile_of(0.5, copy);
  for (double& x : copy) x = std::abs(x - median);
  return quantile_of(0.5, copy);
}

/// Holt's linear method: a level and a trend, each a weighted mean of what was seen and what was foreseen.
double smoothed(const Window& w) {
  if (w.values.size() < 2) return absent_value();
  double level = w.values[0];
  double trend = w.values[1] - w.values[0];
  for (std::size_t i = 1; i < w.values.size(); ++i) {
    const double before = level;
    level = w.param * w.values[i] + (1 - w.param) * (before + trend);
    trend = w.param2 * (level - before) + (1 - w.param2) * trend;
  }
  return level;
}

/// When the extreme was seen last.
template <class Better>
double time_of_best(const Window& w, Better better) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < w.values.size(); ++i) {
    if (better(w.values[i], w.values[best]) || std::isnan(w.values[best])) best = i;
  }
  return in_seconds(w.times[best]);
}

double sum_over(const Window& w) {
  KahanSum sum;
  for (double x : w.values) sum.add(x);
  return sum.value();
}

}  // namespace

WindowFunction find_window_function(std::string_view name) {
  static const std::map<std::string_view, WindowFunction> table = {
      {"rate", [](const Window& w) { return extrapolated(w, true, true); }},
      {"increase", [](const Window& w) { return extrapolated(w, true, false); }},
      {"delta", [](const Window& w) { return extrapolated(w, false, false); }},
      {"irate", [](const Window& w) { return instant_change(w, true); }},
      {"idelta", [](const Window& w) { return instant_change(w, false); }},
      {"deriv",
       [](const Window& w) {
         return w.values.size() < 2 ? absent_value() : regression(w, w.times[0]).slope;
       }},
      {"predict_linear", predict},
      {"quantile_over_time", quantile_over},
      {"double_exponential_smoothing", smoothed},
      {"mad_over_time", median_deviation},
      {"ts_of_first_over_time", [](const Window& w) { return in_seconds(w.times.front()); }},
      {"ts_of_last_over_time", [](const Window& w) { return in_seconds(w.times.back()); }},
      {"ts_of_max_over_time", [](const Window& w) { return time_of_best(w, std::greater_equal<>()); }},
      {"ts_of_min_over_time", [](const Window& w) { return time_of_best(w, std::less_equal<>()); }},
      {"sum_over_time", sum_over},
      {"avg_over_time", [](const Window& w) { return mean_of(w); }},
      {"count_over_time", [](const Window& w) { return w.samples(); }},
      {"max_over_time", [](const Window& w) { return best_of(w.values, std::greater<>()); }},
      {"min_over_time", [](const Window& w) { return best_of(w.values, std::less<>()); }},
      {"first_over_time", [](const Window& w) { return w.values.front(); }},
      {"last_over_time", [](const Window& w) { return w.values.back(); }},
      {"present_over_time", [](const Window&) { return 1.0; }},
      {"stddev_over_time", [](const Window& w) { return std::sqrt(variance_of(w.values)); }},
      {"stdvar_over_time", [](const Window& w) { return variance_of(w.values); }},
      {"changes", [](const Window& w) { return count_changes(w, false); }},
      {"resets", [](const Window& w) { return count_changes(w, true); }}};
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace telltale::promql
