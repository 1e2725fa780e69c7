// Bounds of what is sent to a project: limits by key, filters, bodies that are kept, and their count.
#pragma once

#include <cstddef>
#include <cstdint>

namespace telltale::limits {

inline constexpr std::size_t kMaxKeyLimits = 32;                 // of one DSN key
inline constexpr std::uint64_t kMaxLimitEvents = 1'000'000'000;  // that one limit may allow
inline constexpr std::int64_t kMaxLimitWindowSeconds = 31 * 86'400;
inline constexpr std::size_t kMaxFilterPatterns = 200;  // of one list
inline constexpr std::size_t kMaxFilterPatternBytes = 500;
inline constexpr std::size_t kMaxFilteredFrames = 500;            // looked at for browsers' extensions
inline constexpr std::uint64_t kMaxBodiesPerMinute = 10'000'000;  // that a project may ask for

inline constexpr std::uint64_t kLeastSpikeBodies = 600;  // a minute: so many are never too many
inline constexpr std::uint64_t kSpikeFactor = 5;         // times the usual rate is a spike
inline constexpr int kSpikeBaselineHours = 7 * 24;
inline constexpr std::uint64_t kSpikeGroupBodies = 5;    // kept of each group and minute, whatever comes
inline constexpr std::uint64_t kSpikeSampleEvery = 100;  // of the rest, one in so many is kept
inline constexpr std::size_t kMaxSpikeGroups = 20'000;   // told apart in one minute

inline constexpr std::size_t kMaxUsageKinds =
    2'000;  // of one bucket that is not written; clients name their own
inline constexpr std::size_t kMaxUsagePoints = 2'000;  // buckets of one answer
inline constexpr int kUsageDays = 90;
inline constexpr int kRefusalFlushMs = 250;  // counts of what was refused are made durable as often

}  // namespace telltale::limits
