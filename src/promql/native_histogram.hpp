// What PromQL reads out of one native histogram. Inside an exponential bucket observations are taken to be
// spread evenly over the logarithm of their value, inside the zero bucket and custom buckets over the value
// itself (Prometheus promql/quantile.go and engine.go are the source of the rules).
#pragma once

#include <string>
#include <vector>

#include "model/histogram.hpp"

namespace telltale::promql {

/// Observations of NaN count, but lie in no bucket; what they do to an answer is told with it.
enum class NanEffect : unsigned char { none, skewed, nan };

/// All that there are from -Inf to +Inf, those next to the zero bucket cut where it reaches into them.
std::vector<HistogramBucket> buckets_in_order(const Histogram& h);

/// The value below which a share `phi` of the observations lies: -Inf and +Inf for phi outside of [0, 1], NaN
/// when nothing was observed.
double native_quantile(double phi, const Histogram& h, NanEffect& nans);
/// The share of observations between `lower` and `upper`. `nans` tells that some of them were NaN.
double native_fraction(double lower, double upper, const Histogram& h, bool& nans);
/// Of the observations, each at the middle of its bucket.
double native_variance(const Histogram& h);

/// Keeps the observations below (upper) or above `at`. A bucket that `at` divides keeps its share; one that
/// reaches to infinity cannot be divided and goes. The sum is estimated from what went.
void trim(Histogram& h, double at, bool upper);

/// `{count:4, sum:5, [-1,1]:2, (1,2]:2}`, as Prometheus writes histograms in labels and messages.
std::string to_text(const Histogram& h);

}  // namespace telltale::promql
