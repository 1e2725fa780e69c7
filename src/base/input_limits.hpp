// Bounds of the inputs that are not HTTP: syslog, followed files, gRPC. The others stand in limits.hpp.
#pragma once

#include "base/limits.hpp"

namespace telltale::limits {

// Lines (logs/)
inline constexpr std::size_t kMaxJoinedLines = 500;  // of one event of several lines

// Syslog (net/, server/)
inline constexpr std::size_t kMaxSyslogListeners = 32;
inline constexpr std::size_t kMaxStreamConnections = 1024;  // a listener
inline constexpr std::size_t kStreamReadBytes = 256 * KiB;  // handed over at once, a connection
inline constexpr std::size_t kMaxDatagramBytes = 64 * KiB;
inline constexpr std::size_t kDatagramQueueBytes = 32 * MiB;  // received, not yet committed; more is dropped
inline constexpr std::size_t kDatagramSocketBytes = 8 * MiB;  // asked of the kernel
inline constexpr std::size_t kDatagramBatch = 10'000;         // committed at once
inline constexpr std::size_t kDatagramBatchBytes = 4 * MiB;
inline constexpr int kTlsHandshakeSeconds = 10;

// Followed files (logs/)
inline constexpr std::size_t kMaxFileSources = 64;
inline constexpr std::size_t kMaxFollowedFiles = 4096;
inline constexpr std::size_t kFollowReadBytes = 256 * KiB;  // of one file at once
inline constexpr std::size_t kFollowBatchBytes = 1 * MiB;   // committed at once
inline constexpr std::size_t kFileMarkBytes = 512;          // of a file's front that tell it from others

// Grouping of errors (errors/)
inline constexpr std::size_t kMaxGroupingRules = 200;            // of each list of a project
inline constexpr std::size_t kMaxGroupingRulesBytes = 64 * KiB;  // both lists together
inline constexpr std::size_t kMaxGroupingRuleBytes = 4 * KiB;
inline constexpr std::size_t kMaxGroupingPatterns = 2000;   // of the rules of one list
inline constexpr std::size_t kMaxGroupingExceptions = 200;  // of an event, the first
inline constexpr std::size_t kMaxGroupingFrames =
    500;  // of a stack: its first fifth and the rest from its end
inline constexpr std::size_t kMaxGroupingTextBytes = 8 * KiB;      // that patterns look at
inline constexpr std::size_t kMaxGroupingPreviewEvents = 2000;     // grouped again to preview a change
inline constexpr std::size_t kMaxGroupingPreviewBytes = 64 * MiB;  // of their payloads

// Browsers' reports of violated policies (wire/sentry/)
inline constexpr std::size_t kMaxSecurityReportBytes = 64 * KiB;
inline constexpr std::size_t kMaxSecurityReports = 100;  // of one request

// gRPC (net/)
inline constexpr std::size_t kMaxGrpcMessageBytes = 64 * MiB;  // as decoded
inline constexpr std::size_t kMaxGrpcCalls = 256;              // received or being received at once

}  // namespace telltale::limits
