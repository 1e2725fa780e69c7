// Collects classic histograms (series _bucket, _count, _sum) and gives them as native ones with custom
// buckets: `load_with_nhcb`.
#pragma once

#include <map>
#include <vector>

#include "model/sample.hpp"

namespace telltale::promql {

class ClassicBuckets {
 public:
  /// Anything that belongs to no classic histogram is left out.
  void add(const Labels& labels, std::int64_t time_ms, double value);
  /// One sample for each time at which a histogram has its buckets.
  std::vector<std::pair<Labels, Sample>> native() const;

 private:
  struct AtTime {
    std::map<double, double> buckets;  // cumulative, by upper bound
    double sum = 0;
    double count = 0;
    bool counted = false;
  };
  std::map<Labels, std::map<std::int64_t, AtTime>> found_;
};

}  // namespace telltale::promql
