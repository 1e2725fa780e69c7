// Bounds of the lists of issues.
#pragma once

#include <cstddef>

namespace telltale::limits {

// Counts by hour that are held in memory (metadb/issue_trends.hpp)
inline constexpr std::size_t kMaxTrendHours = 6'000'000;    // of 8 bytes; with more, lists read the records
inline constexpr std::size_t kTrendLoadRows = 50'000;       // read of the records at one go
inline constexpr std::size_t kMaxRisingCandidates = 2'000;  // looked at before all issues are

// Counts by hour in the records go with the errors, but not before a trend or a week's forecast has seen
// them.
inline constexpr int kLeastIssueHoursDays = 31;
inline constexpr std::size_t kPrunedHoursAtOnce = 50'000;  // in one transaction

inline constexpr std::size_t kEnvironmentsAtOnce = 2'000;  // of groups, noted in one transaction

// Issues that are alike (errors/similar.hpp)
inline constexpr std::size_t kMaxSimilarCandidates = 2'000;
inline constexpr std::size_t kMaxSimilarIssues = 20;  // that an answer has

}  // namespace telltale::limits
