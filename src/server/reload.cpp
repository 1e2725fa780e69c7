// Settings that change while the server runs. Everything that can be wrong is read and checked first; what
// follows cannot fail, so that a reload changes all or nothing.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <glob.h>

#include "alerting/rule_file.hpp"
#include "config/settings.hpp"
#include "hostmetrics/collector.hpp"
#include "server/redaction.hpp"
#include "server/retention.hpp"
#include "server/server_impl.hpp"

namespace telltale::server {
namespace {

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

// What stands in files of its own.
struct Jobs {
  metrics::ScrapeConfig scrapes;
  std::vector<alerting::RuleGroup> rules;
};

Result<Jobs> read_jobs(io::FileSystem& fs, const config::Config& config, promql::Features features) {
  Jobs jobs;
  std::vector<std::string> rule_files;
  if (!config.prometheus_config_file.empty()) {
    TT_ASSIGN(const auto text, io::read_file(fs, config.prometheus_config_file));
    TT_ASSIGN(jobs.scrapes, metrics::parse_scrape_config(text, config.prometheus_config_file));
    for (const auto& pattern : jobs.scrapes.job_files) {
      for (const auto& file : matching_files(pattern, config.prometheus_config_file)) {
        TT_ASSIGN(const auto more, io::read_file(fs, file));
        TT_TRY(metrics::add_scrape_config_file(jobs.scrapes, more, file));
      }
    }
    for (const auto& pattern : jobs.scrapes.rule_files) {
      for (auto& file : matching_files(pattern, config.prometheus_config_file))
        rule_files.push_back(std::move(file));
    }
  }
  for (const auto& pattern : config.rules.files) {
    for (auto& file : matching_files(pattern, "")) rule_files.push_back(std::move(file));
  }
  for (const auto& file : rule_files) {
    TT_ASSIGN(const auto text, io::read_file(fs, file));
    TT_ASSIGN(auto some, alerting::parse_rule_file(text, file, features));
    std::move(some.begin(), some.end(), std::back_inserter(jobs.rules));
  }
  return jobs;
}

// The host under the job names that public dashboards and rules ask for. Containers are left out where no
// control groups are to be seen.
std::vector<metrics::LocalTarget> host_targets(hostmetrics::HostSource& host, const Clock& clock,
                                               const config::HostConfig& config) {
  if (!config.enabled) return {};
  using Samples = Result<std::vector<std::pair<Labels, double>>>;
  const std::string instance = host.name().node;
  std::vector<metrics::LocalTarget> out;
  out.push_back({"node", instance, config.interval,
                 [&host, &clock]() -> Samples { return hostmetrics::measure_host(host, clock); }});
  if (hostmetrics::measure_containers(host, clock))
    out.push_back({"cadvisor", instance, config.interval,
                   [&host, &clock] { return hostmetrics::measure_containers(host, clock); }});
  return out;
}

std::vector<alerting::Receiver> receivers_of(const config::Config& config) {
  std::vector<alerting::Receiver> receivers;
  for (const auto& r : config.receivers) {
    alerting::Receiver receiver;
    receiver.name = r.name;
    receiver.kind = r.type == config::ReceiverType::slack   ? alerting::ReceiverKind::slack
                    : r.type == config::ReceiverType::email ? alerting::ReceiverKind::email
                                                            : alerting::ReceiverKind::webhook;
    receiver.url = r.url;
    receiver.to = r.to;
    receiver.send_resolved = r.send_resolved;
    receivers.push_back(std::move(receiver));
  }
  return receivers;
}

alerting::NotifierOptions notifier_options(const config::Config& config) {
  alerting::NotifierOptions options;
  options.external_url = config.server.external_url;
  options.group_wait = std::chrono::duration_cast<Millis>(config.alerting.group_wait);
  options.group_interval = std::chrono::duration_cast<Millis>(config.alerting.group_interval);
  options.repeat_interval = std::chrono::duration_cast<Millis>(config.alerting.repeat_interval);
  return options;
}

}  // namespace

Result<> Server::Impl::configure(const config::Config& next) {
  TT_ASSIGN(auto jobs, read_jobs(*fs, next, promql->options().features));
  std::shared_ptr<transport::MailSender> mail;
  if (!next.smtp.url.empty()) {
    auto options = net::parse_smtp_url(next.smtp.url);
    if (!options) return tl::unexpected<Error>(std::move(options).error().within("smtp.url"));
    mail = std::make_shared<net::SmtpMailSender>(*std::move(options), clock);
  }
  TT_ASSIGN(auto kept, event_retention(next.retention));
  TT_ASSIGN(auto kept_samples, metric_retention(next.retention));
  TT_ASSIGN(auto redaction, redaction_defaults(next.redaction));
  TT_TRY(redactors->set_defaults(std::move(redaction)));
  TT_TRY(http_client->set_outbound_allow(next.net.outbound_allow));

  log.set_level(next.log.level);
  notifier->set_options(notifier_options(next));
  notifier->set_mail(std::move(mail), next.smtp.from);
  notifier->set_receivers(receivers_of(next));
  disk->set_limits(next.storage.reserve_bytes, next.storage.max_bytes);
  disk->poll();
  stores->set_retention(std::move(kept_samples), std::move(kept));
  stores->metrics().set_series_limits({next.metrics.max_series, next.metrics.max_new_series_per_hour});
  ingest->set_time_bounds(next.ingest.max_past, next.ingest.max_future);
  for (const auto& warning : jobs.scrapes.warnings)
    log.warn("prometheus configuration", {{"warning", warning}});
  scrapes->configure(std::move(jobs.scrapes), host_targets(*host, clock, next.host));
  rules->set_default_interval(std::chrono::duration_cast<Millis>(next.rules.evaluation_interval));
  rules->set_work_limits({next.query.timeout, next.query.max_memory});
  stores->log_metrics().set_max_late(next.log_metrics.max_late);
  rules->set_groups(ProjectId{1}, std::move(jobs.rules));
  if (maintenance != nullptr) maintenance->wake();  // a shorter retention frees space now
  return {};
}

Result<> Server::Impl::reload() {
  const MutexLock lock(reload_mutex);
  auto done = reload_now();
  if (done) {
    configured = clock.now();
  } else {
    reload_failed = clock.now();
  }
  reload_problem = done ? std::string() : done.error().message();
  return done;
}

api::ServerState Server::Impl::state() {
  const MutexLock lock(reload_mutex);
  std::error_code none;
  return {started,
          host->name().node,
          std::filesystem::current_path(none).string(),
          configured,
          reload_problem,
          reload_failed,
          config.retention.metrics,
          config::settings_in_force(config)};
}

Result<> Server::Impl::reload_now() {
  TT_ASSIGN(auto next, load_config());
  const auto fixed = config::needs_restart(config, next);
  if (!fixed.empty()) {
    return fail(ErrorKind::conflict,
                fmt::format("nothing was changed: {} needs a restart", fmt::join(fixed, ", ")));
  }
  TT_TRY(configure(next));
  config = std::move(next);
  return {};
}

}  // namespace telltale::server
