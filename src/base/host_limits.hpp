// Bounds of what the server measures of its own host (hostmetrics/).
#pragma once

#include <cstddef>

namespace telltale::limits {

inline constexpr std::size_t kMaxHostFileBytes =
    4 * std::size_t{1024} * 1024;                        // of one file in /proc or /sys
inline constexpr std::size_t kMaxHostDevices = 1'000;    // disks, mounts, network interfaces: each
inline constexpr std::size_t kMaxControlGroups = 1'000;  // measured
inline constexpr std::size_t kMaxControlGroupDepth = 8;  // below the root
inline constexpr std::size_t kMaxHostFields = 1'000;     // of /proc/meminfo or /proc/vmstat

}  // namespace telltale::limits
