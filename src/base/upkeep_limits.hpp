// Bounds of keeping and deleting: retention rules, deletions by query, snapshots; of new series, which are
// the defaults of settings. The others stand in limits.hpp.
#pragma once

#include <cstddef>

namespace telltale::limits {

inline constexpr std::size_t kMaxRetentionRules = 64;
inline constexpr std::size_t kMaxNewSeriesPerHour = 5'000'000;  // of a project
inline constexpr std::size_t kMaxSnapshots = 16;                // kept below the data folder
inline constexpr std::size_t kMaxWaitingDeletions = 100;
inline constexpr std::size_t kMaxKeptDeletions = 1000;  // the oldest that are finished are forgotten

}  // namespace telltale::limits
