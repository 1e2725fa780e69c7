// What people ask of the health of releases: how many of a day's sessions each has, how many went without a
// crash, and how that went over time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "health/release_health.hpp"

namespace telltale::health {

struct HealthSummary {
  storage::SessionCounts counts;
  std::uint64_t users = 0;
  std::uint64_t crashed_users = 0;

  /// Shares from 0 to 1; nullopt without sessions, or without known users.
  std::optional<double> crash_free_sessions() const;
  std::optional<double> crash_free_users() const;
};

struct ProjectHealth {
  HealthSummary all;
  std::map<std::string, HealthSummary> releases;
  /// The release's share of the project's sessions and users.
  std::optional<double> adoption(const std::string& release) const;
  std::optional<double> user_adoption(const std::string& release) const;
};

/// Of hours with their users.
Result<std::map<ProjectId, ProjectHealth>> health_by_release(const std::vector<storage::SessionHour>& hours);

struct HealthPoint {
  UnixNanos time;  // the start of its step
  HealthSummary summary;
};
/// One point a step over the whole range, also where nothing was; steps begin at multiples of `step`.
Result<std::vector<HealthPoint>> health_over_time(const std::vector<storage::SessionHour>& hours,
                                                  TimeRange range, Nanos step);

}  // namespace telltale::health
