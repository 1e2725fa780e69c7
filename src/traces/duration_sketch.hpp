// Quantiles of durations in little memory: counts in buckets whose bounds grow by 2%, so that the middle of a
// bucket is at most 1% away from whatever is in it (the relative-error sketch of Masson, Rim and Lee,
// "DDSketch", 2019, without its collapsing: 63 bits of nanoseconds are fewer than 2,300 buckets). Sketches
// add up.
#pragma once

#include <cstdint>
#include <map>

#include "base/time.hpp"

namespace telltale::traces {

class DurationSketch {
 public:
  static constexpr double kRelativeError = 0.01;

  void add(Nanos duration);
  void add(const DurationSketch& other);
  std::uint64_t count() const { return count_; }
  /// The smallest duration that at least the share `q` of all do not exceed, within kRelativeError. 0 ≤ q ≤
  /// 1; zero when the sketch is empty.
  Nanos quantile(double q) const;

 private:
  std::uint64_t zeros_ = 0;
  std::uint64_t count_ = 0;
  std::map<std::int16_t, std::uint64_t> buckets_;  // i: (growth^(i-1), growth^i] nanoseconds
};

}  // namespace telltale::traces
