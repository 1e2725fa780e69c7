// Bounds of keeping and deleting: retention rules, deletions by query. The others stand in limits.hpp.
#pragma once

#include <cstddef>

namespace telltale::limits {

inline constexpr std::size_t kMaxRetentionRules = 64;
inline constexpr std::size_t kMaxWaitingDeletions = 100;
inline constexpr std::size_t kMaxKeptDeletions = 1000;  // the oldest that are finished are forgotten

}  // namespace telltale::limits
