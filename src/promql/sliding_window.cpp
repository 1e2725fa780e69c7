#include "promql/sliding_window.hpp"

#include <cmath>

namespace telltale::promql {
namespace {

// A window of fewer samples is added up as quickly.
constexpr std::size_t kWorthSumming = 24;
// Sums of all samples have some 30 digits; a window's sum that is this much smaller has too few of them left.
constexpr double kLeastShare = 1e-12;
constexpr double kLargestSum = 1e290;

/// a + b = sum + error, exactly (Knuth's two-sum).
void two_sum(double a, double b, double& sum, double& error) {
  sum = a + b;
  const double of_b = sum - a;
  error = (a - (sum - of_b)) + (b - of_b);
}

}  // namespace

SlidingWindow::Kind SlidingWindow::kind_of(std::string_view function) {
  if (function == "sum_over_time") return Kind::sum;
  if (function == "avg_over_time") return Kind::mean;
  if (function == "max_over_time") return Kind::max;
  if (function == "min_over_time") return Kind::min;
  if (function == "changes") return Kind::changes;
  if (function == "resets") return Kind::resets;
  return Kind::other;
}

SlidingWindow::SlidingWindow(std::string_view function, WindowFunction fn, const Columns& series,
                             bool overlapping)
    : kind_(overlapping && series.starts.empty() ? kind_of(function) : Kind::other),
      fn_(fn),
      series_(series) {}

void SlidingWindow::count_steps() {
  const auto& v = series_.values;
  steps_.resize(v.size());
  std::uint32_t n = 0;
  for (std::size_t i = 1; i < v.size(); ++i) {
    const double a = v[i - 1];
    const double b = v[i];
    n += kind_ == Kind::changes ? (b != a && !(std::isnan(a) && std::isnan(b))) : b < a;
    steps_[i] = n;
  }
}

void SlidingWindow::sum_up() {
  const auto& v = series_.values;
  high_.resize(v.size() + 1);
  low_.resize(v.size() + 1);
  broken_.resize(v.size() + 1);
  double high = 0;
  double low = 0;
  std::uint32_t broken = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (std::isfinite(v[i])) {
      double sum;
      double error;
      two_sum(high, v[i], sum, error);
      error += low;
      high = sum + error;
      low = error - (high - sum);
      largest_ = std::max(largest_, std::fabs(high));
    } else {
      ++broken;
    }
    high_[i + 1] = high;
    low_[i + 1] = low;
    broken_[i + 1] = broken;
  }
}

bool SlidingWindow::sum_between(std::size_t begin, std::size_t end, double& out) const {
  if (broken_[end] != broken_[begin] || !(largest_ < kLargestSum)) return false;
  double sum;
  double error;
  two_sum(high_[end], -high_[begin], sum, error);
  out = sum + (error + (low_[end] - low_[begin]));
  return std::fabs(out) >= largest_ * kLeastShare;
}

double SlidingWindow::extreme(std::size_t begin, std::size_t end) {
  const auto& v = series_.values;
  // Of equals the first stays, as a scan would have it.
  for (seen_ = std::max(seen_, begin); seen_ < end; ++seen_) {
    const double x = v[seen_];
    if (std::isnan(x)) continue;
    while (!candidates_.empty() &&
           (kind_ == Kind::max ? x > v[candidates_.back()] : x < v[candidates_.back()]))
      candidates_.pop_back();
    candidates_.push_back(seen_);
  }
  while (!candidates_.empty() && candidates_.front() < begin) candidates_.pop_front();
  return candidates_.empty() ? std::nan("") : v[candidates_.front()];
}

double SlidingWindow::value(const Window& w, std::size_t begin, std::size_t end) {
  switch (kind_) {
    case Kind::other:
      return fn_(w);
    case Kind::max:
    case Kind::min:
      return extreme(begin, end);
    case Kind::changes:
    case Kind::resets:
      if (!ready_) count_steps();
      ready_ = true;
      return steps_[end - 1] - steps_[begin];
    case Kind::sum:
    case Kind::mean: {
      if (end - begin < kWorthSumming) return fn_(w);
      if (!ready_) sum_up();
      ready_ = true;
      double sum;
      if (!sum_between(begin, end, sum)) return fn_(w);
      return kind_ == Kind::sum ? sum : sum / w.samples();
    }
  }
  return fn_(w);
}

}  // namespace telltale::promql
