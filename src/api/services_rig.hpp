// For tests: everything a handler may call, on the naive stores and a disk in memory, and a router with every
// route.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "api/services.hpp"
#include "base/check.hpp"
#include "io/file_system.hpp"
#include "io/journal.hpp"
#include "metadb/metadb.hpp"
#include "redact/redactor.hpp"
#include "storage/memory_event_store.hpp"
#include "storage/memory_metric_store.hpp"
#include "transport/transport.hpp"

namespace telltale::api {

class NoHttpClient final : public transport::HttpClient {
 public:
  Result<transport::OutboundResponse> send(const transport::OutboundRequest&) override {
    return fail(ErrorKind::unavailable, "no network here");
  }
};

class NoDnsClient final : public transport::DnsClient {
 public:
  Result<std::vector<transport::DnsRecord>> lookup(const std::string&, transport::DnsType) override {
    return fail(ErrorKind::unavailable, "no network here");
  }
};

template <class T>
std::unique_ptr<T> made(Result<std::unique_ptr<T>> result) {
  TT_CHECK(result.has_value());
  return *std::move(result);
}

struct ServicesRig {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry registry;
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  std::unique_ptr<metadb::MetaDb> records = made(metadb::open_metadb(*fs, "data/meta", clock, log, registry));
  storage::MemoryEventStore events;
  std::unique_ptr<storage::MetricStore> metrics = storage::make_memory_metric_store();
  std::unique_ptr<io::Journal> journal =
      made(io::Journal::open(*fs, "data/journal", io::JournalOptions{}, clock, log, registry));
  ingest::Pipeline pipeline{*journal, {metrics.get(), &events}, *metrics, [] { return true; }, clock, log,
                            registry};
  std::unique_ptr<const redact::Redactor> redactor = made(redact::Redactor::create({}));
  ingest::Ingest ingest{pipeline, *redactor, clock, registry, ingest::IngestOptions{}};
  std::unique_ptr<ingest::PushGroups> push_groups =
      made(ingest::PushGroups::open(*records, ingest, clock, log));
  std::unique_ptr<metricinfo::MetricInfo> metric_info =
      made(metricinfo::MetricInfo::open(*fs, "data/metricinfo/info", clock, log, registry));
  promql::Engine promql{*metrics};
  NoHttpClient http;
  NoDnsClient dns;
  metrics::ScrapeManager scrapes{
      {http, dns, *fs, clock, log}, registry, [](ProjectId, UnixNanos, const metrics::Scraped&) -> Result<> {
        return {};
      }};
  alerting::RuleManager rules{
      {promql, &events},
      clock,
      [](ProjectId, const std::vector<std::pair<Labels, Sample>>&) -> Result<> { return {}; },
      [](ProjectId, const std::vector<alerting::Alert>&) {},
      nullptr,
      registry};
  alerting::KeptRules alert_rules{*records, rules, clock, log};
  std::unique_ptr<logmetrics::LogMetrics> log_metrics =
      made(logmetrics::LogMetrics::open(*records, clock, log, registry));
  std::unique_ptr<health::ReleaseHealth> release_health =
      made(health::ReleaseHealth::open(*records, clock, log, registry));
  std::unique_ptr<health::Monitors> monitors = made(health::Monitors::open(*records, clock, log, registry));
  std::unique_ptr<health::Attachments> attachments =
      made(health::Attachments::open(*records, *fs, "data/attachments", clock, log, registry));
  std::unique_ptr<quota::UsageStore> usage = made(quota::UsageStore::open(*records, clock, log));
  quota::Intake intake;
  WebFiles web{*fs, ""};
  accounts::Authenticator accounts{*records, clock, log, registry};
  accounts::Sessions sessions{*records, accounts, {}, clock, log, registry};
  std::unique_ptr<redact::Redactors> redactors = made(redact::Redactors::create({}, "key"));
  errors::ProjectRules grouping;
  errors::ProjectOwnership ownership;
  alerting::ProjectIssueAlerts issue_alerts;
  Services services{accounts,
                    ingest,
                    events,
                    *metrics,
                    *records,
                    promql,
                    scrapes,
                    rules,
                    registry,
                    clock,
                    "test",
                    WorkLimits{},
                    [] { return true; },
                    []() -> Result<> { return {}; },
                    [](const std::string&) -> Result<std::string> { return std::string("{}"); },
                    []() -> Result<StorageReport> { return StorageReport{}; },
                    web,
                    sessions,
                    log,
                    "",
                    "",
                    redactors.get()};
  net::Router router = make_router();

  net::Router make_router() {
    services.grouping = &grouping;
    services.ownership = &ownership;
    services.issue_alerts = &issue_alerts;
    services.release_health = release_health.get();
    services.monitors = monitors.get();
    services.attachments = attachments.get();
    services.intake = &intake;
    services.usage = usage.get();
    services.push_groups = push_groups.get();
    services.metric_info = metric_info.get();
    services.settled = [] { return true; };
    services.log_metrics = log_metrics.get();
    services.alert_rules = &alert_rules;
    net::Router made_router;
    add_sentry_routes(made_router, services);
    add_sentry_web_routes(made_router, services);
    add_loki_routes(made_router, services);
    add_elastic_routes(made_router, services);
    add_json_lines_routes(made_router, services);
    add_cloudwatch_routes(made_router, services);
    add_otlp_routes(made_router, services);
    add_influx_routes(made_router, services);
    add_prometheus_routes(made_router, services);
    add_own_routes(made_router, services);
    add_web_routes(made_router, services);
    return made_router;
  }
};

}  // namespace telltale::api
