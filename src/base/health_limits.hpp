// Bounds of sessions, releases, scheduled jobs and feedback.
#pragma once

#include <cstddef>
#include <cstdint>

namespace telltale::limits {

// What Sentry clients send (wire/sentry, ingest/)
inline constexpr std::size_t kMaxSessionBytes = 64 * 1024;         // one update's or aggregate's JSON
inline constexpr std::size_t kMaxAggregates = 1000;                // of one `sessions` item
inline constexpr std::size_t kMaxSessionUpdates = 10'000;          // of one request
inline constexpr std::int64_t kMaxAggregateCount = 1'000'000'000;  // sessions that one of them may claim
inline constexpr int kSessionDays = 5;                             // as long are updates taken
inline constexpr std::size_t kMaxCheckInBytes = 100 * 1024;        // Relay's own
inline constexpr std::size_t kMaxMonitorConfigBytes = 16 * 1024;
inline constexpr std::size_t kMaxSlugBytes = 50;
inline constexpr std::size_t kMaxFeedbackBytes = 1024 * 1024;  // of the event it is
inline constexpr std::size_t kMaxFeedbackMessageBytes = 4096;  // Sentry's own
inline constexpr std::size_t kMaxFeedbackFieldBytes = 500;     // name, address
inline constexpr std::size_t kMaxFeedbackUrlBytes = 2048;
inline constexpr std::size_t kMaxReleaseBytes = 250;
inline constexpr std::size_t kMaxEnvironmentBytes = 64;
inline constexpr std::size_t kMaxClientReports = 100;  // of one envelope, Relay's own
inline constexpr std::size_t kMaxOutcomeNameBytes = 64;

// What is kept (health/)
inline constexpr std::size_t kMaxKnownSessions = 500'000;  // that may be heard of again; the oldest go
inline constexpr std::size_t kMaxSessionsHeld = 600'000;   // with those that came since the last checkpoint
inline constexpr std::size_t kMaxPendingSessionHours = 20'000;  // counted, not yet written
inline constexpr int kClosedSessionMinutes = 60;                // a session that has ended is known as long
inline constexpr int kHealthDays = 90;                          // hours of sessions, check-ins and outcomes
inline constexpr int kFeedbackDays = 365;
inline constexpr std::uint64_t kMaxReleases = 10'000;       // of a project, made by what was seen
inline constexpr std::uint64_t kMaxMonitors = 1'000;        // of a project
inline constexpr std::size_t kMaxMonitorEnvironments = 20;  // of a monitor
inline constexpr std::size_t kMaxCommits = 1'000;           // of a release
inline constexpr std::size_t kMaxCommitFiles = 500;         // of a commit
inline constexpr std::size_t kMaxDeploys = 1'000;           // of a release
inline constexpr std::size_t kMaxNoticesPerTick = 100;
inline constexpr std::size_t kMaxFeedbackLinks = 200;  // looked up at once

}  // namespace telltale::limits
