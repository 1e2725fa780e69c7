// GET around: what else happened at a time. GET search: a few things of every kind whose name has a text.
#include <algorithm>
#include <cstdlib>
#include <queue>
#include <set>

#include "alerting/alert_history.hpp"
#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "errors/issue_views.hpp"
#include "traces/service_stats.hpp"
#include "traces/span_facts.hpp"

namespace telltale::api {
namespace {

using storage::EventFilter;
using storage::FilterOp;

// ── around ──

struct Moment {
  UnixNanos time;
  TimeRange range;
  storage::Projects projects;
  std::string service;  // empty: every one
};

struct AroundAlert {
  std::string state;
  Labels labels;
  Labels annotations;
  UnixNanos active_at;
  double value = 1;
};

struct AroundRelease {
  std::string service;
  traces::ServiceRelease release;
};

struct Around {
  Rows logs, errors, spans;
  std::vector<storage::Issue> issues;
  std::vector<AroundAlert> alerts;
  std::vector<AroundRelease> releases;
};

Result<Moment> moment_params(const Services& services, const net::HttpRequest& request) {
  Moment out;
  TT_ASSIGN(out.projects, query_projects(services, request));
  const auto time = request.param("time");
  if (!time || time->empty()) return fail(ErrorKind::invalid_argument, "time: missing");
  TT_ASSIGN(out.time, parse_time_param("time", *time));
  TT_ASSIGN(const auto minutes, number_param(request, "minutes", 5, 1, limits::kMaxAroundMinutes));
  const Nanos side = std::chrono::minutes(minutes);
  if (out.time.ns < side.count() || out.time.ns > INT64_MAX - 2 * side.count())
    return fail(ErrorKind::invalid_argument, "time: out of range");
  out.range = {out.time - side, out.time + side};
  out.service = std::string(request.param("service").value_or(""));
  return out;
}

storage::EventQuery around_rows(const Moment& moment, Table table, std::vector<EventFilter> conditions = {}) {
  storage::EventQuery query;
  query.table = table;
  query.projects = moment.projects;
  query.range = moment.range;
  query.limit = limits::kMaxAroundRows;
  if (!moment.service.empty())
    conditions.push_back(EventFilter::leaf(FilterOp::eq, "service", moment.service));
  query.filter = EventFilter::all_of(std::move(conditions));
  return query;
}

/// The query's rows nearest to the moment, in order of time.
Result<Rows> nearest_rows(const Services& services, const Moment& moment, storage::EventQuery query,
                          WorkContext& context) {
  query.range = {moment.range.from, moment.time};
  query.order = storage::Order::newest_first;
  TT_ASSIGN(Rows rows, storage::collect(services.events, query, context));
  query.range = {moment.time, moment.range.to};
  query.order = storage::Order::oldest_first;
  TT_ASSIGN(Rows after, storage::collect(services.events, query, context));
  std::move(after.begin(), after.end(), std::back_inserter(rows));
  const auto distance = [&](const EventRow& row) { return std::abs((row.time - moment.time).count()); };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  if (rows.size() > query.limit) rows.resize(query.limit);
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  return rows;
}

/// Errors and warnings first, then others as far as there is room.
Result<Rows> around_logs(const Services& services, const Moment& moment, WorkContext& context) {
  const EventFilter severe = EventFilter::one_of("level", {"warning", "error", "fatal"});
  TT_ASSIGN(Rows rows, nearest_rows(services, moment, around_rows(moment, Table::logs, {severe}), context));
  storage::EventQuery others =
      around_rows(moment, Table::logs, {EventFilter{FilterOp::none, {}, {}, {severe}, {}}});
  others.limit = limits::kMaxAroundRows - rows.size();
  if (others.limit == 0) return rows;
  TT_ASSIGN(Rows more, nearest_rows(services, moment, std::move(others), context));
  std::move(more.begin(), more.end(), std::back_inserter(rows));
  return rows;
}

/// Failed ones first, the slowest of each first.
Result<Rows> around_spans(const Services& services, const Moment& moment, WorkContext& context) {
  const auto rank = [](const EventRow& span) {
    return std::make_pair(traces::is_failed(span), traces::duration_of(span));
  };
  const auto worse = [&](const EventRow& a, const EventRow& b) { return rank(a) > rank(b); };
  storage::EventQuery query = around_rows(moment, Table::spans);
  query.limit = limits::kMaxAroundSpans;
  TT_ASSIGN(const auto cursor, services.events.select(query, context));
  // The top is the least of those kept.
  std::priority_queue<EventRow, Rows, decltype(worse)> kept(worse);
  Rows batch;
  while (true) {
    TT_TRY(cursor->next(batch));
    if (batch.empty()) break;
    for (EventRow& row : batch) {
      if (kept.size() == limits::kMaxAroundRows) {
        if (!worse(row, kept.top())) continue;
        kept.pop();
      }
      kept.push(std::move(row));
    }
  }
  Rows out;
  for (; !kept.empty(); kept.pop()) out.push_back(kept.top());
  std::reverse(out.begin(), out.end());
  return out;
}

bool of_service(const Labels& labels, const std::string& service) {
  const auto label = labels.get("service");
  return service.empty() || label.empty() || label == service;
}

/// Alerts that are active by now and were then, and those that began or ended around the moment.
Result<std::vector<AroundAlert>> around_alerts(const Services& services, const Moment& moment,
                                               WorkContext& context) {
  std::vector<AroundAlert> out;
  const auto known = [&](const Labels& labels) {
    return std::any_of(out.begin(), out.end(), [&](const auto& alert) { return alert.labels == labels; });
  };
  for (const auto& group : services.rules.status(moment.projects)) {
    for (const auto& rule : group.rules) {
      for (const auto& alert : rule.alerts) {
        const UnixNanos since = UnixNanos::from_millis(alert.active_at);
        if (since < moment.range.to && of_service(alert.labels, moment.service))
          out.push_back(
              {std::string(to_string(alert.state)), alert.labels, alert.annotations, since, alert.value});
      }
    }
  }
  TT_ASSIGN(const auto changes,
            alerting::alert_changes(services.metrics, moment.projects, moment.range, context));
  for (const auto& change : changes) {
    if (known(change.labels) || !of_service(change.labels, moment.service)) continue;
    out.push_back({"resolved", change.labels, Labels(), UnixNanos::from_millis(change.time), 1});
  }
  if (out.size() > limits::kMaxAroundRows) out.resize(limits::kMaxAroundRows);
  return out;
}

Result<Around> around(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto moment, moment_params(services, request));
  Around out;
  TT_ASSIGN(out.logs, around_logs(services, moment, context));
  TT_ASSIGN(out.errors, nearest_rows(services, moment, around_rows(moment, Table::errors), context));
  TT_ASSIGN(out.spans, around_spans(services, moment, context));
  TT_ASSIGN(out.issues, errors::issues_of_rows(services.records, out.errors));
  TT_ASSIGN(out.alerts, around_alerts(services, moment, context));
  TT_ASSIGN(const auto report,
            traces::service_report(services.events, {moment.projects, moment.range, 1}, context));
  for (const auto& stats : report.services)
    for (const auto& release : stats.releases)
      if (release.is_new && (moment.service.empty() || moment.service == stats.service))
        out.releases.push_back({stats.service, release});
  return out;
}

void write_label_object(JsonWriter& w, std::string_view name, const Labels& labels) {
  w.key(name).begin_object();
  for (const auto& label : labels) w.field(label.name, label.value);
  w.end_object();
}

void write_around(JsonWriter& w, const Around& found) {
  write_rows(w, "logs", found.logs);
  write_rows(w, "errors", found.errors);
  write_rows(w, "spans", found.spans);
  w.key("issues").begin_array();
  for (const auto& issue : found.issues) write_issue(w, issue);
  w.end_array().key("alerts").begin_array();
  for (const auto& alert : found.alerts) {
    w.begin_object().field("name", alert.labels.get("alertname")).field("state", alert.state);
    write_label_object(w, "labels", alert.labels);
    write_label_object(w, "annotations", alert.annotations);
    w.field("active_at", format_rfc3339(alert.active_at)).key("value").number(alert.value).end_object();
  }
  w.end_array().key("releases").begin_array();
  for (const auto& [service, release] : found.releases) {
    w.begin_object().field("release", release.release).field("service", service);
    w.field("first_seen", format_rfc3339(release.first_seen)).end_object();
  }
  w.end_array();
}

// ── search over everything ──

constexpr Nanos kRecent = std::chrono::hours(24);  // services and metrics seen since

struct Found {
  std::vector<storage::Issue> issues;
  std::vector<std::string> services, traces, metrics;
};

/// Names with the text in them, any case: those that begin with it first.
template <class Names>
std::vector<std::string> named_like(const Names& names, std::string_view text) {
  const std::string wanted = to_lower(text);
  std::vector<std::string> out;
  for (const bool at_start : {true, false}) {
    for (const auto& name : names) {
      const std::size_t at = to_lower(name).find(wanted);
      if (at == std::string::npos || (at == 0) != at_start || out.size() == limits::kMaxQuickAnswers)
        continue;
      out.emplace_back(name);
    }
  }
  return out;
}

Result<std::vector<std::string>> service_names(const Services& services, const storage::Projects& projects,
                                               WorkContext& context) {
  std::set<std::string> names;
  for (const Table table : kTables) {
    storage::EventCountQuery query;
    query.table = table;
    query.projects = projects;
    query.range = {services.clock.now() - kRecent, services.clock.now() + kRecent};
    query.group_by = "service";
    query.max_groups = limits::kMaxHistogramGroups;
    TT_ASSIGN(const auto counts, services.events.count(query, context));
    for (const auto& count : counts)
      if (!count.group.empty()) names.insert(count.group);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<Found> find_anything(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto projects, query_projects(services, request));
  const std::string text(request.param("query").value_or(""));
  if (text.empty()) return fail(ErrorKind::invalid_argument, "query: missing");
  Found out;
  storage::IssueQuery issues;
  issues.projects = projects;
  issues.text = text;
  issues.limit = limits::kMaxQuickAnswers;
  TT_ASSIGN(out.issues, services.records.issues().search(issues));
  TT_ASSIGN(const auto names, service_names(services, projects, context));
  out.services = named_like(names, text);
  if (const auto id = Id128::parse(text); id && text.size() >= 32) {
    storage::EventQuery spans;
    spans.table = Table::spans;
    spans.projects = projects;
    spans.filter = EventFilter::leaf(FilterOp::eq, "trace_id", id->hex());
    spans.limit = 1;
    TT_ASSIGN(const auto rows, storage::collect(services.events, spans, context));
    if (!rows.empty()) out.traces.push_back(id->hex());
  }
  storage::LabelQuery metrics;
  metrics.projects = projects;
  const UnixMillis now = services.clock.now().to_millis();
  metrics.range = {now - std::chrono::duration_cast<Millis>(kRecent), now};
  TT_ASSIGN(const auto metric_names, services.metrics.label_values(kMetricName, metrics, context));
  out.metrics = named_like(metric_names, text);
  return out;
}

void write_names(JsonWriter& w, std::string_view key, const std::vector<std::string>& names) {
  w.key(key).begin_array();
  for (const auto& name : names) w.string(name);
  w.end_array();
}

void write_found(JsonWriter& w, const Found& found) {
  w.key("issues").begin_array();
  for (const auto& issue : found.issues) write_issue(w, issue);
  w.end_array();
  write_names(w, "services", found.services);
  write_names(w, "traces", found.traces);
  write_names(w, "metrics", found.metrics);
}

}  // namespace

void add_find_routes(net::Router& router, const Services& services) {
  router.add(
      "GET", "/api/telltale/v1/around",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<Around>(around(services, r, c), write_around);
      },
      query_route(services));
  router.add(
      "GET", "/api/telltale/v1/search",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<Found>(find_anything(services, r, c), write_found);
      },
      query_route(services));
}

}  // namespace telltale::api
