// Bounds of what one request may make the server hold, whatever its protocol: they stand beside the bounds of
// its bytes, because a few bytes of a body can stand for many in memory.
#pragma once

#include "base/limits.hpp"

namespace telltale::limits {

// What is refused (wire/)
inline constexpr std::size_t kMaxItemErrors =
    kMaxAnsweredErrors;  // reasons that are kept of a request; the rest is counted

// What is read (wire/)
inline constexpr std::size_t kMaxJsonValues = 10'000'000;  // of one JSON document, by its commas
inline constexpr std::size_t kMaxEnvelopeHeaderBytes =
    64 * KiB;                                         // a line of headers, the envelope's or an item's
inline constexpr std::size_t kMaxSpanParts = 10'000;  // events of one OTLP span, and links of it

// What is made of it (ingest/): the rest of the request is refused by name
inline constexpr std::size_t kMaxRequestRowBytes = 256 * MiB;  // of rows in memory, with what they share
inline constexpr std::size_t kMaxSharedBytes = 1 * MiB;  // of what all rows of a stream or a resource have
inline constexpr std::size_t kMaxWriteLabelBytes = 256 * MiB;  // of the labels of pushed numbers

// The server's own API (api/own): bodies of accounts, projects, tokens and of signing in
inline constexpr std::size_t kMaxAccountBodyBytes = 64 * KiB;

// Totals of series that are sent as deltas (ingest/delta_totals.hpp); those of one project may have half
inline constexpr std::size_t kMaxDeltaTotals = 400'000;
inline constexpr std::size_t kMaxDeltaBytes = 256 * MiB;
inline constexpr std::size_t kMaxDeltaBuckets = 1'024;   // of a total, a side: it is made coarser
inline constexpr std::int64_t kDeltaForgetSeconds = 60;  // idle ones are looked for no more often

}  // namespace telltale::limits
