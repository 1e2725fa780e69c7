// The patterns of a search over time, mined when they are asked for: nothing is kept while lines arrive, so
// any filter over any range can be asked, and ingest pays nothing. The cost is bounded instead by looking at
// the newest lines of each piece of the range; where a piece has more lines than that, its counts (which a
// store knows without reading lines) are shared out as the lines looked at are. docs/decisions/ says what
// that costs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::logs {

struct PatternQuery {
  storage::Projects projects;
  TimeRange range;  // bounded on both sides
  storage::EventFilter filter;
  /// What the filter cannot say; unset: every row the filter finds.
  std::function<bool(EventRow&)> keep;
  std::vector<std::string> fields;  // that `keep` needs; empty: all, when there is a `keep`
  Nanos step{0};                    // > 0; made larger where that keeps the pieces few
  std::size_t max_rows = 0;         // lines looked at; 0: limits::kMaxPatternRows
};

/// Lines of one service that have one pattern.
struct PatternEntry {
  std::string pattern;
  std::string service;
  std::string example;
  std::uint64_t count = 0;                             // over the whole range
  std::map<Level, std::vector<std::uint64_t>> counts;  // by level; one number a bucket
};

struct PatternReport {
  Nanos step{0};
  std::vector<UnixNanos> buckets;      // starts, without gaps; multiples of step
  std::vector<PatternEntry> patterns;  // most lines first
  std::uint64_t total = 0;             // lines in the range
  std::uint64_t sampled_rows = 0;      // looked at
  bool exact = true;                   // every line was looked at
};

/// At most limits::kMaxPatternAnswers patterns; the rest is in `total` only. invalid_argument for a range or
/// step that makes no sense, else the store's errors.
Result<PatternReport> find_patterns(storage::EventStore& store, const PatternQuery& query,
                                    WorkContext& context);

}  // namespace telltale::logs
