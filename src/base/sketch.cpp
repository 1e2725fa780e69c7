#include "base/sketch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/bytes.hpp"

namespace telltale {

namespace {

constexpr unsigned kBucketShift = 46;  // 52 bits of mantissa less six
constexpr std::int32_t kWindowSlack = 32;

}  // namespace

std::int32_t QuantileSketch::bucket_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto magnitude = static_cast<std::int32_t>((bits & ~(std::uint64_t{1} << 63)) >> kBucketShift);
  return bits >> 63 != 0 ? -magnitude : magnitude;
}

double QuantileSketch::middle_of(std::int32_t bucket) {
  if (bucket == 0) return 0;
  const auto at = static_cast<std::uint64_t>(bucket < 0 ? -bucket : bucket);
  const auto low = std::bit_cast<double>(at << kBucketShift);
  const auto high = std::bit_cast<double>((at + 1) << kBucketShift);
  const double middle = std::isfinite(high) ? low + (high - low) / 2 : low;
  return bucket < 0 ? -middle : middle;
}

void QuantileSketch::make_room(std::int32_t bucket) {
  const std::int32_t last = first_ + static_cast<std::int32_t>(counts_.size()) - 1;
  const std::int32_t from = std::min(first_, bucket < first_ ? bucket - kWindowSlack : bucket);
  const std::int32_t to = std::max(last, bucket > last ? bucket + kWindowSlack : bucket);
  std::vector<std::uint64_t> wider(static_cast<std::size_t>(to - from + 1));
  std::copy(counts_.begin(), counts_.end(), wider.begin() + (first_ - from));
  counts_ = std::move(wider);
  first_ = from;
}

void QuantileSketch::add_slowly(std::int32_t bucket, std::uint64_t n) {
  if (counts_.empty() && n == 1 && few_.size() < kFew) {
    few_.push_back(bucket);
    return;
  }
  if (counts_.empty()) {
    std::int32_t least = bucket;
    std::int32_t greatest = bucket;
    for (const std::int32_t b : few_) {
      least = std::min(least, b);
      greatest = std::max(greatest, b);
    }
    first_ = least;
    counts_.resize(static_cast<std::size_t>(greatest - least + 1));
    for (const std::int32_t b : few_) ++counts_[static_cast<std::size_t>(b - first_)];
    few_ = {};
  }
  if (bucket < first_ || bucket - first_ >= static_cast<std::int32_t>(counts_.size())) make_room(bucket);
  counts_[static_cast<std::size_t>(bucket - first_)] += n;
}

void QuantileSketch::merge(const QuantileSketch& other) {
  for (const std::int32_t b : other.few_) add_to(b, 1);
  for (std::size_t i = 0; i < other.counts_.size(); ++i)
    if (other.counts_[i] != 0) add_to(other.first_ + static_cast<std::int32_t>(i), other.counts_[i]);
}

double QuantileSketch::quantile(double q) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double wanted = std::max(1.0, std::ceil(q * static_cast<double>(count_)));
  if (counts_.empty()) {
    std::vector<std::int32_t> sorted = few_;
    std::sort(sorted.begin(), sorted.end());
    return middle_of(sorted[std::min(sorted.size(), static_cast<std::size_t>(wanted)) - 1]);
  }
  double so_far = 0;
  std::int32_t last = first_;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    last = first_ + static_cast<std::int32_t>(i);
    so_far += static_cast<double>(counts_[i]);
    if (so_far >= wanted) break;
  }
  return middle_of(last);
}

void DistinctSketch::raise(std::uint64_t hash) {
  const auto at = static_cast<std::size_t>(hash >> (64 - kBits));
  const std::uint64_t rest = hash << kBits | std::uint64_t{1} << (kBits - 1);
  const auto rank = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
  registers_[at] = std::max(registers_[at], rank);
}

void DistinctSketch::compact() {
  std::sort(hashes_.begin(), hashes_.end());
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  sorted_ = hashes_.size();
}

void DistinctSketch::to_registers() {
  registers_.resize(std::size_t{1} << kBits);
  for (const std::uint64_t h : hashes_) raise(h);
  hashes_ = {};
  sorted_ = 0;
}

void DistinctSketch::add_hash(std::uint64_t hash) {
  if (!registers_.empty()) return raise(hash);
  if (std::binary_search(hashes_.begin(), hashes_.begin() + static_cast<std::ptrdiff_t>(sorted_), hash))
    return;
  hashes_.push_back(hash);
  // The unsorted tail grows with the list, so that sorting stays cheap.
  if (hashes_.size() < sorted_ + 8 + sorted_ / 2) return;
  compact();
  if (hashes_.size() > kExact) to_registers();
}

void DistinctSketch::merge(const DistinctSketch& other) {
  for (const std::uint64_t h : other.hashes_) add_hash(h);
  if (other.registers_.empty()) return;
  if (registers_.empty()) to_registers();
  for (std::size_t i = 0; i < registers_.size(); ++i)
    registers_[i] = std::max(registers_[i], other.registers_[i]);
}

std::uint64_t DistinctSketch::estimate() const {
  if (registers_.empty()) {
    DistinctSketch sorted = *this;
    sorted.compact();
    if (sorted.hashes_.size() <= kExact) return sorted.hashes_.size();
    sorted.to_registers();
    return sorted.estimate();
  }
  constexpr double kRegisters = 1U << kBits;
  double sum = 0;
  double zeros = 0;
  for (const std::uint8_t r : registers_) {
    sum += std::ldexp(1.0, -r);
    if (r == 0) ++zeros;
  }
  const double raw = 0.7213 / (1 + 1.079 / kRegisters) * kRegisters * kRegisters / sum;
  if (raw <= 2.5 * kRegisters && zeros > 0)
    return static_cast<std::uint64_t>(std::llround(kRegisters * std::log(kRegisters / zeros)));
  return static_cast<std::uint64_t>(std::llround(raw));
}

std::string DistinctSketch::encode() const {
  ByteWriter out;
  if (!registers_.empty()) {
    out.u8(1);
    out.bytes({reinterpret_cast<const char*>(registers_.data()), registers_.size()});
    return out.take();
  }
  DistinctSketch sorted = *this;
  sorted.compact();
  out.u8(0);
  for (const std::uint64_t h : sorted.hashes_) out.u64(h);
  return out.take();
}

Result<DistinctSketch> DistinctSketch::decode(std::string_view bytes) {
  ByteReader in(bytes);
  DistinctSketch out;
  const std::uint8_t kind = in.u8();
  if (kind == 1 && in.remaining() == std::size_t{1} << kBits) {
    const std::string_view registers = in.bytes(in.remaining());
    out.registers_.assign(registers.begin(), registers.end());
    return out;
  }
  if (!in.ok() || kind != 0 || in.remaining() % 8 != 0)
    return fail(ErrorKind::corruption, "not a sketch of distinct values");
  while (!in.empty()) out.add_hash(in.u64());
  return out;
}

}  // namespace telltale
