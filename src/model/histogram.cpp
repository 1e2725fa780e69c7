#include "model/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/histogram_limits.hpp"

namespace telltale {
namespace {

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorKind::invalid_argument, "histogram: " + std::move(message));
}

bool spans_fit(const std::vector<BucketSpan>& spans, std::size_t buckets) {
  std::int64_t index = 0;
  std::uint64_t named = 0;
  for (const BucketSpan& s : spans) {
    index += s.offset;
    if (index < INT32_MIN || index > INT32_MAX) return false;
    named += s.length;
    index += s.length;
    if (index > INT32_MAX || named > buckets) return false;
  }
  return named == buckets;
}

Result<> check_side(const char* side, const std::vector<BucketSpan>& spans,
                    const std::vector<double>& counts) {
  if (!spans_fit(spans, counts.size())) {
    return bad(std::string(side) + " spans do not name its " + std::to_string(counts.size()) + " buckets");
  }
  for (std::size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].offset < 0)
      return bad(std::string(side) + " span " + std::to_string(i + 1) + " has a negative offset");
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!(counts[i] >= 0))
      return bad(std::string(side) + " bucket " + std::to_string(i + 1) + " has a count below zero");
  }
  return {};
}

Result<> check_custom(const Histogram& h) {
  if (h.zero_count != 0 || h.zero_threshold != 0) return bad("custom buckets have no zero bucket");
  if (!h.negative.empty() || !h.negative_spans.empty()) return bad("custom buckets have no negative side");
  if (h.custom_values.size() > limits::kMaxCustomBounds) {
    return bad("has more than " + std::to_string(limits::kMaxCustomBounds) + " custom bounds");
  }
  double before = -std::numeric_limits<double>::infinity();
  for (const double bound : h.custom_values) {
    if (!(bound > before) || std::isinf(bound)) return bad("custom bounds must be finite and rise");
    before = bound;
  }
  std::int64_t end = 0;
  for (const BucketSpan& s : h.positive_spans) {
    end += s.offset;
    if (end < 0) return bad("custom buckets begin at index 0");
    end += s.length;
  }
  if (end > static_cast<std::int64_t>(h.custom_values.size()) + 1) {
    return bad("has " + std::to_string(h.custom_values.size()) + " custom bounds, too few for " +
               std::to_string(end) + " buckets");
  }
  return {};
}

/// The bounds of bucket `index` on the positive side.
void set_bounds(const Histogram& h, std::int32_t index, HistogramBucket& out) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  out.index = index;
  out.lower_inclusive = false;
  out.upper_inclusive = true;
  if (!h.is_custom()) {
    out.lower = exponential_bound(index - 1, h.schema);
    out.upper = exponential_bound(index, h.schema);
    return;
  }
  const auto bound = [&](std::int32_t i) {
    if (i < 0) return -kInf;
    const auto at = static_cast<std::size_t>(i);
    return at < h.custom_values.size() ? h.custom_values[at] : kInf;
  };
  out.lower = bound(index - 1);
  out.upper = bound(index);
  out.lower_inclusive = index == 0;
}

std::vector<HistogramBucket> buckets_of(const Histogram& h, const std::vector<BucketSpan>& spans,
                                        const std::vector<double>& counts) {
  std::vector<HistogramBucket> out;
  out.reserve(counts.size());
  std::int32_t index = 0;
  for (const BucketSpan& s : spans) {
    index += s.offset;
    for (std::uint32_t i = 0; i < s.length; ++i, ++index) {
      HistogramBucket& b = out.emplace_back();
      set_bounds(h, index, b);
      b.count = counts[out.size() - 1];
    }
  }
  return out;
}

bool same(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }
bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return same(x, y); });
}

}  // namespace

double exponential_bound(std::int32_t index, std::int32_t schema) {
  if (schema <= 0) {
    const std::int64_t exponent = static_cast<std::int64_t>(index) << -schema;
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::clamp<std::int64_t>(exponent, -2000, 2000)));
  }
  const std::int32_t parts = std::int32_t{1} << schema;
  const std::int32_t part = index & (parts - 1);
  const std::int32_t whole = index >> schema;
  if (part == 0 && whole == 1024) return std::numeric_limits<double>::max();
  return std::ldexp(std::exp2(static_cast<double>(part) / parts), whole);
}

bool Histogram::well_formed() const {
  const bool schema_known = is_custom() || (schema >= kMinSchema && schema <= kMaxSchema);
  return schema_known && spans_fit(positive_spans, positive.size()) &&
         spans_fit(negative_spans, negative.size());
}

Result<> Histogram::validate() const {
  if (!is_custom() && (schema < kMinSchema || schema > kMaxSchema)) {
    return bad("schema " + std::to_string(schema) + " is not one of -4 to 8 or -53");
  }
  if (positive.size() + negative.size() > limits::kMaxNativeBuckets) {
    return bad("has more than " + std::to_string(limits::kMaxNativeBuckets) + " buckets");
  }
  if (positive_spans.size() + negative_spans.size() > limits::kMaxNativeSpans) {
    return bad("has more than " + std::to_string(limits::kMaxNativeSpans) + " spans");
  }
  TT_TRY(check_side("positive", positive_spans, positive));
  TT_TRY(check_side("negative", negative_spans, negative));
  if (!(zero_threshold >= 0)) return bad("zero_threshold is below zero");
  if (!(zero_count >= 0)) return bad("zero_count is below zero");
  if (!(count >= 0)) return bad("count is below zero");
  if (is_custom()) {
    TT_TRY(check_custom(*this));
  } else if (!custom_values.empty()) {
    return bad("custom bounds belong to schema -53 only");
  }
  if (!integer) return {};
  double in_buckets = zero_count;
  for (const double c : positive) in_buckets += c;
  for (const double c : negative) in_buckets += c;
  // Observations of NaN count, but lie in no bucket.
  const bool fits = std::isnan(sum) ? in_buckets <= count : in_buckets == count;
  if (!fits && count < 0x1p53) return bad("count is not the sum of its buckets");
  return {};
}

std::vector<HistogramBucket> Histogram::positive_buckets() const {
  return buckets_of(*this, positive_spans, positive);
}

std::vector<HistogramBucket> Histogram::negative_buckets() const {
  std::vector<HistogramBucket> out = buckets_of(*this, negative_spans, negative);
  for (HistogramBucket& b : out) {
    std::swap(b.lower, b.upper);
    b.lower = -b.lower;
    b.upper = -b.upper;
    std::swap(b.lower_inclusive, b.upper_inclusive);
  }
  return out;
}

HistogramBucket Histogram::zero_bucket() const {
  return {-zero_threshold, zero_threshold, true, true, zero_count, 0};
}

std::vector<HistogramBucket> Histogram::all_buckets() const {
  std::vector<HistogramBucket> out = negative_buckets();
  std::reverse(out.begin(), out.end());
  if (zero_count > 0) out.push_back(zero_bucket());
  const std::vector<HistogramBucket> above = positive_buckets();
  out.insert(out.end(), above.begin(), above.end());
  return out;
}

std::size_t Histogram::bytes() const {
  return sizeof *this + (positive_spans.size() + negative_spans.size()) * sizeof(BucketSpan) +
         (positive.size() + negative.size() + custom_values.size()) * sizeof(double);
}

bool Histogram::same_bits(const Histogram& o) const {
  return reset_hint == o.reset_hint && integer == o.integer && schema == o.schema &&
         same(zero_threshold, o.zero_threshold) && same(zero_count, o.zero_count) && same(count, o.count) &&
         same(sum, o.sum) && positive_spans == o.positive_spans && negative_spans == o.negative_spans &&
         same(positive, o.positive) && same(negative, o.negative) && same(custom_values, o.custom_values);
}

}  // namespace telltale
