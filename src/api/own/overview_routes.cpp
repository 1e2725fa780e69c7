// GET overview: how every service does and what changed, with no configuration: requests, errors and
// durations from spans, log records by level, issues, releases and alerts.
#include <algorithm>
#include <map>

#include "alerting/alert_history.hpp"
#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "base/limits.hpp"
#include "errors/issue_views.hpp"
#include "search/service_counts.hpp"
#include "traces/service_stats.hpp"

namespace telltale::api {
namespace {

using OverviewKey = std::pair<ProjectId, std::string>;

struct OverviewService {
  const traces::ServiceStats* spans = nullptr;
  std::array<std::uint64_t, search::kLevels> logs{};
  std::uint64_t new_issues = 0;
  std::uint64_t regressed_issues = 0;
};

struct Change {
  UnixNanos time;
  std::string_view kind;
  std::string title;
  std::string service;
  std::string link_id;
};

struct Overview {
  TimeRange range;
  traces::ServiceReport report;
  std::map<OverviewKey, OverviewService> services;
  std::vector<Change> changes;
  bool complete = true;
};

void add_issue_changes(const errors::IssueMarks& marks, Overview& out) {
  for (const auto& mark : marks.marks) {
    for (const auto& service : mark.services) {
      auto& entry = out.services[{mark.issue.project, service}];
      ++(mark.regressed ? entry.regressed_issues : entry.new_issues);
    }
    out.changes.push_back({mark.time, mark.regressed ? "issue_regressed" : "issue_new", mark.issue.title,
                           mark.services.empty() ? "" : mark.services.front(),
                           std::to_string(mark.issue.id.value)});
  }
  out.complete = out.complete && marks.complete;
}

void add_release_changes(Overview& out) {
  for (const auto& stats : out.report.services)
    for (const auto& release : stats.releases)
      if (release.is_new)
        out.changes.push_back(
            {release.first_seen, "release", release.release, stats.service, release.release});
}

void add_alert_changes(const std::vector<alerting::AlertChange>& alerts, Overview& out) {
  for (const auto& alert : alerts) {
    const std::string name(alert.labels.get("alertname"));
    out.changes.push_back({UnixNanos::from_millis(alert.time),
                           alert.firing ? "alert_firing" : "alert_resolved", name,
                           std::string(alert.labels.get("service")), name});
  }
}

Result<Overview> overview_of(const Services& services, const net::HttpRequest& request,
                             WorkContext& context) {
  Overview out;
  TT_ASSIGN(const auto projects, query_projects(services, request));
  TT_ASSIGN(out.range, window_params(services, request));
  traces::ServiceQuery query;
  query.projects = projects;
  query.range = out.range;
  query.steps = limits::kOverviewSteps;
  TT_ASSIGN(out.report, traces::service_report(services.events, query, context));
  out.complete = out.report.complete;
  for (const auto& stats : out.report.services) out.services[{stats.project, stats.service}].spans = &stats;
  TT_ASSIGN(const auto logs,
            search::service_counts(services.events, Table::logs, projects, out.range, context));
  out.complete = out.complete && logs.complete;
  for (const auto& [key, levels] : logs.services) out.services[key].logs = levels;
  TT_ASSIGN(const auto marks,
            errors::issue_marks(services.events, services.records, projects, out.range, context));
  add_issue_changes(marks, out);
  add_release_changes(out);
  TT_ASSIGN(const auto alerts, alerting::alert_changes(services.metrics, projects, out.range, context));
  add_alert_changes(alerts, out);
  std::stable_sort(out.changes.begin(), out.changes.end(),
                   [](const Change& a, const Change& b) { return a.time > b.time; });
  if (out.changes.size() > limits::kMaxChanges) out.changes.resize(limits::kMaxChanges);
  return out;
}

double milliseconds(Nanos d) { return static_cast<double>(d.count()) / 1e6; }

void write_quantile(JsonWriter& w, const traces::Quantile& quantile) {
  if (!quantile) {
    w.null();
  } else {
    w.number(milliseconds(*quantile));
  }
}

void write_counts(JsonWriter& w, std::string_view name, const std::vector<UnixNanos>& steps,
                  const std::vector<std::uint64_t>& counts) {
  w.key(name).begin_array();
  for (std::size_t i = 0; i < counts.size(); ++i)
    w.begin_array().number(unix_seconds(steps[i])).unsigned_integer(counts[i]).end_array();
  w.end_array();
}

void write_series(JsonWriter& w, const traces::ServiceReport& report, const traces::ServiceStats& stats) {
  write_counts(w, "requests", report.steps, stats.request_steps);
  write_counts(w, "errors", report.steps, stats.error_steps);
  w.key("p95_ms").begin_array();
  for (std::size_t i = 0; i < stats.p95_steps.size(); ++i) {
    w.begin_array().number(unix_seconds(report.steps[i]));
    write_quantile(w, stats.p95_steps[i]);
    w.end_array();
  }
  w.end_array();
}

void write_service(JsonWriter& w, const Overview& all, const OverviewKey& key,
                   const OverviewService& service) {
  static const traces::ServiceStats kNone;
  const traces::ServiceStats& stats = service.spans == nullptr ? kNone : *service.spans;
  const auto requests = static_cast<double>(stats.requests);
  const double covered = seconds(all.range.to - all.range.from);
  w.begin_object().field("service", key.second).field("project", std::uint64_t{key.first.value});
  w.field("requests", stats.requests).field("request_rate", covered > 0 ? requests / covered : 0.0);
  w.field("errors", stats.errors);
  w.field("error_rate", requests > 0 ? static_cast<double>(stats.errors) / requests : 0.0);
  write_quantile(w.key("p50_ms"), stats.p50);
  write_quantile(w.key("p95_ms"), stats.p95);
  write_quantile(w.key("p99_ms"), stats.p99);
  w.key("logs").begin_object();
  for (std::size_t level = 0; level < search::kLevels; ++level)
    if (service.logs[level] > 0) w.field(to_string(static_cast<Level>(level)), service.logs[level]);
  w.end_object();
  w.field("new_issues", service.new_issues).field("regressed_issues", service.regressed_issues);
  w.key("releases").begin_array();
  for (const auto& release : stats.releases) {
    w.begin_object().field("release", release.release);
    w.field("first_seen", format_rfc3339(release.first_seen)).field("new", release.is_new).end_object();
  }
  w.end_array().key("series").begin_object();
  write_series(w, all.report, stats);
  w.end_object().end_object();
}

void write_overview(JsonWriter& w, const Overview& all) {
  std::vector<std::pair<const OverviewKey*, const OverviewService*>> sorted;
  for (const auto& [key, service] : all.services) sorted.emplace_back(&key, &service);
  const auto requests = [](const OverviewService& s) {
    return s.spans == nullptr ? std::uint64_t{0} : s.spans->requests;
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto& a, const auto& b) { return requests(*a.second) > requests(*b.second); });
  w.field("step_s", seconds(all.report.step)).field("complete", all.complete);
  w.field("covered_from", format_rfc3339(all.range.from));
  w.key("services").begin_array();
  for (const auto& [key, service] : sorted) write_service(w, all, *key, *service);
  w.end_array().key("changes").begin_array();
  for (const auto& change : all.changes) {
    w.begin_object().field("time", format_rfc3339(change.time)).field("kind", change.kind);
    w.field("title", change.title);
    if (!change.service.empty()) w.field("service", change.service);
    w.field("link_id", change.link_id).end_object();
  }
  w.end_array();
}

}  // namespace

void add_overview_routes(net::Router& router, const Services& services) {
  router.add(
      "GET", "/api/telltale/v1/overview",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<Overview>(overview_of(services, r, c), write_overview);
      },
      query_route(services));
}

}  // namespace telltale::api
