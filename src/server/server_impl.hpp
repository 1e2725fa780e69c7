// The server's parts, for this folder's .cpp files: server.cpp makes and runs them, reload.cpp changes their
// settings.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "accounts/authenticator.hpp"
#include "alerting/issue_alerts.hpp"
#include "alerting/kept_rules.hpp"
#include "alerting/notifier.hpp"
#include "alerting/rule_manager.hpp"
#include "api/services.hpp"
#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "errors/project_rules.hpp"
#include "hostmetrics/host_source.hpp"
#include "ingest/ingest.hpp"
#include "ingest/tail_hub.hpp"
#include "io/disk_budget.hpp"
#include "metrics/scrape_manager.hpp"
#include "net/client.hpp"
#include "net/dns.hpp"
#include "net/grpc_server.hpp"
#include "net/server.hpp"
#include "promql/engine.hpp"
#include "quota/intake.hpp"
#include "redact/projects.hpp"
#include "server/alert_state.hpp"
#include "server/deletions.hpp"
#include "server/erasure.hpp"
#include "server/inputs.hpp"
#include "server/server.hpp"
#include "server/stores.hpp"

namespace telltale::server {

// Members stand in the order in which they are made; what runs (tasks, HTTP) stands last and ends first.
struct Server::Impl {
  Impl(config::Config c, ConfigSource source, const Clock& k, Logger& l)
      : load_config(std::move(source)), clock(k), log(l), config(std::move(c)) {}

  Result<> open();
  Result<> listen();
  /// Reads everything again and takes over what may change while running.
  Result<> reload();
  Result<> reload_now() TT_REQUIRES(reload_mutex);
  Result<> configure(const config::Config& next) TT_REQUIRES(reload_mutex);
  void run_tasks();
  net::Router make_router() TT_REQUIRES(reload_mutex);
  Result<std::string> backup(const std::string& directory);
  Result<std::string> snapshot();
  Result<> resolve_recovered(const storage::MonitorNotice& notice);
  Result<api::StorageReport> storage_report();
  api::ServerState state();

  const ConfigSource load_config;
  const Clock& clock;
  Logger& log;
  Mutex reload_mutex;
  config::Config config TT_GUARDED_BY(reload_mutex);  // what is in force
  const UnixNanos started = clock.now();
  UnixNanos configured TT_GUARDED_BY(reload_mutex) = started;
  std::string reload_problem TT_GUARDED_BY(reload_mutex);  // of the last one; empty: it went well
  UnixNanos reload_failed TT_GUARDED_BY(reload_mutex);
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> fs = io::make_posix_file_system();
  std::atomic<bool> ready{false};
  std::unique_ptr<io::DiskGuard> disk;
  std::unique_ptr<net::CurlHttpClient> http_client;
  net::SystemDnsClient dns_client;
  std::unique_ptr<alerting::Notifier> notifier;
  alerting::ProjectIssueAlerts issue_alert_rules;
  std::unique_ptr<alerting::IssueAlerts> issue_alerts;
  ingest::TailHub tails{metrics};
  std::unique_ptr<Stores> stores;
  std::unique_ptr<redact::Redactors> redactors;
  errors::ProjectRules grouping;
  quota::Intake intake;
  std::unique_ptr<Erasure> erasure;
  std::unique_ptr<DeletionQueue> deletions;
  std::unique_ptr<const redact::Redactor> redactor;  // of no project
  std::unique_ptr<accounts::Authenticator> accounts;
  std::unique_ptr<accounts::Sessions> sessions;
  std::string setup_token;  // until it is printed, once the address is known
  std::unique_ptr<ingest::Ingest> ingest;
  std::unique_ptr<ingest::PushGroups> push_groups;
  std::unique_ptr<ThreadPool> query_pool;
  std::unique_ptr<promql::Engine> promql;
  std::unique_ptr<RecordedAlertState> alert_state;
  std::unique_ptr<alerting::RuleManager> rules;
  std::unique_ptr<alerting::KeptRules> alert_rules;
  std::unique_ptr<hostmetrics::HostSource> host = hostmetrics::make_system_source();
  std::unique_ptr<metrics::ScrapeManager> scrapes;
  std::unique_ptr<api::WebFiles> web;
  std::unique_ptr<api::Services> services;
  std::unique_ptr<ThreadPool> scrape_pool;
  std::unique_ptr<net::HttpServer> http;
  std::unique_ptr<net::GrpcServer> grpc;
  std::unique_ptr<Inputs> inputs;
  std::vector<std::unique_ptr<PeriodicTask>> tasks;
  PeriodicTask* maintenance = nullptr;  // one of them
};

}  // namespace telltale::server
