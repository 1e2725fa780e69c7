// The newest traces that have a span which matches: one line each. Candidates are found by walking the
// matching spans from the newest on; what a trace's line says is computed from all its spans. The first
// candidates are looked up by id; when the conditions on whole traces turn most of them down, one sweep over
// the range's spans does for the rest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::traces {

/// Where a page of the list ended: its last trace.
struct TraceCursor {
  UnixNanos start;
  Id128 id;

  /// "1732554061000000000-755f4e55e3a349a4b3690715bb9b3c2e"
  std::string text() const;
  static std::optional<TraceCursor> parse(std::string_view text);
};

struct TraceQuery {
  static constexpr Nanos kPageOverlap{std::chrono::seconds(60)};

  storage::Projects projects;
  TimeRange range;  // bounded; of the span that matches
  storage::EventFilter filter;
  std::size_t limit = 20;
  // Of the whole trace.
  std::optional<Nanos> min_duration;
  std::optional<Nanos> max_duration;
  bool errors_only = false;
  /// Only what comes after it in the list. Traces are then found by the spans that match no later than its
  /// start (with a filter, kPageOverlap later), so that each page costs what it shows: of
  /// traces that begin before the cursor, those whose only match lies later still are left out.
  std::optional<TraceCursor> after;
};

struct TraceSummary {
  Id128 id;
  UnixNanos start;        // of its earliest span
  Nanos duration{0};      // to the end of the last one
  std::string root_name;  // of the earliest span without a parent, or of the earliest one
  std::string root_service;
  std::uint64_t span_count = 0;
  std::uint64_t error_count = 0;      // failed spans
  std::vector<std::string> services;  // sorted
};

struct TraceList {
  std::vector<TraceSummary> traces;  // by start, then id; newest first
  bool complete = true;              // false: a limit ended the search before the range did
  std::optional<TraceCursor> next;   // there may be more after it
};

/// Spans further than limits::kTraceSlackSeconds outside the range do not belong to the summaries.
Result<TraceList> list_traces(storage::EventStore& store, const TraceQuery& query, WorkContext& context);

}  // namespace telltale::traces
