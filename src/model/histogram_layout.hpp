// The buckets of one side of a histogram as a list of indices and counts, which is easier to merge and to
// coarsen than spans are. For histogram_sum.cpp and histogram_math.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "model/histogram.hpp"

namespace telltale {

/// A sum that keeps its rounding error apart (Neumaier).
struct CompensatedCount {
  double sum = 0;
  double error = 0;

  void add(double v);
  void add(const CompensatedCount& other) {
    add(other.sum);
    error += other.error;
  }
  void scale(double factor) {
    sum *= factor;
    error *= factor;
  }
  double value() const;
};

struct BucketEntry {
  std::int32_t index = 0;
  CompensatedCount count;
};
/// By rising index, each once.
using BucketList = std::vector<BucketEntry>;

BucketList list_of(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
                   double factor = 1);
/// Leaves out what is empty.
void store_buckets(const BucketList& list, std::vector<BucketSpan>& spans, std::vector<double>& counts);
/// Adds `from` to `into`.
void merge_buckets(BucketList& into, const BucketList& from);
/// To a schema that is lower by `steps`.
void coarsen(BucketList& list, std::int32_t steps);
/// From custom bounds to others, each of which is among them.
void rebound(BucketList& list, const std::vector<double>& from, const std::vector<double>& to);
std::vector<double> common_bounds(const std::vector<double>& a, const std::vector<double>& b);
bool same_indices(const BucketList& list, const std::vector<BucketSpan>& spans);

/// Both sides and the zero bucket between them.
struct BucketSides {
  std::int32_t schema = 0;
  double zero_threshold = 0;
  CompensatedCount zero_count;
  BucketList positive;
  BucketList negative;

  explicit BucketSides(const Histogram& h, double factor = 1);
  /// Widens the zero bucket to `threshold`, or as much further as it takes not to cut a bucket that counts
  /// something.
  void widen_zero(double threshold);
  void lower_schema(std::int32_t to);
};

}  // namespace telltale
