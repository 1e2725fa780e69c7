#include "server/server.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "accounts/signing.hpp"
#include "api/loki/tail.hpp"
#include "api/otlp/grpc.hpp"
#include "api/own/tail.hpp"
#include "base/json.hpp"
#include "base/quota_limits.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "errors/issue_changes.hpp"
#include "server/redaction.hpp"
#include "server/scraped_items.hpp"
#include "server/server_impl.hpp"
#include "server/table_shares.hpp"

namespace telltale::server {
namespace {

constexpr std::size_t kScrapeThreads = 32;  // as many targets may be slow before others wait
constexpr std::size_t kReservedShare = 4;   // of the handler threads, one in so many takes nothing in
constexpr Nanos kMaxScrapeWait{std::chrono::milliseconds(100)};
constexpr Nanos kSettleBeforeRecovery = std::chrono::seconds(5);
constexpr std::size_t kMaxQueuedScrapes = 10'000;
constexpr int kTrendStretches = 8;  // of issues' hours, read at one go

std::pair<std::string, std::uint16_t> split_address(const std::string& listen) {
  const auto colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, static_cast<std::uint16_t>(std::stoi(listen.substr(colon + 1)))};
}

ThreadPoolOptions logged_exceptions(const Logger& log, const char* pool) {
  return {0, [&log, pool](std::string_view what) {
            log.error("task threw", {{"pool", pool}, {"what", what}});
          }};
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

}  // namespace

Result<> Server::Impl::open() {
  const MutexLock lock(reload_mutex);
  TT_ASSIGN(http_client, net::CurlHttpClient::create({.outbound_allow = config.net.outbound_allow}));
  notifier = std::make_unique<alerting::Notifier>(*http_client, clock, metrics, log);
  disk = std::make_unique<io::DiskGuard>(*fs, config.server.data_dir,
                                         io::DiskGuardOptions{.reserve_bytes = config.storage.reserve_bytes,
                                                              .max_bytes = config.storage.max_bytes},
                                         log, metrics);
  TT_ASSIGN(stores, Stores::open(
                        *fs, config,
                        [this](const errors::IssueEvent& event) {
                          if (issue_alerts) issue_alerts->offer(event);
                        },
                        [this] { return disk->accepting_writes(); }, clock, log, metrics,
                        [this](const auto& batch) { tails.offer(batch); }));
  disk->poll();
  TT_TRY(issue_alert_rules.load(stores->records(), clock.now()));
  issue_alerts = std::make_unique<alerting::IssueAlerts>(
      stores->events(), stores->records(), issue_alert_rules, clock, log,
      [this](ProjectId project, const alerting::IssueNotice& notice, const std::vector<std::string>& names) {
        return notifier->notify_issue(project, notice, names);
      },
      alerting::IssueAlerts::Options{[this] { return notifier->external_url(); },
                                     {config.query.timeout, config.query.max_memory}});
  TT_ASSIGN(redactor, redact::Redactor::create({}));
  TT_ASSIGN(redactors, open_redactors(stores->records(), config.redaction));
  TT_TRY(open_grouping(stores->records(), grouping));
  TT_TRY(intake.load(stores->records()));
  // What is usual is on the disk: the first minute is sampled by it, too.
  TT_TRY(stores->usage().refresh(intake.bodies()));
  erasure = std::make_unique<Erasure>(*stores, redactors.get(), clock, log);
  deletions = std::make_unique<DeletionQueue>(*stores, *erasure, clock, log);
  accounts = std::make_unique<accounts::Authenticator>(stores->records(), clock, log, metrics);
  TT_ASSIGN(auto signing_key, accounts::open_signing_key(*fs, io::join_path(config.server.data_dir, "meta")));
  accounts->set_signing_key(std::move(signing_key));
  sessions = std::make_unique<accounts::Sessions>(
      stores->records(), *accounts,
      accounts::SessionOptions{config.session.idle_timeout, config.session.lifetime}, clock, log, metrics);
  if (const auto& admin = config.bootstrap.admin; admin && !admin->password.empty()) {
    TT_TRY(sessions->bootstrap_admin({admin->email, "Admin", storage::Role::admin, admin->password}));
  }
  TT_ASSIGN(const auto outcome, accounts->bootstrap(bootstrap_of(config.bootstrap)));
  setup_token = outcome.setup_token.value_or("");
  const auto strategy = wire::otlp::translation_strategy_from(config.otlp_metrics.translation_strategy);
  if (!strategy) {
    return fail(ErrorKind::invalid_argument,
                "metrics.otlp.translation_strategy: must be UnderscoreEscapingWithSuffixes, "
                "NoUTF8EscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes or NoTranslation");
  }
  ingest = std::make_unique<ingest::Ingest>(
      stores->pipeline(), *redactor, clock, metrics,
      ingest::IngestOptions{.max_past = config.ingest.max_past,
                            .max_future = config.ingest.max_future,
                            .slug_of =
                                [this](ProjectId project) {
                                  const auto found = stores->records().projects().get(project);
                                  return found ? found->slug : std::string();
                                },
                            .redactor_of = [this](ProjectId project) { return redactors->of(project); },
                            .grouping_of = [this](ProjectId project) { return grouping.of(project); },
                            .attachments = &stores->attachments(),
                            .intake = &intake,
                            .otlp_metrics = {*strategy, config.otlp_metrics.promote_resource_attributes}});
  TT_ASSIGN(push_groups, ingest::PushGroups::open(stores->records(), *ingest, clock, log));

  const std::size_t query_helpers = std::clamp(std::thread::hardware_concurrency(), 2U, 9U) - 1;
  query_pool = std::make_unique<ThreadPool>("promql", query_helpers, limits::kMaxQueuedQueryHelpers,
                                            logged_exceptions(log, "promql"));
  promql::EngineOptions promql_options;
  auto features = promql::Features::parse(config.promql.features);
  if (!features) return tl::unexpected(std::move(features).error().within("promql.features"));
  promql_options.features = *features;
  promql_options.range_cache_bytes = limits::kRangeCacheBytes;
  promql_options.helpers = {query_pool.get(), query_helpers};
  promql = std::make_unique<promql::Engine>(stores->metrics(), promql_options);
  alert_state = std::make_unique<RecordedAlertState>(stores->records());
  rules = std::make_unique<alerting::RuleManager>(
      alerting::RuleQueries(*promql, &stores->events()), clock,
      [this](ProjectId project, std::vector<std::pair<Labels, Sample>> samples) {
        return stores->pipeline().write_samples(project, clock.now(), samples);
      },
      [this](ProjectId project, const std::vector<alerting::Alert>& alerts) {
        notifier->take(project, alerts);
      },
      alert_state.get(), metrics);
  alert_rules = std::make_unique<alerting::KeptRules>(stores->records(), *rules, clock, log);
  stores->log_metrics().set_sink([this](ProjectId project, const logmetrics::Samples& samples) {
    return stores->pipeline().write_samples(project, clock.now(), samples);
  });
  stores->monitors().set_sink([this](const storage::MonitorNotice& notice) -> Result<> {
    if (notice.recovered) return resolve_recovered(notice);
    TT_TRY(ingest->sentry_store(notice.project, notice.event, {.key = {}, .address = {}, .internal = true}));
    return {};
  });
  scrapes = std::make_unique<metrics::ScrapeManager>(
      metrics::DiscoveryServices{*http_client, dns_client, *fs, clock, log}, metrics,
      [this](ProjectId project, UnixNanos now, metrics::Scraped scraped) {
        return stores->pipeline().write_samples(
            project, now, scraped.samples, scraped_items(std::move(scraped.exemplars), scraped.metadata));
      });
  TT_TRY(configure(config));
  return alert_rules->load();
}

/// The failure's own event may have been taken in a moment ago: it is counted first.
Result<> Server::Impl::resolve_recovered(const storage::MonitorNotice& notice) {
  if (!stores->pipeline().wait_settled(kSettleBeforeRecovery))
    return fail(ErrorKind::unavailable, "issues are behind");
  TT_ASSIGN(const auto input, ingest::stored_grouping_input(notice.event));
  const auto grouped = errors::group_event(input, *grouping.of(notice.project));
  for (const auto& variant : grouped.variants) {
    TT_ASSIGN(const auto id, stores->records().issues().find_by_hash(notice.project, variant.hash));
    if (!id) continue;
    TT_ASSIGN(const auto issue, stores->records().issues().get(*id));
    if (issue.status != storage::IssueStatus::unresolved) return {};
    errors::IssueUpdate update;
    update.status = storage::IssueStatus::resolved;
    update.reason = "the scheduled job is well again";
    TT_TRY(errors::update_issue(stores->records(), clock, {}, *id, update));
    return {};
  }
  return {};
}

Result<std::string> Server::Impl::backup(const std::string& directory) {
  TT_ASSIGN(const auto files, stores->backup(directory));
  JsonWriter w;
  w.begin_object().field("directory", directory).field("files", std::uint64_t{files}).end_object();
  return w.take();
}

/// Named as Prometheus names its own: the time in UTC and what tells apart.
Result<std::string> Server::Impl::snapshot() {
  std::string name = format_rfc3339(UnixNanos::from_seconds(clock.now().ns / 1'000'000'000));
  std::erase_if(name, [](char c) { return c == '-' || c == ':'; });
  name += '-' + to_hex(secure_random(8));
  TT_TRY(stores->snapshot(name));
  log.info("snapshot made", {{"name", name}});
  return name;
}

Result<api::StorageReport> Server::Impl::storage_report() {
  const MutexLock lock(reload_mutex);
  api::StorageReport report;
  TT_ASSIGN(const auto space, fs->space(config.server.data_dir));
  report.disk_free_bytes = space.free_bytes;
  report.budget_bytes = disk->budget_bytes();
  const auto numbers = stores->metrics().stats();
  api::StoragePart metrics_part{"metrics", numbers.disk_bytes,      numbers.series, {},
                                {},        config.retention.metrics};
  for (const auto& part : numbers.parts) {
    const UnixNanos from = UnixNanos::from_millis({part.min_ms});
    const UnixNanos to = UnixNanos::from_millis({part.max_ms});
    if (!metrics_part.oldest || from < *metrics_part.oldest) metrics_part.oldest = from;
    if (!metrics_part.newest || to > *metrics_part.newest) metrics_part.newest = to;
  }
  report.parts.push_back(std::move(metrics_part));
  auto events = stores->events().stats();
  for (const auto& [table, keep] :
       {std::pair{Table::logs, config.retention.logs}, std::pair{Table::spans, config.retention.spans},
        std::pair{Table::errors, config.retention.errors}}) {
    report.parts.push_back({std::string(to_string(table)), events.disk_bytes[table], {}, {}, {}, keep});
  }
  TT_ASSIGN(const auto segments, fs->list(io::join_path(config.server.data_dir, "journal")));
  api::StoragePart journal{"journal", 0, {}, {}, {}, {}};
  for (const auto& segment : segments) journal.bytes += segment.size;
  report.parts.push_back(std::move(journal));
  TT_ASSIGN(const auto attached, stores->attachments().bytes());
  report.parts.push_back({"attachments", attached, {}, {}, {}, config.retention.errors});
  report.parts.push_back({"records", stores->records().bytes(), {}, {}, {}, {}});
  return report;
}

net::Router Server::Impl::make_router() {
  net::Router router;
  web = std::make_unique<api::WebFiles>(*fs, config.ui.dir);
  services = std::make_unique<api::Services>(api::Services{
      *accounts,
      *ingest,
      stores->events(),
      stores->metrics(),
      stores->records(),
      *promql,
      *scrapes,
      *rules,
      metrics,
      clock,
      kVersion,
      WorkLimits{config.query.timeout, config.query.max_memory},
      [this] { return ready.load(); },
      [this] { return reload(); },
      [this](const std::string& directory) { return backup(directory); },
      [this] { return storage_report(); },
      *web,
      *sessions,
      log,
      config.server.external_url,
      path_of_url(config.server.external_url),
      redactors.get(),
      [this](const storage::EraseRequest& request) { return erasure->erase(request); },
      [this](const storage::PersonRequest& request) { return erasure->erase_person(request); }});
  services->grouping = &grouping;
  services->ownership = &stores->ownership();
  services->release_health = &stores->release_health();
  services->monitors = &stores->monitors();
  services->attachments = &stores->attachments();
  services->intake = &intake;
  services->usage = &stores->usage();
  services->push_groups = push_groups.get();
  services->metric_info = &stores->metric_info();
  services->state = [this] { return state(); };
  services->settled = [this] { return stores->pipeline().wait_settled(std::chrono::seconds(5)); };
  services->series_use = [this](ProjectId project) {
    const auto used = stores->metrics().series_use(project);
    return api::SeriesUse{used.series, used.limits.max_series, used.new_this_hour,
                          used.limits.max_new_per_hour};
  };
  services->deletions = deletions.get();
  services->snapshot = [this] { return snapshot(); };
  services->log_metrics = &stores->log_metrics();
  services->alert_rules = alert_rules.get();
  services->issue_alerts = &issue_alert_rules;
  services->receivers = [this](ProjectId project) {
    std::vector<api::ReceiverName> names;
    for (const auto& [name, kind] : notifier->receivers(project))
      names.push_back({name, std::string(to_string(kind))});
    return names;
  };
  api::add_sentry_routes(router, *services);
  api::add_sentry_web_routes(router, *services);
  api::add_loki_routes(router, *services);
  api::add_otlp_routes(router, *services);
  api::add_influx_routes(router, *services);
  api::add_elastic_routes(router, *services);
  api::add_json_lines_routes(router, *services);
  api::add_cloudwatch_routes(router, *services);
  api::add_prometheus_routes(router, *services);
  api::add_own_routes(router, *services);
  api::add_web_routes(router, *services);
  return router;
}

Result<> Server::Impl::listen() {
  const MutexLock lock(reload_mutex);
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
                                : std::max<std::size_t>(20, 5 * std::thread::hardware_concurrency());
  options.reserved_threads = std::min(options.handler_threads - 1,
                                      std::max<std::size_t>(1, options.handler_threads / kReservedShare));
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
  tail_options.name = "loki_tail";
  http->add_websocket(
      api::kLokiTailPath,
      api::loki_tail_accept(*services, tails,
                            [this] { (void)stores->pipeline().wait_settled(std::chrono::seconds(5)); }),
      tail_options);
  TT_TRY(http->start());
  if (!config.otlp.grpc_listen.empty()) {
    net::GrpcOptions otlp;
    std::tie(otlp.address, otlp.port) = split_address(config.otlp.grpc_listen);
    otlp.tls = options.tls;
    otlp.busy = api::otlp_grpc_busy("too many calls at once");
    grpc = std::make_unique<net::GrpcServer>(
        otlp, [this](const net::GrpcRequest& request) { return api::otlp_grpc(*services, request); }, log,
        metrics);
    if (auto started = grpc->start(); !started)
      return tl::unexpected<Error>(std::move(started).error().within("otlp.grpc_listen"));
  }
  inputs = std::make_unique<Inputs>(*ingest, *fs, clock, log, metrics);
  return inputs->start(config);
}

void Server::Impl::run_tasks() {
  const MutexLock lock(reload_mutex);
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  scrape_pool = std::make_unique<ThreadPool>("scrape", kScrapeThreads, kMaxQueuedScrapes,
                                             logged_exceptions(log, "scrape"));
  const auto every = [this](const char* name, Nanos period, std::function<void()> tick) {
    tasks.push_back(std::make_unique<PeriodicTask>(name, period, std::move(tick)));
  };
  every("scrapes", milliseconds(1), [this] {
    // Waits for the very turn, so that samples are evenly spaced; never so long that stopping is held up.
    std::this_thread::sleep_for(std::min<Nanos>(kMaxScrapeWait, scrapes->until_next_turn(clock.now())));
    scrapes->tick(clock.now(), scrape_pool.get());
  });
  every("rules", milliseconds(500), [this] { rules->tick(); });
  every("log_metrics", milliseconds(250), [this] { stores->log_metrics().tick(); });
  every("push_groups", seconds(1), [this] { push_groups->tick(); });
  every("monitors", seconds(1), [this] { stores->monitors().tick(); });
  every("feedback", seconds(1), [this] {
    WorkContext context(clock, WorkLimits{});
    if (const auto done = stores->feedback().tick(stores->events(), context); !done)
      log.warn("feedback was not linked to errors", {{"reason", done.error().message()}});
  });
  every("issue_alerts", milliseconds(500), [this] { issue_alerts->tick(); });
  every("refusals", milliseconds(limits::kRefusalFlushMs), [this] {
    if (const auto done = ingest->flush_refusals(); !done)
      log.warn("refusals were not counted yet", {{"reason", done.error().message()}});
  });
  every("spikes", seconds(60), [this] {
    if (const auto done = stores->usage().refresh(intake.bodies()); !done)
      log.warn("the usual rates of errors are not known", {{"reason", done.error().message()}});
  });
  every("notifier", milliseconds(250), [this] { notifier->tick(); });
  every("issues", seconds(20), [this] {
    if (const auto done = stores->issue_clock().tick(); !done)
      log.warn("issues were not looked at", {{"reason", done.error().message()}});
  });
  every("issue_environments", seconds(2), [this] {
    WorkContext context(clock, WorkLimits{});
    if (const auto done = stores->environments().step(context); !done)
      log.warn("environments of old issues are not known yet", {{"reason", done.error().message()}});
  });
  every("issue_trends", milliseconds(250), [this] {
    // By stretches, between which others come to the records.
    for (int stretch = 0; stretch < kTrendStretches; ++stretch) {
      const auto done = stores->records().load_trends(clock.now());
      if (!done) log.warn("trends of issues are not in memory yet", {{"reason", done.error().message()}});
      if (!done || *done) return;
    }
  });
  every("disk", seconds(1), [this] { disk->poll(); });
  every("checkpoints", seconds(1), [this] { (void)stores->pipeline().checkpoint(false); });
  every("deletions", milliseconds(250), [this] { deletions->run(); });
  every("maintenance", seconds(60), [this] {
    (void)sessions->prune();
    if (const auto done = stores->maintain(); !done) {
      log.warn("maintenance failed", {{"reason", done.error().message()}});
    }
    enforce_table_shares(*disk, stores->metrics(), stores->events());
  });
  maintenance = tasks.back().get();
}

Server::Server(config::Config config, ConfigSource source, const Clock& clock, Logger& log)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(source), clock, log)) {}

Server::~Server() { stop(); }

Result<> Server::start() {
  TT_TRY(impl_->open());
  TT_TRY(impl_->listen());
  impl_->run_tasks();
  const MutexLock lock(impl_->reload_mutex);
  if (!impl_->setup_token.empty()) {
    const std::string& external = impl_->config.server.external_url;
    std::string base = external.empty() ? url() : external;
    while (base.ends_with('/')) base.pop_back();
    // For people only: it goes to the terminal, never to the log.
    fmt::print(stderr, "No admin yet. Open this link, once, to make the first one:\n  {}/setup#{}\n", base,
               impl_->setup_token);
    impl_->setup_token.clear();
  }
  impl_->ready = true;  // every input is open
  impl_->log.info("telltale is ready", {{"url", url()}, {"data", impl_->config.server.data_dir}});
  return {};
}

void Server::stop() {
  impl_->ready = false;
  impl_->tails.stop();  // before the sessions that it sends to
  if (impl_->inputs) impl_->inputs->stop();
  if (impl_->grpc) impl_->grpc->stop();
  if (impl_->http) impl_->http->stop();
  if (impl_->deletions) impl_->deletions->stop();
  impl_->tasks.clear();
  if (impl_->http_client) impl_->http_client->cancel_all();
  if (impl_->ingest) (void)impl_->ingest->flush_refusals();
  impl_->scrape_pool.reset();
  if (impl_->stores) impl_->stores->stop();
}

Result<> Server::reload() { return impl_->reload(); }

std::string Server::url() const { return impl_->http ? impl_->http->url() : std::string(); }

}  // namespace telltale::server
