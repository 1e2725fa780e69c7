// Bounds of scraping (wire/prometheus, metrics/): what one target may send and one configuration may ask for.
// The body's own bound is limits::kMaxScrapeBodyBytes.
#pragma once

#include <cstddef>

namespace telltale::limits {

// One exposition
inline constexpr std::size_t kMaxScrapeSamples = 2'000'000;
/// Of label names and values after expansion: a protobuf histogram repeats its labels for every bucket.
inline constexpr std::size_t kMaxScrapeLabelBytes = 512 * std::size_t{1024} * 1024;
inline constexpr std::size_t kMaxScrapeLabels = 10'000;     // of one series
inline constexpr std::size_t kMaxExemplarLabelChars = 128;  // OpenMetrics 1.0, section "Exemplars"
inline constexpr std::size_t kMaxScrapeExemplars = 10;      // of one series in one scrape

// Discovery
inline constexpr std::size_t kMaxDiscoveryBytes = 16 * std::size_t{1024} * 1024;  // one list of targets
inline constexpr std::size_t kMaxDiscoveredTargets = 100'000;                     // of one job
inline constexpr std::size_t kMaxCredentialFileBytes = 1024 * 1024;
inline constexpr std::size_t kMaxTokenAnswerBytes = 1024 * 1024;  // of an OAuth 2.0 token endpoint
inline constexpr std::size_t kMaxKeptDroppedTargets = 1'000;      // of one job, shown

}  // namespace telltale::limits
