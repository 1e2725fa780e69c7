// Two small summaries of many values, both mergeable and independent of the order in which values come:
// quantiles within one percent, and the number of distinct values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale {

/// Quantiles of any finite numbers or infinities. A value counts in the bucket of its sign, exponent and six
/// leading bits of mantissa, so that a bucket's middle is within 0.8 % of whatever is in it: the guarantee of
/// Masson, Rim and Lee ("DDSketch", 2019) with a shift in place of a logarithm. Few values stand in a list;
/// more in an array over the buckets between the least and the greatest.
class QuantileSketch {
 public:
  static constexpr double kRelativeError = 0.01;

  /// `value` is not NaN.
  void add(double value) { add_to(bucket_of(value), 1); }
  void merge(const QuantileSketch& other);
  std::uint64_t count() const { return count_; }
  /// A value within kRelativeError of the smallest that at least the share `q` of all do not exceed.
  /// 0 ≤ q ≤ 1; NaN when the sketch is empty.
  double quantile(double q) const;
  std::size_t memory_bytes() const {
    return few_.capacity() * sizeof(few_[0]) + counts_.capacity() * sizeof(counts_[0]);
  }

 private:
  static constexpr std::size_t kFew = 96;
  static std::int32_t bucket_of(double value);
  static double middle_of(std::int32_t bucket);
  void add_to(std::int32_t bucket, std::uint64_t n) {
    count_ += n;
    if (!counts_.empty() && bucket >= first_ && bucket - first_ < static_cast<std::int32_t>(counts_.size())) {
      counts_[static_cast<std::size_t>(bucket - first_)] += n;
    } else {
      add_slowly(bucket, n);
    }
  }
  void add_slowly(std::int32_t bucket, std::uint64_t n);
  void make_room(std::int32_t bucket);

  std::uint64_t count_ = 0;
  std::vector<std::int32_t> few_;  // buckets of single values, while counts_ is empty
  std::vector<std::uint64_t> counts_;
  std::int32_t first_ = 0;  // the bucket of counts_[0]
};

/// How many distinct values were added: exact up to a few hundred, then HyperLogLog (Flajolet and others,
/// 2007, with the small-range correction by linear counting) with a standard error of 0.8 %.
class DistinctSketch {
 public:
  /// A well-mixed hash of the value (hash64).
  void add_hash(std::uint64_t hash);
  void merge(const DistinctSketch& other);
  std::uint64_t estimate() const;
  std::size_t memory_bytes() const { return hashes_.capacity() * 8 + registers_.capacity(); }
  /// Bytes to be kept; the same for equal sketches whatever the order of their values.
  std::string encode() const;
  /// corruption when the bytes are no sketch.
  static Result<DistinctSketch> decode(std::string_view bytes);

 private:
  static constexpr unsigned kBits = 14;
  static constexpr std::size_t kExact = 512;
  void compact();
  void to_registers();
  void raise(std::uint64_t hash);

  std::vector<std::uint64_t> hashes_;  // the first sorted_ sorted and distinct
  std::size_t sorted_ = 0;
  std::vector<std::uint8_t> registers_;  // empty while exact
};

}  // namespace telltale
