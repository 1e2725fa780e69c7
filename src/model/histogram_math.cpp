#include "model/histogram_math.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace telltale {
namespace {

/// The hint of what two histograms make together.
ResetHint joined_hint(ResetHint a, ResetHint b, bool& collide) {
  if (a == b) return a;
  if (a == ResetHint::gauge || b == ResetHint::gauge) return ResetHint::gauge;
  collide = a != ResetHint::unknown && b != ResetHint::unknown;
  return ResetHint::unknown;
}

bool equal_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void combine_lists(BucketList& into, const std::vector<double>& counts, double factor) {
  for (std::size_t i = 0; i < counts.size(); ++i) into[i].count.add(counts[i] * factor);
}

/// Whether a bucket counts less in `now`, or has gone.
bool fell(const BucketList& now, const BucketList& before) {
  auto at = now.begin();
  for (const BucketEntry& b : before) {
    while (at != now.end() && at->index < b.index) ++at;
    const double count = at != now.end() && at->index == b.index ? at->count.value() : 0;
    if (count < b.count.value()) return true;
  }
  return false;
}

bool custom_fell(const Histogram& now, const Histogram& before) {
  const std::vector<double> bounds = common_bounds(now.custom_values, before.custom_values);
  BucketList a = list_of(now.positive_spans, now.positive);
  BucketList b = list_of(before.positive_spans, before.positive);
  rebound(a, now.custom_values, bounds);
  rebound(b, before.custom_values, bounds);
  return fell(a, b);
}

bool any_fell(const std::vector<double>& now, const std::vector<double>& before) {
  return std::mismatch(now.begin(), now.end(), before.begin(), [](double a, double b) {
           return !(a < b);
         }).first != now.end();
}

bool same_side(const std::vector<BucketSpan>& spans_a, const std::vector<double>& a,
               const std::vector<BucketSpan>& spans_b, const std::vector<double>& b) {
  if (a.size() != b.size() || !std::equal(a.begin(), a.end(), b.begin(), equal_bits)) return false;
  return spans_a == spans_b || same_indices(list_of(spans_a, a), spans_b);
}

void compact_side(std::vector<BucketSpan>& spans, std::vector<double>& counts) {
  const bool empty_bucket = std::find(counts.begin(), counts.end(), 0.0) != counts.end();
  const bool odd_span =
      std::any_of(spans.begin(), spans.end(), [](const BucketSpan& s) { return s.length == 0; }) ||
      std::any_of(spans.begin() + (spans.empty() ? 0 : 1), spans.end(),
                  [](const BucketSpan& s) { return s.offset == 0; });
  if (empty_bucket || odd_span) store_buckets(list_of(spans, counts), spans, counts);
}

}  // namespace

HistogramSum::HistogramSum(const Histogram& first)
    : hint_(first.reset_hint),
      count_{first.count, 0},
      sum_{first.sum, 0},
      sides_(first),
      bounds_(first.custom_values) {}

bool HistogramSum::same_layout(const Histogram& h) const {
  return h.schema == sides_.schema && h.zero_threshold == sides_.zero_threshold &&
         h.custom_values == bounds_ && same_indices(sides_.positive, h.positive_spans) &&
         same_indices(sides_.negative, h.negative_spans);
}

HistogramMeeting HistogramSum::combine(const Histogram& h, double factor) {
  HistogramMeeting met;
  const bool custom = sides_.schema == kCustomSchema;
  if (custom != h.is_custom()) {
    met.compatible = false;
    return met;
  }
  hint_ = joined_hint(hint_, h.reset_hint, met.hints_collide);
  count_.add(h.count * factor);
  sum_.add(h.sum * factor);
  if (same_layout(h)) {
    sides_.zero_count.add(h.zero_count * factor);
    combine_lists(sides_.positive, h.positive, factor);
    combine_lists(sides_.negative, h.negative, factor);
    return met;
  }
  BucketSides other(h, factor);
  if (custom) {
    if (h.custom_values != bounds_) {
      met.bounds_reconciled = true;
      std::vector<double> bounds = common_bounds(bounds_, h.custom_values);
      rebound(sides_.positive, bounds_, bounds);
      rebound(other.positive, h.custom_values, bounds);
      bounds_ = std::move(bounds);
    }
  } else {
    while (sides_.zero_threshold < other.zero_threshold || other.zero_threshold < sides_.zero_threshold) {
      BucketSides& narrow = sides_.zero_threshold < other.zero_threshold ? sides_ : other;
      narrow.widen_zero(std::max(sides_.zero_threshold, other.zero_threshold));
    }
    sides_.lower_schema(other.schema);
    other.lower_schema(sides_.schema);
  }
  sides_.zero_count.add(other.zero_count);
  merge_buckets(sides_.positive, other.positive);
  merge_buckets(sides_.negative, other.negative);
  return met;
}

void HistogramSum::scale(double factor) {
  count_.scale(factor);
  sum_.scale(factor);
  sides_.zero_count.scale(factor);
  for (BucketList* side : {&sides_.positive, &sides_.negative}) {
    for (BucketEntry& e : *side) e.count.scale(factor);
  }
}

Histogram HistogramSum::value() const {
  Histogram out;
  out.reset_hint = hint_;
  out.schema = sides_.schema;
  out.zero_threshold = sides_.zero_threshold;
  out.zero_count = sides_.zero_count.value();
  out.count = count_.value();
  out.sum = sum_.value();
  store_buckets(sides_.positive, out.positive_spans, out.positive);
  store_buckets(sides_.negative, out.negative_spans, out.negative);
  out.custom_values = bounds_;
  return out;
}

bool HistogramSum::overflown() const {
  const auto inf = [](const BucketEntry& e) { return std::isinf(e.count.sum); };
  return std::isinf(count_.sum) || std::isinf(sum_.sum) || std::isinf(sides_.zero_count.sum) ||
         std::any_of(sides_.positive.begin(), sides_.positive.end(), inf) ||
         std::any_of(sides_.negative.begin(), sides_.negative.end(), inf);
}

HistogramMeeting add(Histogram& a, const Histogram& b) {
  HistogramSum sum(a);
  const HistogramMeeting met = sum.add(b);
  if (met.compatible) a = sum.value();
  return met;
}

HistogramMeeting subtract(Histogram& a, const Histogram& b) {
  HistogramSum sum(a);
  const HistogramMeeting met = sum.subtract(b);
  if (met.compatible) a = sum.value();
  return met;
}

void scale(Histogram& h, double factor) {
  h.integer = false;
  for (double* v : {&h.zero_count, &h.count, &h.sum}) *v *= factor;
  for (double& v : h.positive) v *= factor;
  for (double& v : h.negative) v *= factor;
  if (factor < 0) h.reset_hint = ResetHint::gauge;
}

void divide(Histogram& h, double divisor) {
  h.integer = false;
  for (double* v : {&h.zero_count, &h.count, &h.sum}) *v /= divisor;
  if (divisor == 0) {
    h.positive_spans.clear();
    h.negative_spans.clear();
    h.positive.clear();
    h.negative.clear();
    return;
  }
  for (double& v : h.positive) v /= divisor;
  for (double& v : h.negative) v /= divisor;
  if (divisor < 0) h.reset_hint = ResetHint::gauge;
}

void compact(Histogram& h) {
  compact_side(h.positive_spans, h.positive);
  compact_side(h.negative_spans, h.negative);
}

void reduce_resolution(Histogram& h, std::int32_t schema) {
  if (h.is_custom() || schema >= h.schema) return;
  BucketSides sides(h);
  sides.lower_schema(schema);
  h.schema = schema;
  store_buckets(sides.positive, h.positive_spans, h.positive);
  store_buckets(sides.negative, h.negative_spans, h.negative);
}

bool limit_buckets(Histogram& h, std::size_t buckets) {
  while (h.positive.size() + h.negative.size() > buckets) {
    if (h.is_custom() || h.schema <= kMinSchema) return false;
    reduce_resolution(h, h.schema - 1);
  }
  return true;
}

bool detect_reset(const Histogram& now, const Histogram& before) {
  if (now.reset_hint == ResetHint::yes) return true;
  if (now.reset_hint == ResetHint::no) return false;
  if (now.count < before.count) return true;
  if (now.is_custom() != before.is_custom()) return true;
  if (now.is_custom() && now.custom_values != before.custom_values) return custom_fell(now, before);
  if (now.schema > before.schema || now.zero_threshold < before.zero_threshold) return true;
  if (now.schema == before.schema && now.zero_threshold == before.zero_threshold &&
      now.positive_spans == before.positive_spans && now.negative_spans == before.negative_spans) {
    return now.zero_count < before.zero_count || any_fell(now.positive, before.positive) ||
           any_fell(now.negative, before.negative);
  }
  const BucketSides current(now);
  BucketSides earlier(before);
  if (now.zero_threshold > before.zero_threshold) {
    earlier.widen_zero(now.zero_threshold);
    // Inside of a bucket that counted something: no source moves it there without beginning anew.
    if (earlier.zero_threshold != now.zero_threshold) return true;
  }
  if (now.zero_count < earlier.zero_count.value()) return true;
  earlier.lower_schema(now.schema);
  return fell(current.positive, earlier.positive) || fell(current.negative, earlier.negative);
}

bool same_data(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && equal_bits(a.count, b.count) && equal_bits(a.sum, b.sum) &&
         a.zero_threshold == b.zero_threshold && equal_bits(a.zero_count, b.zero_count) &&
         a.custom_values == b.custom_values &&
         same_side(a.positive_spans, a.positive, b.positive_spans, b.positive) &&
         same_side(a.negative_spans, a.negative, b.negative_spans, b.negative);
}

}  // namespace telltale
