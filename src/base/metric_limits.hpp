// Bounds of numbers that are pushed, whatever the protocol.
#pragma once

#include <cstddef>
#include <cstdint>

namespace telltale::limits {

// One request (wire/, ingest/)
inline constexpr std::size_t kMaxWriteBytes = 32 * 1024 * 1024;  // decoded, as Prometheus' receiver bounds it
inline constexpr std::size_t kMaxWriteSeries = 500'000;
inline constexpr std::size_t kMaxWriteSamples = 500'000;
inline constexpr std::size_t kMaxWriteExemplars = 20'000;
inline constexpr std::size_t kMaxBucketsPerHistogram = 20'000;
inline constexpr std::size_t kMaxWriteBuckets = 4'000'000;  // of native histograms, all together
inline constexpr std::size_t kMaxWriteFamilies = 20'000;    // metric families that something is said of
inline constexpr std::size_t kMaxWriteSymbols = 500'000;    // of remote write 2.0
inline constexpr std::size_t kMaxMetricErrors = 100;  // refusals that are told one by one; all are counted

// What ingest remembers of series that were sent before (ingest/series_cache.hpp)
inline constexpr std::size_t kMaxKnownSeries = 5'000'000;  // of a project; the longest unused are forgotten
inline constexpr std::size_t kMaxCleanValues = 100'000;    // label values found free of secrets, of a project
inline constexpr std::int64_t kSeriesRecheckSeconds = 3600;  // then the store is asked for the series again

// Totals of series that are sent as deltas (ingest/delta_totals.hpp)
inline constexpr std::int64_t kDeltaIdleSeconds = 3600;  // one that was not sent for so long makes room

// Groups that are pushed as to a Pushgateway (ingest/push_groups.hpp)
inline constexpr std::size_t kMaxPushGroups = 1'000;        // of a project
inline constexpr std::size_t kMaxPushGroupSeries = 10'000;  // of a group

// Exemplars and metric families (metricinfo/), of a project
inline constexpr std::size_t kMaxExemplars = 100'000;    // the oldest make room
inline constexpr std::size_t kMaxExemplarBytes = 1'024;  // names and values of its labels
inline constexpr std::size_t kMaxFamilies = 50'000;
inline constexpr std::size_t kMaxFamilyTextBytes = 4'096;  // of a help text; the rest is cut off
inline constexpr std::size_t kMaxKnownFamilies = 100'000;  // remembered as told, of all projects

// Answers to range queries that may be asked again (promql/range_cache.hpp)
inline constexpr std::size_t kRangeCacheBytes = std::size_t{32} << 20;

// Threads that help with a query (server/): helps that wait; more are refused, and the query goes without
inline constexpr std::size_t kMaxQueuedQueryHelpers = 256;

// Remote read and federation (api/prometheus)
inline constexpr std::size_t kMaxReadQueries = 100;
inline constexpr std::size_t kMaxReadMatchers = 100;        // of a query
inline constexpr std::size_t kMaxReadSamples = 20'000'000;  // of one answer
inline constexpr std::size_t kMaxFederated = 500'000;       // series of one answer

}  // namespace telltale::limits
