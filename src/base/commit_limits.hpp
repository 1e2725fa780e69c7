// Bounds of what commits of releases are used for.
#pragma once

#include <cstddef>

namespace telltale::limits {

inline constexpr std::size_t kMaxAwaitedCommits = 10'000;        // issues that wait for one, of a project
inline constexpr std::size_t kMaxFixedIssues = 20;               // that a commit's message names
inline constexpr std::size_t kMaxReleasesAskedForCommits = 100;  // the newest
inline constexpr std::size_t kMaxSuspects = 5;                   // commits shown of an issue
inline constexpr std::size_t kMaxSuspectFrames = 10;             // whose files are looked for

}  // namespace telltale::limits
