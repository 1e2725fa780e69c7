#include "health/release_views.hpp"

#include <algorithm>

namespace telltale::health {
namespace {

/// Counts with their users, while they are added up.
struct HealthSum {
  storage::SessionCounts counts;
  DistinctSketch users;
  DistinctSketch crashed_users;

  Result<> add(const storage::SessionHour& hour) {
    counts += hour.counts;
    for (const auto& [bytes, sketch] :
         {std::pair{&hour.users, &users}, {&hour.crashed_users, &crashed_users}}) {
      if (bytes->empty()) continue;
      TT_ASSIGN(const auto more, DistinctSketch::decode(*bytes));
      sketch->merge(more);
    }
    return {};
  }
  HealthSummary summary() const { return {counts, users.estimate(), crashed_users.estimate()}; }
};

std::optional<double> share(double part, double whole) {
  if (whole <= 0) return std::nullopt;
  return std::clamp(part / whole, 0.0, 1.0);
}

}  // namespace

std::optional<double> HealthSummary::crash_free_sessions() const {
  const auto crashed = share(static_cast<double>(counts.crashed), static_cast<double>(counts.started));
  return crashed ? std::optional(1 - *crashed) : std::nullopt;
}

std::optional<double> HealthSummary::crash_free_users() const {
  const auto crashed = share(static_cast<double>(crashed_users), static_cast<double>(users));
  return crashed ? std::optional(1 - *crashed) : std::nullopt;
}

std::optional<double> ProjectHealth::adoption(const std::string& release) const {
  const auto found = releases.find(release);
  return found == releases.end() ? std::nullopt
                                 : share(static_cast<double>(found->second.counts.started),
                                         static_cast<double>(all.counts.started));
}

std::optional<double> ProjectHealth::user_adoption(const std::string& release) const {
  const auto found = releases.find(release);
  return found == releases.end()
             ? std::nullopt
             : share(static_cast<double>(found->second.users), static_cast<double>(all.users));
}

Result<std::map<ProjectId, ProjectHealth>> health_by_release(const std::vector<storage::SessionHour>& hours) {
  struct Sums {
    HealthSum all;
    std::map<std::string, HealthSum> releases;
  };
  std::map<ProjectId, Sums> sums;
  for (const auto& hour : hours) {
    Sums& project = sums[hour.project];
    TT_TRY(project.all.add(hour));
    TT_TRY(project.releases[hour.release].add(hour));
  }
  std::map<ProjectId, ProjectHealth> out;
  for (const auto& [project, sum] : sums) {
    ProjectHealth& health = out[project];
    health.all = sum.all.summary();
    for (const auto& [release, of_release] : sum.releases) health.releases[release] = of_release.summary();
  }
  return out;
}

Result<std::vector<HealthPoint>> health_over_time(const std::vector<storage::SessionHour>& hours,
                                                  TimeRange range, Nanos step) {
  const auto start_of = [&](UnixNanos time) { return time.ns - time.ns % step.count(); };
  std::map<std::int64_t, HealthSum> sums;
  for (std::int64_t t = start_of(range.from); t < range.to.ns; t += step.count()) sums[t];
  for (const auto& hour : hours) TT_TRY(sums[start_of(hour.hour)].add(hour));
  std::vector<HealthPoint> out;
  for (const auto& [time, sum] : sums) out.push_back({{time}, sum.summary()});
  return out;
}

}  // namespace telltale::health
