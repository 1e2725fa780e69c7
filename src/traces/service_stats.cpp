#include "traces/service_stats.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "base/limits.hpp"
#include "query/executor.hpp"
#include "search/histogram.hpp"
#include "traces/span_facts.hpp"

namespace telltale::traces {
namespace {

using storage::EventAggregateRow;
using storage::EventFilter;
using storage::MeasureOp;

constexpr Nanos kLeastLookBack = std::chrono::hours(1);
constexpr std::size_t kMaxGroups = 10'000;  // services, or releases of services, that the store keeps apart

using ServiceKey = std::pair<ProjectId, std::string>;

ServiceKey key_of(const EventAggregateRow& row) {
  std::uint32_t project = 0;
  std::from_chars(row.group[0].data(), row.group[0].data() + row.group[0].size(), project);
  return {ProjectId{project}, row.group[1]};
}

Quantile quantile_of(double ns) {
  if (std::isnan(ns)) return std::nullopt;
  return Nanos(std::max<std::int64_t>(static_cast<std::int64_t>(ns), 0));
}

storage::Measure duration_quantile(double q) {
  return {MeasureOp::quantile, std::string(attr::kDurationNs), q};
}

class ServiceReporter {
 public:
  ServiceReporter(storage::EventStore& store, const ServiceQuery& query, WorkContext& context)
      : store_(store), query_(query), context_(context) {
    report_.step = search::round_step(query.range, query.steps);
    for (UnixNanos t = search::bucket_start(query.range.from, report_.step); t < query.range.to;
         t = t + report_.step)
      report_.steps.push_back(t);
  }

  Result<ServiceReport> run() {
    TT_TRY(totals());
    TT_TRY(over_time());
    TT_TRY(failures());
    TT_TRY(releases());
    for (auto& [key, stats] : services_) report_.services.push_back(std::move(stats));
    return std::move(report_);
  }

 private:
  storage::EventAggregateQuery entry_spans() const {
    storage::EventAggregateQuery q;
    q.table = Table::spans;
    q.projects = query_.projects;
    q.range = query_.range;
    q.filter = entry_filter();
    q.group_by = {"project", "service"};
    q.measures = {{MeasureOp::count, {}, 0}};
    q.max_groups = kMaxGroups;
    return q;
  }
  storage::EventAggregateQuery entry_spans_over_time() const {
    storage::EventAggregateQuery q = entry_spans();
    q.bucket = report_.step;
    q.origin = report_.steps.front();
    return q;
  }

  Result<std::vector<EventAggregateRow>> run_limited(const storage::EventAggregateQuery& q) {
    TT_ASSIGN(auto rows, query::run_grouped(store_, q, context_));
    if (rows) return *std::move(rows);
    report_.complete = false;
    return std::vector<EventAggregateRow>();
  }

  Result<> totals() {
    storage::EventAggregateQuery q = entry_spans();
    for (const double share : {0.5, 0.95, 0.99}) q.measures.push_back(duration_quantile(share));
    TT_ASSIGN(auto rows, run_limited(q));
    if (rows.size() > limits::kMaxOverviewServices) {
      std::stable_sort(rows.begin(), rows.end(),
                       [](const auto& a, const auto& b) { return a.values[0] > b.values[0]; });
      rows.resize(limits::kMaxOverviewServices);
      report_.complete = false;
    }
    for (const EventAggregateRow& row : rows) {
      const ServiceKey key = key_of(row);
      ServiceStats& stats = services_[key];
      stats.project = key.first;
      stats.service = key.second;
      stats.requests = static_cast<std::uint64_t>(row.values[0]);
      stats.p50 = quantile_of(row.values[1]);
      stats.p95 = quantile_of(row.values[2]);
      stats.p99 = quantile_of(row.values[3]);
      stats.request_steps.resize(report_.steps.size());
      stats.error_steps.resize(report_.steps.size());
      stats.p95_steps.resize(report_.steps.size());
    }
    return {};
  }

  template <class F>
  void each_step(const std::vector<EventAggregateRow>& rows, F f) {
    for (const EventAggregateRow& row : rows) {
      const auto found = services_.find(key_of(row));
      if (found == services_.end()) continue;
      f(found->second, static_cast<std::size_t>((row.bucket - report_.steps.front()) / report_.step), row);
    }
  }

  Result<> over_time() {
    storage::EventAggregateQuery q = entry_spans_over_time();
    q.measures.push_back(duration_quantile(0.95));
    TT_ASSIGN(const auto rows, run_limited(q));
    each_step(rows, [](ServiceStats& stats, std::size_t step, const EventAggregateRow& row) {
      stats.request_steps[step] = static_cast<std::uint64_t>(row.values[0]);
      stats.p95_steps[step] = quantile_of(row.values[1]);
    });
    return {};
  }

  Result<> failures() {
    storage::EventAggregateQuery q = entry_spans_over_time();
    q.filter = EventFilter::all_of({entry_filter(), failed_filter()});
    TT_ASSIGN(const auto rows, run_limited(q));
    each_step(rows, [](ServiceStats& stats, std::size_t step, const EventAggregateRow& row) {
      stats.error_steps[step] = static_cast<std::uint64_t>(row.values[0]);
      stats.errors += stats.error_steps[step];
    });
    return {};
  }

  Result<> releases() {
    storage::EventAggregateQuery q = entry_spans_over_time();
    q.filter = EventFilter::all_of({entry_filter(), EventFilter::leaf(storage::FilterOp::exists, "release")});
    q.group_by.emplace_back("release");
    TT_ASSIGN(const auto rows, run_limited(q));
    std::map<std::pair<ServiceKey, std::string>, UnixNanos> first_step;
    std::set<std::string> names;
    for (const EventAggregateRow& row : rows) {  // by bucket, rising
      const ServiceKey key = key_of(row);
      if (!services_.contains(key)) continue;
      first_step.try_emplace({key, row.group[2]}, row.bucket);
      names.insert(row.group[2]);
    }
    TT_ASSIGN(const auto earlier, seen_earlier(names));
    for (const auto& [release, step] : first_step) {
      ServiceRelease out{release.second, std::max(step, query_.range.from), !earlier.contains(release)};
      if (out.is_new) {
        TT_ASSIGN(out.first_seen, first_span(release.first, release.second, step));
      }
      services_[release.first].releases.push_back(std::move(out));
    }
    for (auto& [key, stats] : services_) {
      std::stable_sort(stats.releases.begin(), stats.releases.end(),
                       [](const auto& a, const auto& b) { return a.first_seen > b.first_seen; });
      if (stats.releases.size() > limits::kMaxServiceReleases)
        stats.releases.resize(limits::kMaxServiceReleases);
    }
    return {};
  }

  Result<std::set<std::pair<ServiceKey, std::string>>> seen_earlier(const std::set<std::string>& names) {
    std::set<std::pair<ServiceKey, std::string>> out;
    if (names.empty()) return out;
    storage::EventAggregateQuery q = entry_spans();
    const Nanos length = std::max(query_.range.to - query_.range.from, kLeastLookBack);
    q.range = {query_.range.from - length, query_.range.from};
    q.filter =
        EventFilter::all_of({EventFilter::one_of("release", {names.begin(), names.end()}), entry_filter()});
    q.group_by.emplace_back("release");
    TT_ASSIGN(const auto rows, run_limited(q));
    for (const EventAggregateRow& row : rows) out.emplace(key_of(row), row.group[2]);
    return out;
  }

  Result<UnixNanos> first_span(const ServiceKey& key, const std::string& release, UnixNanos step) {
    storage::EventQuery q;
    q.table = Table::spans;
    q.projects = {key.first};
    q.range = {std::max(step, query_.range.from), std::min(step + report_.step, query_.range.to)};
    q.filter = EventFilter::all_of({EventFilter::leaf(storage::FilterOp::eq, "release", release),
                                    EventFilter::leaf(storage::FilterOp::eq, "service", key.second),
                                    entry_filter()});
    q.order = storage::Order::oldest_first;
    q.limit = 1;
    q.fields = {"release"};
    TT_ASSIGN(const auto rows, storage::collect(store_, q, context_));
    return rows.empty() ? q.range.from : rows.front().time;
  }

  storage::EventStore& store_;
  const ServiceQuery& query_;
  WorkContext& context_;
  ServiceReport report_;
  std::map<ServiceKey, ServiceStats> services_;
};

}  // namespace

Result<ServiceReport> service_report(storage::EventStore& store, const ServiceQuery& query,
                                     WorkContext& context) {
  return ServiceReporter(store, query, context).run();
}

}  // namespace telltale::traces
