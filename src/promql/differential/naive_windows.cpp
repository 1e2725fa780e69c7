#include "promql/differential/naive_windows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"

namespace telltale::promql::naive {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

bool all_integers(const std::vector<double>& v) {
  return std::all_of(v.begin(), v.end(), [](double x) { return std::trunc(x) == x && std::abs(x) < 1e12; });
}

Computed sum_of(const std::vector<double>& v) {
  long double sum = 0;
  for (const double x : v) sum += x;
  return {static_cast<double>(sum), all_integers(v)};
}

Computed mean_of(const std::vector<double>& v) {
  long double sum = 0;
  for (const double x : v) sum += x;
  return {static_cast<double>(sum / static_cast<long double>(v.size())), false};
}

Computed variance_of(const std::vector<double>& v, bool root) {
  if (!std::all_of(v.begin(), v.end(), [](double x) { return std::isfinite(x); })) return {kNotANumber};
  long double mean = 0;
  for (const double x : v) mean += x;
  mean /= static_cast<long double>(v.size());
  long double squares = 0;
  for (const double x : v) squares += (x - mean) * (x - mean);
  squares /= static_cast<long double>(v.size());
  const double largest = std::abs(
      *std::max_element(v.begin(), v.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
  return {static_cast<double>(root ? std::sqrt(squares) : squares), false, true,
          root ? largest : largest * largest};
}

Computed quantile_of(double phi, std::vector<double> v) {
  if (std::isnan(phi)) return {kNotANumber};
  if (phi < 0) return {-kInfinite};
  if (phi > 1) return {kInfinite};
  std::sort(v.begin(), v.end(), [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double rank = phi * static_cast<double>(v.size() - 1);
  const double below = std::floor(rank);
  const auto low = static_cast<std::size_t>(below);
  const auto high = std::min(low + 1, v.size() - 1);
  const double share = rank - below;
  return {v[low] * (1 - share) + v[high] * share, false};
}

/// NaN counts only when there is nothing else.
double best(const std::vector<double>& v, bool largest) {
  double found = v[0];
  for (const double x : v) {
    if (std::isnan(found) || (largest ? x > found : x < found)) found = x;
  }
  return found;
}

std::vector<double> values_of(const Range& r) {
  std::vector<double> out;
  for (const Point& p : r.points) out.push_back(p.value);
  return out;
}

/// rate, increase, delta. The growth inside the range is carried on to the range's edges, but by no more than
/// half a gap where the first or last sample is further than 1.1 gaps from its edge, and a counter is not
/// carried below zero.
std::optional<Computed> extrapolate(const Range& r, bool counter, bool per_second, const Rules& rules) {
  const auto n = r.points.size();
  if (n < 2) return std::nullopt;
  long double growth = static_cast<long double>(r.points.back().value) - r.points.front().value;
  for (std::size_t i = 1; counter && i < n; ++i) {
    if (r.points[i].value < r.points[i - 1].value) growth += r.points[i - 1].value;
  }
  const double first = r.points.front().value;
  const auto seconds = [](std::int64_t ms) { return static_cast<long double>(ms) / 1000; };
  const long double covered = seconds(r.points.back().time_ms - r.points.front().time_ms);
  const long double gap = covered / static_cast<long double>(n - 1);
  // A float, as everywhere: samples of one gap may lie just at it.
  const long double limit = static_cast<double>(gap) * 1.1;
  long double before = seconds(r.points.front().time_ms - r.from_ms);
  long double after = seconds(r.to_ms - r.points.back().time_ms);
  const long double to_zero = counter && growth > 0 && first >= 0 ? covered * (first / growth) : before;
  if (rules.old_extrapolation) {
    before = std::min(before, to_zero);
    if (before >= limit) before = gap / 2;
  } else {
    if (before >= limit) before = gap / 2;
    if (counter && growth > 0 && first >= 0) before = std::min(before, to_zero);
  }
  if (after >= limit) after = gap / 2;
  long double result = growth * ((covered + before + after) / covered);
  if (per_second) result /= seconds(r.to_ms - r.from_ms);
  return Computed{static_cast<double>(result), false};
}

std::optional<Computed> instant_change(const Range& r, bool per_second) {
  if (r.points.size() < 2) return std::nullopt;
  const Point& last = r.points.back();
  const Point& before = r.points[r.points.size() - 2];
  const double change = per_second && last.value < before.value ? last.value : last.value - before.value;
  if (!per_second) return Computed{change};
  return Computed{change / (static_cast<double>(last.time_ms - before.time_ms) / 1000), false};
}

/// The straight line of least squares, asked for its slope or its value `ahead` seconds after now.
std::optional<Computed> line(const Range& r, bool slope_only) {
  const auto n = static_cast<long double>(r.points.size());
  if (r.points.size() < 2) return std::nullopt;
  if (std::any_of(r.points.begin(), r.points.end(), [](const Point& p) { return !std::isfinite(p.value); }))
    return Computed{kNotANumber};
  double largest = 0;
  for (const Point& p : r.points) largest = std::max(largest, std::abs(p.value));
  long double mean_t = 0;
  long double mean_v = 0;
  for (const Point& p : r.points) {
    mean_t += static_cast<long double>(p.time_ms - r.now_ms) / 1000 / n;
    mean_v += p.value / n;
  }
  long double both = 0;
  long double squares = 0;
  for (const Point& p : r.points) {
    const long double t = static_cast<long double>(p.time_ms - r.now_ms) / 1000 - mean_t;
    both += t * (p.value - mean_v);
    squares += t * t;
  }
  const long double slope = both / squares;
  const long double at = mean_v + slope * (r.param - mean_t);
  return Computed{static_cast<double>(slope_only ? slope : at), false, true, largest};
}

double count_pairs(const Range& r, bool resets) {
  double count = 0;
  for (std::size_t i = 1; i < r.points.size(); ++i) {
    const double a = r.points[i - 1].value;
    const double b = r.points[i].value;
    if (resets ? b < a : (a != b && !(std::isnan(a) && std::isnan(b)))) ++count;
  }
  return count;
}

}  // namespace

std::optional<Computed> over_time(std::string_view f, const Range& r, const Rules& rules) {
  if (f == "rate") return extrapolate(r, true, true, rules);
  if (f == "increase") return extrapolate(r, true, false, rules);
  if (f == "delta") return extrapolate(r, false, false, rules);
  if (f == "irate") return instant_change(r, true);
  if (f == "idelta") return instant_change(r, false);
  if (f == "deriv") return line(r, true);
  if (f == "predict_linear") return line(r, false);
  if (f == "changes") return Computed{count_pairs(r, false)};
  if (f == "resets") return Computed{count_pairs(r, true)};
  if (f == "first_over_time") return Computed{r.points.front().value};
  if (f == "last_over_time") return Computed{r.points.back().value};
  if (f == "present_over_time") return Computed{1};
  if (f == "count_over_time") return Computed{static_cast<double>(r.points.size())};
  if (f == "quantile_over_time") return quantile_of(r.param, values_of(r));
  if (f == "sum_over_time") return sum_of(values_of(r));
  if (f == "avg_over_time") return mean_of(values_of(r));
  if (f == "min_over_time") return Computed{best(values_of(r), false)};
  if (f == "max_over_time") return Computed{best(values_of(r), true)};
  if (f == "stddev_over_time") return variance_of(values_of(r), true);
  TT_CHECK(f == "stdvar_over_time");
  return variance_of(values_of(r), false);
}

Computed aggregate(std::string_view op, std::vector<double> v, double param, const Rules& rules) {
  if (op == "sum") return sum_of(v);
  if (op == "avg") return mean_of(v);
  if (op == "min") return {best(v, false)};
  if (op == "max") return {best(v, true)};
  if (op == "count") return {static_cast<double>(v.size())};
  if (op == "group") return {1};
  if (op == "quantile") return quantile_of(param, std::move(v));
  TT_CHECK(op == "stddev" || op == "stdvar");
  if (rules.old_variance && v.size() == 1) return {0};
  return variance_of(v, op == "stddev");
}

double quantile_of_buckets(double phi, std::vector<UpTo> b) {
  if (std::isnan(phi)) return kNotANumber;
  if (phi < 0) return -kInfinite;
  if (phi > 1) return kInfinite;
  std::sort(b.begin(), b.end(), [](const UpTo& x, const UpTo& y) { return x.upper < y.upper; });
  if (b.empty() || b.back().upper != kInfinite) return kNotANumber;
  for (std::size_t i = 1; i < b.size();) {
    if (b[i].upper == b[i - 1].upper) {
      b[i - 1].count += b[i].count;
      b.erase(b.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  for (std::size_t i = 1; i < b.size(); ++i) {
    // Counts never fall from bucket to bucket, and differences in the last digits are rounding.
    if (b[i].count < b[i - 1].count || std::abs(b[i].count - b[i - 1].count) <= 1e-12 * std::abs(b[i].count))
      b[i].count = b[i - 1].count;
  }
  if (b.size() < 2 || b.back().count == 0 || std::isnan(b.back().count)) return kNotANumber;
  const double rank = phi * b.back().count;
  std::size_t at = 0;
  while (at + 1 < b.size() && b[at].count < rank) ++at;
  if (at + 1 == b.size()) return b[at - 1].upper;
  if (at == 0 && b[0].upper <= 0) return b[0].upper;
  const double lower = at == 0 ? 0 : b[at - 1].upper;
  const double below = at == 0 ? 0 : b[at - 1].count;
  return lower + (b[at].upper - lower) * ((rank - below) / (b[at].count - below));
}

}  // namespace telltale::promql::naive
