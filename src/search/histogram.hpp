// Rows over time, by the values of one field. Steps are round (…, 1 s, 2 s, 5 s, …, 1 h, …), so that the
// buckets of neighbouring questions meet and an axis has round marks.
#pragma once

#include <string>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::search {

/// The smallest round step that cuts `range` into at most `buckets` pieces (one more where it begins inside a
/// step). At least a millisecond.
Nanos round_step(TimeRange range, std::size_t buckets);
/// The start of the bucket `time` is in: a multiple of step.
UnixNanos bucket_start(UnixNanos time, Nanos step);

struct HistogramQuery {
  Table table = Table::logs;
  storage::Projects projects;
  TimeRange range;  // bounded on both sides
  storage::EventFilter filter;
  std::size_t buckets = 60;
  std::string by;  // field; empty: one series
};

struct HistogramSeries {
  std::string value;    // of `by`; empty where rows do not have it
  bool others = false;  // the sum of all values beyond limits::kMaxHistogramSeries
  std::vector<std::uint64_t> counts;
};

struct Histogram {
  Nanos step{0};
  std::vector<UnixNanos> buckets;       // starts, without gaps; the first may begin before the range
  std::vector<HistogramSeries> series;  // most rows first; others last
  std::uint64_t total = 0;
};

/// Exact. invalid_argument naming `by` over limits::kMaxHistogramGroups values, else the store's errors.
Result<Histogram> histogram(storage::EventStore& store, const HistogramQuery& query, WorkContext& context);

}  // namespace telltale::search
