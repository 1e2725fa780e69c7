// Rate, errors and durations of every service, from its entry spans (span_facts.hpp), with the releases they
// carried. One stream over the range, newest first; when the range has more than limits::kMaxOverviewSpans
// entry spans, the answer covers the newest part and says from when.
#pragma once

#include <string>
#include <vector>

#include "storage/event_store.hpp"
#include "traces/duration_sketch.hpp"

namespace telltale::traces {

struct ServiceQuery {
  storage::Projects projects;
  TimeRange range;  // bounded
  std::size_t steps = 60;
};

struct ServiceRelease {
  std::string release;
  UnixNanos first_seen;  // within the range
  bool is_new = false;   // not seen in as long a time before the range (an hour at least)
};

struct ServiceStats {
  ProjectId project;
  std::string service;
  std::uint64_t errors = 0;
  DurationSketch durations;              // its count is the number of requests
  std::vector<ServiceRelease> releases;  // newest first
  std::vector<std::uint64_t> request_steps;
  std::vector<std::uint64_t> error_steps;
  std::vector<DurationSketch> duration_steps;
};

struct ServiceReport {
  Nanos step{0};
  std::vector<UnixNanos> steps;        // starts; round, so the first may begin before the range
  std::vector<ServiceStats> services;  // by project, then name
  UnixNanos covered_from;              // the range's begin unless a limit ended the walk
  bool complete = true;                // false: a limit on spans or services left something out
};

/// Errors: the store's.
Result<ServiceReport> service_report(storage::EventStore& store, const ServiceQuery& query,
                                     WorkContext& context);

}  // namespace telltale::traces
