// Quantiles and fractions of classic histograms: linear interpolation inside a bucket. Source: Prometheus
// promql/quantile.go.
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/eval.hpp"

namespace telltale::promql {
namespace {

/// Sorts, adds up equal bounds and makes the counts monotonic; false if the +Inf bucket is missing or all is
/// empty.
bool repair_buckets(std::vector<Bucket>& b, bool& forced) {
  std::sort(b.begin(), b.end(), [](const Bucket& x, const Bucket& y) { return x.upper < y.upper; });
  if (b.empty() || !(std::isinf(b.back().upper) && b.back().upper > 0)) return false;
  std::vector<Bucket> merged;
  for (const Bucket& x : b) {
    if (!merged.empty() && merged.back().upper == x.upper) {
      merged.back().count += x.count;
    } else {
      merged.push_back(x);
    }
  }
  for (std::size_t i = 1; i < merged.size(); ++i) {
    const double before = merged[i - 1].count;
    double& count = merged[i].count;
    const double scale = std::abs(before) + std::abs(count);
    if (count == before || std::abs(count - before) / scale < 1e-12) {
      count = before;  // rounding, not a real difference
    } else if (count < before) {
      count = before;
      forced = true;
    }
  }
  b = std::move(merged);
  return b.size() >= 2;
}

}  // namespace

double histogram_quantile_of(double phi, std::vector<Bucket>& b, bool& forced) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(phi)) return kNan;
  if (phi < 0) return -kInf;
  if (phi > 1) return kInf;
  if (!repair_buckets(b, forced)) return kNan;
  const double total = b.back().count;
  if (total == 0 || std::isnan(total)) return kNan;
  double rank = phi * total;
  std::size_t i = 0;
  while (i + 1 < b.size() && b[i].count < rank) ++i;
  if (i == b.size() - 1) return b[b.size() - 2].upper;
  if (i == 0 && b[0].upper <= 0) return b[0].upper;
  double from = 0;
  double inside = b[i].count;
  if (i > 0) {
    from = b[i - 1].upper;
    inside -= b[i - 1].count;
    rank -= b[i - 1].count;
  }
  return from + (b[i].upper - from) * (rank / inside);
}

double histogram_fraction_of(double lower, double upper, std::vector<Bucket>& b) {
  bool forced = false;
  if (!repair_buckets(b, forced)) return std::nan("");
  const double total = b.back().count;
  if (total == 0 || std::isnan(total) || std::isnan(lower) || std::isnan(upper)) return std::nan("");
  if (lower >= upper) return 0;
  // Observations at or below x, linear inside a bucket.
  const auto rank_of = [&](double x) {
    double from = b[0].upper > 0 ? 0 : -std::numeric_limits<double>::infinity();
    double below = 0;
    for (const Bucket& bucket : b) {
      if (x <= from) return below;
      if (x < bucket.upper) {
        if (std::isinf(from) || std::isinf(bucket.upper)) return std::isinf(from) ? bucket.count : below;
        return below + (bucket.count - below) * (x - from) / (bucket.upper - from);
      }
      from = bucket.upper;
      below = bucket.count;
    }
    return below;
  };
  return (rank_of(upper) - rank_of(lower)) / total;
}

}  // namespace telltale::promql
