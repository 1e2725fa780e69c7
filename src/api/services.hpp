// What handlers may call. server/ makes it; every surface has one function that adds its routes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "accounts/authenticator.hpp"
#include "accounts/sessions.hpp"
#include "alerting/issue_alert_rules.hpp"
#include "alerting/kept_rules.hpp"
#include "alerting/rule_manager.hpp"
#include "api/web/files.hpp"
#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "errors/ownership.hpp"
#include "errors/project_rules.hpp"
#include "health/attachments.hpp"
#include "health/monitors.hpp"
#include "health/release_health.hpp"
#include "ingest/ingest.hpp"
#include "ingest/push_groups.hpp"
#include "logmetrics/log_metrics.hpp"
#include "metricinfo/metric_info.hpp"
#include "metrics/scrape_manager.hpp"
#include "net/http.hpp"
#include "promql/engine.hpp"
#include "quota/usage.hpp"
#include "redact/projects.hpp"
#include "storage/erasure.hpp"
#include "storage/event_store.hpp"
#include "storage/metric_store.hpp"
#include "storage/records.hpp"

namespace telltale::api {

/// What one part of the data folder holds.
struct StoragePart {
  std::string name;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> rows;  // series, for metrics
  std::optional<UnixNanos> oldest;
  std::optional<UnixNanos> newest;
  std::optional<Nanos> retention;
};
/// How much of its limits on series a project has used.
struct SeriesUse {
  std::uint64_t series = 0;
  std::uint64_t max_series = 0;
  std::uint64_t new_this_hour = 0;
  std::uint64_t max_new_per_hour = 0;
};
struct StorageReport {
  std::uint64_t budget_bytes = 0;  // 0: not known yet
  std::uint64_t disk_free_bytes = 0;
  std::vector<StoragePart> parts;  // events without rows and times: the handler asks their store
  std::vector<std::pair<ProjectId, SeriesUse>> series;  // the handler's, too
};

/// Where alerts go, by the settings.
struct ReceiverName {
  std::string name;
  std::string type;  // webhook, slack, email
};

/// What the server knows of itself.
struct ServerState {
  UnixNanos started;
  std::string hostname;
  std::string working_directory;
  UnixNanos configured;        // when the settings in force were read
  std::string reload_problem;  // of the last reload; empty: it went well, or there was none
  UnixNanos reload_failed;
  Nanos metrics_retention{};
  std::vector<std::pair<std::string, std::string>> settings;  // in force, by name, without secrets
};

struct Services {
  accounts::Authenticator& accounts;
  ingest::Ingest& ingest;
  storage::EventStore& events;
  storage::MetricStore& metrics;
  storage::RecordStore& records;
  const promql::Engine& promql;
  const metrics::ScrapeManager& scrapes;
  const alerting::RuleManager& rules;
  MetricsRegistry& registry;
  const Clock& clock;
  std::string version;
  WorkLimits query_limits;
  std::function<bool()> ready;
  std::function<Result<>()> reload;
  std::function<Result<std::string>(const std::string& directory)> backup;  // its report as JSON
  std::function<Result<StorageReport>()> storage;
  const WebFiles& web;
  accounts::Sessions& sessions;
  const Logger& log;
  std::string external_url;
  std::string path_prefix;                 // of server.external_url: empty or `/telltale`
  redact::Redactors* redactors = nullptr;  // null: no policies of projects' own
  /// Both return when the rows are gone from the disk.
  std::function<Result<std::uint64_t>(const storage::EraseRequest&)> erase;
  std::function<Result<storage::PersonReport>(const storage::PersonRequest&)> erase_person;
  storage::Deletions* deletions = nullptr;        // null: nothing is deleted by queries
  logmetrics::LogMetrics* log_metrics = nullptr;  // null: there are none
  alerting::KeptRules* alert_rules = nullptr;     // the same
  std::function<std::vector<ReceiverName>(ProjectId)> receivers;
  alerting::ProjectIssueAlerts* issue_alerts = nullptr;
  errors::ProjectRules* grouping = nullptr;  // the same
  errors::ProjectOwnership* ownership = nullptr;
  health::ReleaseHealth* release_health = nullptr;
  health::Monitors* monitors = nullptr;
  health::Attachments* attachments = nullptr;
  quota::Intake* intake = nullptr;
  quota::UsageStore* usage = nullptr;
  ingest::PushGroups* push_groups = nullptr;  // null: nothing is pushed as to a Pushgateway
  metricinfo::MetricInfo* metric_info = nullptr;
  std::function<ServerState()> state;
  /// Everything that was accepted so far is in the stores; waits a little for it.
  std::function<bool()> settled;
  std::function<Result<std::string>()> snapshot;  // its name
  std::function<SeriesUse(ProjectId)> series_use;
};

void add_sentry_routes(net::Router& router, const Services& services);
/// Under /api/0/, for sentry-cli.
void add_sentry_web_routes(net::Router& router, const Services& services);
void add_loki_routes(net::Router& router, const Services& services);
void add_otlp_routes(net::Router& router, const Services& services);
void add_prometheus_routes(net::Router& router, const Services& services);
void add_own_routes(net::Router& router, const Services& services);
void add_influx_routes(net::Router& router, const Services& services);
void add_elastic_routes(net::Router& router, const Services& services);
void add_json_lines_routes(net::Router& router, const Services& services);
void add_cloudwatch_routes(net::Router& router, const Services& services);
void add_web_routes(net::Router& router, const Services& services);

/// The UI's file at the request's path, else its page; for `GET /`, which a surface may want for itself.
net::HttpResponse web_answer(const Services& services, const net::HttpRequest& request);

/// The UI's page when a browser opens an address that an API has, too (`/metrics`); else nothing.
std::optional<net::HttpResponse> page_for_browser(const Services& services, const net::HttpRequest& request);
/// With `nonce`, styles that carry it may be added.
std::string content_security_policy(std::string_view nonce);
/// What every answer of the server carries unless it says otherwise.
net::Headers security_headers();

/// The principal of a request's Authorization header, else of its session's cookie, once it has the scope. A
/// change made with a cookie must come from our own pages.
Result<accounts::Principal> authorise(const Services& services, const net::HttpRequest& request,
                                      accounts::Scope scope);
/// For what acts on the whole server or tells of it: admins of every project only.
Result<accounts::Principal> authorise_server_admin(const Services& services, const net::HttpRequest& request);
/// The projects a principal's queries may read.
Result<storage::Projects> readable_projects(const Services& services, const accounts::Principal& principal);

/// `{"error":{"kind":…,"message":…}}` with the kind's status; WWW-Authenticate or Retry-After where they
/// belong.
net::HttpResponse error_response(const Error& error);
/// Adds WWW-Authenticate to a 401 and Retry-After to a 429 or 503.
void add_error_headers(net::HttpResponse& response);

/// RFC 3339, or Unix seconds with a fraction. `field` names the parameter in the error.
Result<UnixNanos> parse_time_param(std::string_view field, std::string_view text);

}  // namespace telltale::api
