// Bounds of native histograms.
#pragma once

#include <cstddef>

namespace telltale::limits {

inline constexpr std::size_t kMaxNativeBuckets = 20'000;  // of one histogram, both signs together
inline constexpr std::size_t kMaxNativeSpans = 20'000;    // likewise
inline constexpr std::size_t kMaxCustomBounds = 10'000;   // of one histogram with custom buckets

}  // namespace telltale::limits
