#include "server/server.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <glob.h>

#include "accounts/authenticator.hpp"
#include "alerting/notifier.hpp"
#include "alerting/rule_file.hpp"
#include "alerting/rule_manager.hpp"
#include "api/own/tail.hpp"
#include "api/services.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "ingest/ingest.hpp"
#include "ingest/tail_hub.hpp"
#include "io/disk_budget.hpp"
#include "metrics/scrape_manager.hpp"
#include "net/client.hpp"
#include "net/server.hpp"
#include "promql/engine.hpp"
#include "server/alert_state.hpp"
#include "server/stores.hpp"

namespace telltale::server {
namespace {

constexpr std::size_t kScrapeThreads = 4;
constexpr std::size_t kMaxQueuedScrapes = 10'000;

// The files that match a glob, relative to the folder of the file that named it.
std::vector<std::string> matching_files(const std::string& pattern, const std::string& named_in) {
  const bool relative = !pattern.starts_with('/') && !named_in.empty();
  const std::string full = relative ? io::join_path(io::parent_dir(named_in), pattern) : pattern;
  std::vector<std::string> files;
  glob_t found{};
  if (::glob(full.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  if (files.empty() && full.find_first_of("*?[") == std::string::npos) files.push_back(full);
  return files;
}

std::pair<std::string, std::uint16_t> split_address(const std::string& listen) {
  const auto colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, static_cast<std::uint16_t>(std::stoi(listen.substr(colon + 1)))};
}

accounts::Bootstrap bootstrap_of(const config::BootstrapConfig& from) {
  accounts::Bootstrap values;
  for (const auto& t : from.tokens) {
    values.tokens.push_back(
        {t.name, storage::role_from(t.role).value_or(storage::Role::viewer), t.project, t.secret});
  }
  for (const auto& p : from.projects) values.projects.push_back({p.id, p.slug, p.dsn_key});
  return values;
}

/// `/telltale` of `https://host/telltale/`; empty when the URL has no path.
std::string path_of_url(const std::string& url) {
  const auto scheme = url.find("://");
  const auto slash = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  if (slash == std::string::npos) return {};
  std::string path = url.substr(slash, url.find_first_of("?#", slash) - slash);
  while (path.ends_with('/')) path.pop_back();
  return path;
}

/// `https://host:port` of a URL; empty when it is none.
std::string origin_of_url(const std::string& url) {
  const auto scheme = url.find("://");
  return scheme == std::string::npos ? std::string() : url.substr(0, url.find_first_of("/?#", scheme + 3));
}

alerting::IssueNotice notice_of(const errors::IssueEvent& event) {
  const auto& issue = event.issue;
  alerting::IssueNotice notice;
  const bool fresh = event.change == errors::IssueChange::fresh;
  notice.title = fmt::format("{}: {}", fresh ? "New error" : "Regression", issue.title);
  notice.text = issue.culprit;
  notice.severity = std::string(to_string(issue.level));
  notice.fields = {{"Issue", issue.short_id},
                   {"Release", issue.last_release},
                   {"Events", fmt::format("{}", issue.event_count)}};
  return notice;
}

}  // namespace

// Members stand in the order in which they are made; what runs (tasks, HTTP) stands last and ends first.
struct Server::Impl {
  Impl(config::Config c, const Clock& k, const Logger& l) : config(std::move(c)), clock(k), log(l) {}

  Result<> open();
  Result<> listen();
  Result<> reload();
  void run_tasks();
  void enforce_table_shares();
  net::Router make_router();
  Result<std::string> backup(const std::string& directory);

  const config::Config config;
  const Clock& clock;
  const Logger& log;
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> fs = io::make_posix_file_system();
  std::atomic<bool> ready{false};
  std::unique_ptr<io::DiskGuard> disk;
  std::unique_ptr<net::CurlHttpClient> http_client;
  std::unique_ptr<alerting::Notifier> notifier;
  ingest::TailHub tails{metrics};
  std::unique_ptr<Stores> stores;
  std::unique_ptr<const redact::Redactor> redactor;
  std::unique_ptr<accounts::Authenticator> accounts;
  std::unique_ptr<ingest::Ingest> ingest;
  std::unique_ptr<promql::Engine> promql;
  std::unique_ptr<RecordedAlertState> alert_state;
  std::unique_ptr<alerting::RuleManager> rules;
  std::unique_ptr<metrics::ScrapeManager> scrapes;
  std::unique_ptr<api::WebFiles> web;
  std::unique_ptr<api::Services> services;
  std::unique_ptr<ThreadPool> scrape_pool;
  std::unique_ptr<net::HttpServer> http;
  std::vector<std::unique_ptr<PeriodicTask>> tasks;
};

void Server::Impl::enforce_table_shares() {
  const auto numbers = stores->metrics().stats();
  std::vector<io::TableUsage> usage = {{"metrics", numbers.disk_bytes, limits::kMetricsBudgetPercent}};
  for (const auto& [table, bytes] : stores->events().stats().disk_bytes) {
    const int percent = table == Table::logs    ? limits::kLogsBudgetPercent
                        : table == Table::spans ? limits::kSpansBudgetPercent
                                                : limits::kErrorsBudgetPercent;
    usage.push_back({std::string(to_string(table)), bytes, percent});
  }
  for (const auto& [name, excess] : disk->check_tables(usage)) {
    const auto table =
        std::find_if(std::begin(kTables), std::end(kTables), [&](Table t) { return to_string(t) == name; });
    if (table == std::end(kTables)) continue;  // metrics: only the warning
    for (std::uint64_t freed = 0; freed < excess;) {
      const auto dropped = stores->events().drop_oldest_day(*table);
      if (!dropped || *dropped == 0) break;
      freed += *dropped;
    }
  }
}

Result<> Server::Impl::open() {
  TT_ASSIGN(http_client, net::CurlHttpClient::create({.outbound_allow = config.net.outbound_allow}));
  alerting::NotifierOptions notify_options;
  notify_options.external_url = config.server.external_url;
  notify_options.group_wait = std::chrono::duration_cast<Millis>(config.alerting.group_wait);
  notify_options.group_interval = std::chrono::duration_cast<Millis>(config.alerting.group_interval);
  notify_options.repeat_interval = std::chrono::duration_cast<Millis>(config.alerting.repeat_interval);
  notifier = std::make_unique<alerting::Notifier>(*http_client, clock, metrics, log, notify_options);
  std::vector<alerting::Receiver> receivers;
  for (const auto& r : config.receivers) {
    alerting::Receiver receiver;
    receiver.name = r.name;
    receiver.kind = r.type == config::ReceiverType::slack ? alerting::ReceiverKind::slack
                                                          : alerting::ReceiverKind::webhook;
    receiver.url = r.url;
    receiver.send_resolved = r.send_resolved;
    receivers.push_back(std::move(receiver));
  }
  notifier->set_receivers(std::move(receivers));

  disk = std::make_unique<io::DiskGuard>(*fs, config.server.data_dir,
                                         io::DiskGuardOptions{.reserve_bytes = config.storage.reserve_bytes,
                                                              .max_bytes = config.storage.max_bytes},
                                         log, metrics);
  TT_ASSIGN(stores, Stores::open(
                        *fs, config,
                        [this](const errors::IssueEvent& event) {
                          const auto queued = notifier->notify_issue(event.issue.project, notice_of(event));
                          if (!queued)
                            log.warn("issue notice dropped", {{"reason", queued.error().message()}});
                        },
                        [this] { return disk->accepting_writes(); }, clock, log, metrics,
                        [this](const auto& batch) { tails.offer(batch); }));
  disk->poll();
  TT_ASSIGN(redactor, redact::Redactor::create({}));
  accounts = std::make_unique<accounts::Authenticator>(stores->records(), clock, log, metrics);
  TT_ASSIGN(const auto outcome, accounts->bootstrap(bootstrap_of(config.bootstrap)));
  if (outcome.setup_token) {
    // For people only: it goes to the terminal, never to the log.
    fmt::print(stderr, "No admin token yet. One-time setup token: {}\n", *outcome.setup_token);
  }
  ingest = std::make_unique<ingest::Ingest>(
      stores->pipeline(), *redactor, clock, metrics,
      ingest::IngestOptions{.max_past = config.ingest.max_past,
                            .max_future = config.ingest.max_future,
                            .slug_of = [this](ProjectId project) {
                              const auto found = stores->records().projects().get(project);
                              return found ? found->slug : std::string();
                            }});

  promql = std::make_unique<promql::Engine>(stores->metrics());
  alert_state = std::make_unique<RecordedAlertState>(stores->records());
  alerting::RuleManagerOptions rule_options;
  rule_options.default_interval = std::chrono::duration_cast<Millis>(config.rules.evaluation_interval);
  rule_options.external_url = config.server.external_url;
  rules = std::make_unique<alerting::RuleManager>(
      *promql, clock,
      [this](ProjectId project, std::vector<std::pair<Labels, Sample>> samples) {
        return stores->pipeline().write_samples(project, clock.now(), samples);
      },
      [this](ProjectId project, const std::vector<alerting::Alert>& alerts) {
        notifier->take(project, alerts);
      },
      alert_state.get(), metrics, rule_options);
  scrapes = std::make_unique<metrics::ScrapeManager>(
      *http_client, *fs, clock, log, metrics,
      [this](ProjectId project, UnixNanos now, metrics::ScrapedSamples samples) {
        return stores->pipeline().write_samples(project, now, samples);
      });
  return reload();
}

Result<> Server::Impl::reload() {
  metrics::ScrapeConfig scrape_config;
  std::vector<std::string> rule_files;
  if (!config.prometheus_config_file.empty()) {
    TT_ASSIGN(const auto text, io::read_file(*fs, config.prometheus_config_file));
    TT_ASSIGN(scrape_config, metrics::parse_scrape_config(text, config.prometheus_config_file));
    for (const auto& pattern : scrape_config.rule_files) {
      for (auto& file : matching_files(pattern, config.prometheus_config_file))
        rule_files.push_back(std::move(file));
    }
  }
  for (const auto& pattern : config.rules.files) {
    for (auto& file : matching_files(pattern, "")) rule_files.push_back(std::move(file));
  }
  std::vector<alerting::RuleGroup> groups;
  for (const auto& file : rule_files) {
    TT_ASSIGN(const auto text, io::read_file(*fs, file));
    TT_ASSIGN(auto some, alerting::parse_rule_file(text, file));
    std::move(some.begin(), some.end(), std::back_inserter(groups));
  }
  for (const auto& warning : scrape_config.warnings)
    log.warn("prometheus configuration", {{"warning", warning}});
  scrapes->configure(std::move(scrape_config));
  rules->set_groups(ProjectId{1}, std::move(groups));
  return {};
}

Result<std::string> Server::Impl::backup(const std::string& directory) {
  TT_ASSIGN(const auto files, stores->backup(directory));
  JsonWriter w;
  w.begin_object().field("directory", directory).field("files", std::uint64_t{files}).end_object();
  return w.take();
}

net::Router Server::Impl::make_router() {
  net::Router router;
  web = std::make_unique<api::WebFiles>(*fs, config.ui.dir);
  services = std::make_unique<api::Services>(api::Services{
      *accounts, *ingest, stores->events(), stores->metrics(), stores->records(), *promql, *scrapes, *rules,
      metrics, clock, kVersion, WorkLimits{config.query.timeout, config.query.max_memory},
      [this] { return ready.load(); }, [this] { return reload(); },
      [this](const std::string& directory) { return backup(directory); }, *web,
      path_of_url(config.server.external_url)});
  api::add_sentry_routes(router, *services);
  api::add_loki_routes(router, *services);
  api::add_otlp_routes(router, *services);
  api::add_prometheus_routes(router, *services);
  api::add_own_routes(router, *services);
  api::add_web_routes(router, *services);
  return router;
}

Result<> Server::Impl::listen() {
  net::HttpServerOptions options;
  std::tie(options.address, options.port) = split_address(config.server.listen);
  options.tls.cert_file = config.tls.cert;
  options.tls.key_file = config.tls.key;
  options.tls.self_signed = config.tls.self_signed;
  options.tls.client_ca_file = config.tls.client_ca;
  const bool loopback =
      options.address == "localhost" || options.address == "::1" || options.address.starts_with("127.");
  if (!loopback && !options.tls.enabled() && !config.server.insecure_http) {
    return fail(
        ErrorKind::invalid_argument,
        "server.listen: plain text is served on loopback only; set tls.cert and tls.key, tls.self_signed, or "
        "server.insecure_http");
  }
  options.handler_threads = config.server.worker_threads != 0
                                ? config.server.worker_threads
                                : std::max<std::size_t>(16, 4 * std::thread::hardware_concurrency());
  options.limits.max_body_bytes = config.ingest.max_body;
  options.trusted_proxies = config.server.trusted_proxies;
  options.path_prefix = path_of_url(config.server.external_url);
  options.headers = api::security_headers();
  if (!config.server.external_url.empty()) {
    options.websocket_origins.push_back(origin_of_url(config.server.external_url));
  }
  http = std::make_unique<net::HttpServer>(options, make_router(), clock, log, metrics);
  net::RouteOptions tail_options;
  tail_options.name = "own_tail";
  http->add_websocket(api::kTailPath, api::tail_accept(*services, tails), tail_options);
  return http->start();
}

void Server::Impl::run_tasks() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  scrape_pool = std::make_unique<ThreadPool>("scrape", kScrapeThreads, kMaxQueuedScrapes);
  const auto every = [this](const char* name, Nanos period, std::function<void()> tick) {
    tasks.push_back(std::make_unique<PeriodicTask>(name, period, std::move(tick)));
  };
  every("scrapes", milliseconds(250), [this] { scrapes->tick(clock.now(), scrape_pool.get()); });
  every("rules", milliseconds(500), [this] { rules->tick(); });
  every("notifier", milliseconds(250), [this] { notifier->tick(); });
  every("disk", seconds(1), [this] { disk->poll(); });
  every("checkpoints", seconds(1), [this] { (void)stores->pipeline().checkpoint(false); });
  every("maintenance", seconds(60), [this] {
    if (const auto done = stores->maintain(); !done) {
      log.warn("maintenance failed", {{"reason", done.error().message()}});
    }
    enforce_table_shares();
  });
}

Server::Server(config::Config config, const Clock& clock, const Logger& log)
    : impl_(std::make_unique<Impl>(std::move(config), clock, log)) {}

Server::~Server() { stop(); }

Result<> Server::start() {
  TT_TRY(impl_->open());
  impl_->ready = true;
  TT_TRY(impl_->listen());
  impl_->run_tasks();
  impl_->log.info("telltale is ready", {{"url", url()}, {"data", impl_->config.server.data_dir}});
  return {};
}

void Server::stop() {
  impl_->ready = false;
  impl_->tails.stop();  // before the sessions that it sends to
  if (impl_->http) impl_->http->stop();
  impl_->tasks.clear();
  if (impl_->http_client) impl_->http_client->cancel_all();
  impl_->scrape_pool.reset();
  if (impl_->stores) impl_->stores->stop();
}

Result<> Server::reload() { return impl_->reload(); }

std::string Server::url() const { return impl_->http ? impl_->http->url() : std::string(); }

}  // namespace telltale::server
