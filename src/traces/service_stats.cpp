#include "traces/service_stats.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/limits.hpp"
#include "search/histogram.hpp"
#include "traces/span_facts.hpp"

namespace telltale::traces {
namespace {

constexpr std::size_t kBytesPerStep = 256;  // a service's counts and a sketch of a few buckets
constexpr Nanos kLeastLookBack = std::chrono::hours(1);

using ServiceKey = std::pair<ProjectId, std::string>;
using ReleaseKey = std::tuple<ProjectId, std::string, std::string>;

class ServiceReporter {
 public:
  ServiceReporter(storage::EventStore& store, const ServiceQuery& query, WorkContext& context)
      : store_(store), query_(query), context_(context) {
    report_.step = search::round_step(query.range, query.steps);
    for (UnixNanos t = search::bucket_start(query.range.from, report_.step); t < query.range.to;
         t = t + report_.step)
      report_.steps.push_back(t);
    report_.covered_from = query.range.from;
  }

  Result<ServiceReport> run() {
    TT_TRY(walk());
    TT_TRY(look_back());
    for (auto& [key, stats] : services_) {
      auto& releases = releases_[key];
      for (auto& [release, seen] : releases) stats.releases.push_back({release, seen.first, seen.second});
      std::stable_sort(stats.releases.begin(), stats.releases.end(),
                       [](const auto& a, const auto& b) { return a.first_seen > b.first_seen; });
      if (stats.releases.size() > limits::kMaxServiceReleases)
        stats.releases.resize(limits::kMaxServiceReleases);
      report_.services.push_back(std::move(stats));
    }
    return std::move(report_);
  }

 private:
  storage::EventQuery entry_spans(TimeRange range) const {
    storage::EventQuery spans;
    spans.table = Table::spans;
    spans.projects = query_.projects;
    spans.range = range;
    spans.filter = entry_filter();
    return spans;
  }

  Result<> walk() {
    storage::EventQuery spans = entry_spans(query_.range);
    spans.limit = limits::kMaxOverviewSpans;
    spans.fields = fact_fields();
    spans.fields.emplace_back("service");
    spans.fields.emplace_back("release");
    TT_ASSIGN(const auto cursor, store_.select(spans, context_));
    std::vector<EventRow> rows;
    UnixNanos last = query_.range.from;
    std::size_t read = 0;
    while (true) {
      TT_TRY(cursor->next(rows));
      if (rows.empty()) break;
      for (const EventRow& row : rows) TT_TRY(add(row));
      read += rows.size();
      last = rows.back().time;
    }
    if (read == limits::kMaxOverviewSpans) {
      report_.covered_from = last;
      report_.complete = false;
    }
    return {};
  }

  Result<ServiceStats*> stats_of(const EventRow& row) {
    const ServiceKey key{row.project, row.ids.service};
    auto found = services_.find(key);
    if (found != services_.end()) return &found->second;
    if (services_.size() == limits::kMaxOverviewServices) {
      report_.complete = false;
      return nullptr;
    }
    TT_TRY(context_.charge(report_.steps.size() * kBytesPerStep));
    ServiceStats fresh;
    fresh.project = row.project;
    fresh.service = row.ids.service;
    fresh.request_steps.resize(report_.steps.size());
    fresh.error_steps.resize(report_.steps.size());
    fresh.duration_steps.resize(report_.steps.size());
    return &services_.emplace(key, std::move(fresh)).first->second;
  }

  Result<> add(const EventRow& row) {
    TT_ASSIGN(ServiceStats* const stats, stats_of(row));
    if (stats == nullptr) return {};
    const auto step = static_cast<std::size_t>((row.time - report_.steps.front()) / report_.step);
    const Nanos duration = duration_of(row);
    stats->durations.add(duration);
    stats->duration_steps[step].add(duration);
    ++stats->request_steps[step];
    if (is_failed(row)) {
      ++stats->errors;
      ++stats->error_steps[step];
    }
    if (!row.ids.release.empty()) {
      auto& releases = releases_[{row.project, row.ids.service}];
      const auto [at, fresh] = releases.try_emplace(row.ids.release, row.time, true);
      if (fresh) TT_TRY(context_.charge(row.ids.release.size() + kBytesPerStep));
      at->second.first = std::min(at->second.first, row.time);
    }
    return {};
  }

  /// Releases met before the range are not new. The walk ends as soon as every one is found, which is soon
  /// unless one is new.
  Result<> look_back() {
    std::set<ReleaseKey> open;
    for (const auto& [key, releases] : releases_)
      for (const auto& [release, seen] : releases) open.emplace(key.first, key.second, release);
    if (open.empty()) return {};
    const Nanos length = std::max(query_.range.to - query_.range.from, kLeastLookBack);
    storage::EventQuery spans = entry_spans({query_.range.from - length, query_.range.from});
    spans.limit = limits::kMaxOverviewSpans;
    spans.fields = {"service", "release"};
    TT_ASSIGN(const auto cursor, store_.select(spans, context_));
    std::vector<EventRow> rows;
    while (!open.empty()) {
      TT_TRY(cursor->next(rows));
      if (rows.empty()) break;
      for (const EventRow& row : rows) {
        if (row.ids.release.empty() || open.erase({row.project, row.ids.service, row.ids.release}) == 0)
          continue;
        releases_[{row.project, row.ids.service}].at(row.ids.release).second = false;
      }
    }
    return {};
  }

  storage::EventStore& store_;
  const ServiceQuery& query_;
  WorkContext& context_;
  ServiceReport report_;
  std::map<ServiceKey, ServiceStats> services_;
  /// release → first seen, new
  std::map<ServiceKey, std::map<std::string, std::pair<UnixNanos, bool>>> releases_;
};

}  // namespace

Result<ServiceReport> service_report(storage::EventStore& store, const ServiceQuery& query,
                                     WorkContext& context) {
  return ServiceReporter(store, query, context).run();
}

}  // namespace telltale::traces
