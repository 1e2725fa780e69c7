// Rate, errors and durations of every service, from its entry spans (span_facts.hpp), with the releases they
// carried: groups and quantiles that the store computes (query/executor.hpp), no span by span.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::traces {

struct ServiceQuery {
  storage::Projects projects;
  TimeRange range;  // bounded
  std::size_t steps = 60;
};

struct ServiceRelease {
  std::string release;
  UnixNanos first_seen;  // within the range; of one that is not new, the begin of its step
  bool is_new = false;   // not seen in as long a time before the range (an hour at least)
};

/// Within 1 %; nullopt without requests that say how long they took.
using Quantile = std::optional<Nanos>;

struct ServiceStats {
  ProjectId project;
  std::string service;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  Quantile p50, p95, p99;
  std::vector<ServiceRelease> releases;  // newest first
  std::vector<std::uint64_t> request_steps;
  std::vector<std::uint64_t> error_steps;
  std::vector<Quantile> p95_steps;
};

struct ServiceReport {
  Nanos step{0};
  std::vector<UnixNanos> steps;        // starts; round, so the first may begin before the range
  std::vector<ServiceStats> services;  // by project, then name
  bool complete = true;                // false: only the limits::kMaxOverviewServices with most requests
};

/// Errors: the store's.
Result<ServiceReport> service_report(storage::EventStore& store, const ServiceQuery& query,
                                     WorkContext& context);

}  // namespace telltale::traces
