// A native histogram: Prometheus' sparse form of a distribution, as one sample. Counts are doubles, whatever
// the source counted in; `integer` tells that they came as integers, so that they can be kept and handed on
// as such (counts above 2^53 are rounded, as PromQL would).
//
// Two families of buckets. Exponential, schema −4…8: bucket i of the positive side holds (2^((i−1)/2^schema),
// 2^(i/2^schema)], the negative side mirrors it, and around zero lies the zero bucket [−threshold,
// threshold]. Custom, schema −53: bucket i holds (bound i−1, bound i] of custom_values, the first from −Inf,
// the last to +Inf; there is no negative side and no zero bucket. Only the buckets that spans name are there;
// a span is a gap behind the span before it (the first: an index) and a number of buckets in a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.hpp"

namespace telltale {

struct BucketSpan {
  std::int32_t offset = 0;
  std::uint32_t length = 0;
  bool operator==(const BucketSpan&) const = default;
};

/// What the source says about a reset of its counts since its histogram before. A gauge's may rise and fall.
enum class ResetHint : std::uint8_t { unknown = 0, yes = 1, no = 2, gauge = 3 };

inline constexpr std::int32_t kMinSchema = -4;
inline constexpr std::int32_t kMaxSchema = 8;
inline constexpr std::int32_t kCustomSchema = -53;

/// One bucket with its bounds; which of them belong to it follows from the family and the side.
struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
  std::int32_t index = 0;
};

/// Value type. `sum` with the bits of the stale marker makes it one.
struct Histogram {
  ResetHint reset_hint = ResetHint::unknown;
  bool integer = false;
  std::int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> positive;  // counts of the buckets that positive_spans name, in order
  std::vector<double> negative;
  std::vector<double> custom_values;  // rising upper bounds, without +Inf

  bool is_custom() const { return schema == kCustomSchema; }

  /// Whether spans, counts and the schema fit each other and indices stay inside 32 bits: what every reader
  /// below relies on.
  bool well_formed() const;
  /// What may be accepted from a client. invalid_argument names the field: a schema that does not exist,
  /// spans that do not fit their counts, negative or missing counts, bounds that do not rise, a count of an
  /// integer histogram that is not the sum of its buckets, or more buckets than base/histogram_limits.hpp
  /// allows.
  Result<> validate() const;

  /// All that take room: positive upwards, or all from −Inf to +Inf with the zero bucket where it counts
  /// something. well_formed().
  std::vector<HistogramBucket> positive_buckets() const;
  std::vector<HistogramBucket> negative_buckets() const;  // away from zero
  std::vector<HistogramBucket> all_buckets() const;
  HistogramBucket zero_bucket() const;

  /// About, in memory.
  std::size_t bytes() const;

  /// Bit by bit, NaN payloads and the hint included.
  bool same_bits(const Histogram& other) const;
};

/// The upper bound of bucket `index` of an exponential schema: 2^(index / 2^schema), exact where that is a
/// power of two, +Inf or the largest double beyond their range.
double exponential_bound(std::int32_t index, std::int32_t schema);

}  // namespace telltale
