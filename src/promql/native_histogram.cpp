#include "promql/native_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/histogram_math.hpp"
#include "promql/engine.hpp"

namespace telltale::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// A zero bucket beside buckets of one sign only holds that sign, too.
void bias_zero(const Histogram& h, HistogramBucket& b) {
  if (h.is_custom() || b.lower >= 0 || b.upper <= 0) return;
  if (h.negative.empty() && !h.positive.empty()) b.lower = 0;
  if (h.positive.empty() && !h.negative.empty()) b.upper = 0;
}

bool is_zero_bucket(const HistogramBucket& b) { return b.lower <= 0 && b.upper >= 0; }

/// The share of an exponential bucket that lies below `v`, which is inside of it.
double share_below(const HistogramBucket& b, double v, bool linear) {
  if (linear) return (v - b.lower) / (b.upper - b.lower);
  const double lower = std::log2(std::abs(b.lower));
  const double upper = std::log2(std::abs(b.upper));
  const double at = std::log2(std::abs(v));
  return b.upper > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
}

double in_buckets(const std::vector<HistogramBucket>& buckets) {
  double out = 0;
  for (const HistogramBucket& b : buckets) out += b.count;
  return out;
}

double value_inside(const Histogram& h, const HistogramBucket& b, double share) {
  if (h.is_custom() || is_zero_bucket(b)) return b.lower + (b.upper - b.lower) * share;
  const double lower = std::log2(std::abs(b.lower));
  const double upper = std::log2(std::abs(b.upper));
  if (b.lower > 0) return std::exp2(lower + (upper - lower) * share);
  return -std::exp2(upper + (lower - upper) * (1 - share));
}

}  // namespace

std::vector<HistogramBucket> buckets_in_order(const Histogram& h) {
  std::vector<HistogramBucket> out = h.all_buckets();
  if (h.is_custom()) return out;
  for (HistogramBucket& b : out) {
    if (b.upper < 0 && b.upper > -h.zero_threshold) b.upper = -h.zero_threshold;
    if (b.lower > 0 && b.lower < h.zero_threshold) b.lower = h.zero_threshold;
  }
  return out;
}

double native_quantile(double phi, const Histogram& h, NanEffect& nans) {
  nans = NanEffect::none;
  if (phi < 0) return -kInf;
  if (phi > 1) return kInf;
  if (h.count == 0 || std::isnan(phi)) return std::nan("");
  std::vector<HistogramBucket> buckets = buckets_in_order(h);
  const double observed = in_buckets(buckets);
  // With observations of NaN, which are above all, ranks can only be counted from below.
  const bool forward = std::isnan(h.sum) || phi < 0.5;
  double rank = (forward ? phi : 1 - phi) * h.count;
  if (!forward) std::reverse(buckets.begin(), buckets.end());
  HistogramBucket b;
  double count = 0;
  for (const HistogramBucket& next : buckets) {
    if (next.count == 0) continue;
    b = next;
    count += b.count;
    if (count >= rank) break;
  }
  bias_zero(h, b);
  const bool nan_seen = std::isnan(h.sum) && observed < h.count;
  if (nan_seen) nans = count < rank ? NanEffect::nan : NanEffect::skewed;
  if (nan_seen && count < rank) return std::nan("");
  if (h.is_custom()) {
    if (std::isinf(b.lower) && b.lower < 0) {
      if (b.upper <= 0) return b.upper;
      b.lower = 0;
    } else if (std::isinf(b.upper)) {
      return b.lower;
    }
  }
  count = std::min(count, h.count);
  if (count < rank) return b.upper;
  rank = forward ? rank - (count - b.count) : count - rank;
  return value_inside(h, b, rank / b.count);
}

double native_fraction(double lower, double upper, const Histogram& h, bool& nans) {
  nans = false;
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return std::nan("");
  const std::vector<HistogramBucket> buckets = buckets_in_order(h);
  double all = h.count;
  if (std::isnan(h.sum)) {
    all = in_buckets(buckets);
    nans = all < h.count;
  }
  if (lower >= upper) return 0;
  const auto rank_of = [&](double v) {
    double rank = 0;
    for (HistogramBucket b : buckets) {
      const bool linear = h.is_custom() || is_zero_bucket(b);
      bias_zero(h, b);
      if (h.is_custom() && std::isinf(b.lower) && b.lower < 0 && b.upper > 0) b.lower = 0;
      if (b.lower >= v) return rank;
      if (b.upper > v) {
        if (std::isinf(b.lower)) return rank + b.count;
        return std::isinf(b.upper) ? rank : rank + b.count * share_below(b, v, linear);
      }
      rank += b.count;
    }
    return all;
  };
  const double low = std::isinf(lower) && lower < 0 ? 0 : std::min(rank_of(lower), all);
  const double high = std::min(rank_of(upper), all);
  return (high - low) / h.count;
}

double native_variance(const Histogram& h) {
  const double mean = h.sum / h.count;
  CompensatedCount out;
  for (const HistogramBucket& b : buckets_in_order(h)) {
    if (b.count == 0) continue;
    double middle = 0;
    if (h.is_custom()) {
      middle = (b.upper + b.lower) / 2;
    } else if (!is_zero_bucket(b)) {
      middle = std::copysign(std::sqrt(b.upper * b.lower), b.upper);
    }
    out.add(b.count * (middle - mean) * (middle - mean));
  }
  return out.value() / h.count;
}

namespace {

/// Keeps account of what stays while the buckets are trimmed one by one.
class Trimmer {
 public:
  Trimmer(Histogram& h, double at, bool upper) : h_(h), at_(at), upper_(upper) {}

  void run() {
    side(h_.positive_buckets(), h_.positive, has_positive_);
    side(h_.negative_buckets(), h_.negative, has_negative_);
    if (h_.zero_count > 0) zero();
    if (!trimmed_) return;
    h_.sum = sum_;
    h_.count = count_;
    h_.integer = false;
    compact(h_);
  }

 private:
  void side(const std::vector<HistogramBucket>& buckets, std::vector<double>& counts, bool& has) {
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      const HistogramBucket& b = buckets[i];
      if (b.count == 0) continue;
      has = true;
      double keep = 0;
      double middle = 0;
      if (upper_ ? b.upper <= at_ : b.lower >= at_) {
        keep = b.count;
        middle = middle_of(b.lower, b.upper);
      } else if (upper_ ? b.lower < at_ : b.upper > at_) {
        divide(b, keep, middle);
      }
      counts[i] = keep;
      account(b.count, keep, middle);
    }
  }

  void account(double before, double keep, double middle) {
    trimmed_ = trimmed_ || keep != before;
    count_ += keep;
    if (keep != 0) sum_ += keep * middle;
  }

  /// Of a bucket that `at_` lies in: what is kept, and where its middle is.
  void divide(const HistogramBucket& b, double& keep, double& middle) const {
    if (std::isinf(b.lower)) {
      // With a bound above zero it is taken to begin at zero. Nothing is known of it otherwise.
      if (std::isinf(b.upper) || b.upper <= 0) {
        keep = upper_ && b.upper <= 0 ? b.count : 0;
        middle = at_;
      } else if (upper_ && at_ > 0) {
        keep = b.count * at_ / b.upper;
        middle = at_ / 2;
      } else if (!upper_ && at_ >= 0) {
        keep = b.count * (1 - at_ / b.upper);
        middle = (at_ + b.upper) / 2;
      }
      return;
    }
    if (std::isinf(b.upper)) {
      keep = upper_ || std::isinf(at_) ? 0 : b.count;
      middle = at_;
      return;
    }
    const double share = share_below(b, at_, h_.is_custom());
    keep = b.count * (upper_ ? share : 1 - share);
    middle = upper_ ? middle_of(b.lower, at_) : middle_of(at_, b.upper);
  }

  double middle_of(double lower, double upper) const {
    if (std::isinf(lower)) {
      if (std::isinf(upper)) return 0;
      return upper > 0 ? upper / 2 : upper;
    }
    if (std::isinf(upper)) return lower;
    if (h_.is_custom()) return (lower + upper) / 2;
    return std::copysign(std::sqrt(std::abs(lower * upper)), upper);
  }

  void zero() {
    HistogramBucket b = h_.zero_bucket();
    if (has_negative_ && !has_positive_) b.upper = 0;
    if (has_positive_ && !has_negative_) b.lower = 0;
    double low = b.lower;
    double high = b.upper;
    (upper_ ? high : low) = std::clamp(at_, b.lower, b.upper);
    double keep = b.count;
    if (low != b.lower || high != b.upper) keep *= (high - low) / (b.upper - b.lower);
    account(b.count, keep, (low + high) / 2);
    h_.zero_count = keep;
  }

  Histogram& h_;
  const double at_;
  const bool upper_;
  double count_ = 0;
  double sum_ = 0;
  bool trimmed_ = false;
  bool has_positive_ = false;
  bool has_negative_ = false;
};

}  // namespace

void trim(Histogram& h, double at, bool upper) { Trimmer(h, at, upper).run(); }

std::string to_text(const Histogram& h) {
  std::string out = "{count:" + format_value(h.count) + ", sum:" + format_value(h.sum);
  for (const HistogramBucket& b : h.all_buckets()) {
    if (b.count == 0) continue;
    out += std::string(", ") + (b.lower_inclusive ? "[" : "(") + format_value(b.lower) + "," +
           format_value(b.upper) + (b.upper_inclusive ? "]" : ")") + ":" + format_value(b.count);
  }
  return out + "}";
}

}  // namespace telltale::promql
