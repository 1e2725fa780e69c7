// Arithmetic on native histograms, as PromQL defines it (Prometheus' model/histogram/float_histogram.go is
// the source of the rules). Histograms of different layout are brought to one first: the coarser schema, the
// wider zero bucket, and for custom buckets the bounds that both have. Custom and exponential buckets never
// meet. All histograms are well_formed().
#pragma once

#include <vector>

#include "model/histogram.hpp"
#include "model/histogram_layout.hpp"

namespace telltale {

/// What two histograms that met had apart.
struct HistogramMeeting {
  bool compatible = true;          // false: custom met exponential, and nothing was done
  bool hints_collide = false;      // one says reset, the other no reset: unknown from here on
  bool bounds_reconciled = false;  // custom bounds differed
};

/// A sum of histograms that keeps each count's rounding error apart.
class HistogramSum {
 public:
  explicit HistogramSum(const Histogram& first);
  HistogramMeeting add(const Histogram& h) { return combine(h, 1); }
  HistogramMeeting subtract(const Histogram& h) { return combine(h, -1); }
  /// Multiplies everything.
  void scale(double factor);
  /// Without empty buckets.
  Histogram value() const;
  /// Whether something has left the range of doubles.
  bool overflown() const;

 private:
  HistogramMeeting combine(const Histogram& h, double factor);
  bool same_layout(const Histogram& h) const;

  ResetHint hint_;
  CompensatedCount count_;
  CompensatedCount sum_;
  BucketSides sides_;
  std::vector<double> bounds_;
};

/// a += b and a -= b. `a` loses its empty buckets and that it was counted in integers.
HistogramMeeting add(Histogram& a, const Histogram& b);
HistogramMeeting subtract(Histogram& a, const Histogram& b);

/// Times `factor`; one below zero makes it a gauge.
void scale(Histogram& h, double factor);
/// By `divisor`, likewise. By zero, the buckets go.
void divide(Histogram& h, double divisor);

/// Takes empty buckets out of the layout.
void compact(Histogram& h);

/// To a lower resolution, exactly; nothing for custom buckets. schema >= kMinSchema.
void reduce_resolution(Histogram& h, std::int32_t schema);
/// Lowers the resolution until there are at most `buckets`; false when even the coarsest has more.
bool limit_buckets(Histogram& h, std::size_t buckets);

/// Whether the source began anew between the two: by the hint of `now`, else because something counted is
/// less than it was, or a finer layout came. Gauges are compared like counters.
bool detect_reset(const Histogram& now, const Histogram& before);

/// The same data: equal bits, and layouts that name the same buckets. Hints do not count.
bool same_data(const Histogram& a, const Histogram& b);

}  // namespace telltale
