// Numbers at points in time. A sample's value is kept bit for bit: NaN payloads mean things here.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>

#include "base/strong.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"

namespace telltale {

struct Histogram;  // model/histogram.hpp

struct Sample {
  UnixMillis time;
  double value = 0;  // of a histogram its sum, so that a stale marker is one in either form
  /// When the counter began to count; zero: not told.
  UnixMillis start;
  /// Null: a float.
  std::shared_ptr<const Histogram> histogram;
};

/// "The series ended here": Prometheus' stale marker (model/value/value.go, bits 0x7ff0000000000002).
inline constexpr std::uint64_t kStaleNanBits = 0x7ff0000000000002ULL;
inline double stale_nan() { return std::bit_cast<double>(kStaleNanBits); }
inline bool is_stale_nan(double v) { return std::bit_cast<std::uint64_t>(v) == kStaleNanBits; }

}  // namespace telltale
