#include "traces/duration_sketch.hpp"

#include <algorithm>
#include <cmath>

namespace telltale::traces {
namespace {
constexpr double kGrowth = (1 + DurationSketch::kRelativeError) / (1 - DurationSketch::kRelativeError);
}  // namespace

void DurationSketch::add(Nanos duration) {
  ++count_;
  if (duration.count() <= 0) {
    ++zeros_;
    return;
  }
  static const double kInverseLog = 1 / std::log(kGrowth);
  const double index = std::ceil(std::log(static_cast<double>(duration.count())) * kInverseLog);
  ++buckets_[static_cast<std::int16_t>(index)];
}

void DurationSketch::add(const DurationSketch& other) {
  count_ += other.count_;
  zeros_ += other.zeros_;
  for (const auto& [index, n] : other.buckets_) buckets_[index] += n;
}

Nanos DurationSketch::quantile(double q) const {
  if (count_ == 0) return Nanos(0);
  const double wanted = std::max(1.0, std::ceil(q * static_cast<double>(count_)));
  double so_far = static_cast<double>(zeros_);
  if (so_far >= wanted) return Nanos(0);
  for (const auto& [index, n] : buckets_) {
    so_far += static_cast<double>(n);
    if (so_far >= wanted) {
      const double middle = 2 * std::pow(kGrowth, index) / (kGrowth + 1);
      return Nanos(static_cast<std::int64_t>(std::min(middle, 9.2e18)));
    }
  }
  return Nanos(0);
}

}  // namespace telltale::traces
