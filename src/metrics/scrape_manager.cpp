// The manager keeps one Entry a target, shared with the task that scrapes it, so that a new configuration may
// drop the target while it is being fetched. What targets there are is worked out anew every kDiscoveryPeriod
// and whenever a look-up brought something new.
#include "metrics/scrape_manager.hpp"

#include <algorithm>
#include <cstdio>

#include "base/scrape_limits.hpp"
#include "metrics/scrape_digest.hpp"

namespace telltale::metrics {
namespace {

constexpr Nanos kDiscoveryPeriod{std::chrono::seconds(5)};
// A scrape that begins so long after its turn is stamped with the turn (Prometheus' scrape/scrape.go).
constexpr Nanos kTurnTolerance{std::chrono::milliseconds(2)};
constexpr std::int64_t kTurnToleranceShare = 100;  // and at most this part of the interval

using Collect = decltype(LocalTarget::collect);

/// A job with what keeps state for it.
struct JobRun {
  std::shared_ptr<const ScrapeJob> job;
  std::shared_ptr<JobDiscovery> discovery;
  std::shared_ptr<HttpFetcher> fetcher;
  Collect collect;          // of a target within the program
  std::size_t dropped = 0;  // guarded by the manager's mutex
};

struct Entry {
  std::shared_ptr<JobRun> run;
  ScrapeTarget target;
  TargetStatus status;       // guarded by the manager's mutex
  SeenSeries seen;           // of the one scrape under way
  UnixNanos due{0};          // guarded by the manager's mutex
  bool busy = false;         // guarded by the manager's mutex
  std::string forced_error;  // guarded by the manager's mutex; not fetched while it is there
  std::shared_ptr<const ScrapedMetadata> metadata;  // guarded by the manager's mutex
};

/// The first turn after `now`: the turns stand at a fixed offset, by hash, in every interval.
UnixNanos first_turn(UnixNanos now, Nanos interval, std::uint64_t hash) {
  const auto offset = static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(interval.count()));
  const std::int64_t base = now.ns / interval.count() * interval.count() + offset;
  return {base >= now.ns ? base : base + interval.count()};
}

UnixNanos aligned(UnixNanos start, UnixNanos turn, Nanos interval) {
  const Nanos late = start - turn;
  const Nanos tolerance = std::min(kTurnTolerance, interval / kTurnToleranceShare);
  return late >= Nanos(0) && late <= tolerance ? turn : start;
}

/// The job that stands for a target within the program. Its address is no place on a network.
ScrapeJob local_job(const LocalTarget& target) {
  ScrapeJob job;
  job.name = target.job;
  job.interval = target.interval;
  job.timeout = target.interval;
  TargetGroup group;
  group.targets.push_back(target.instance);
  job.static_configs.push_back(std::move(group));
  job.text = "local " + target.job + ' ' + target.instance + ' ' + format_duration(target.interval);
  return job;
}

}  // namespace

struct ScrapeManager::Impl : std::enable_shared_from_this<ScrapeManager::Impl> {
  Impl(const DiscoveryServices& services, MetricsRegistry& metrics, ScrapeSink sink)
      : services(services),
        sink(std::move(sink)),
        scrapes(metrics.counter("telltale_scrapes_total", "Scrapes made.")),
        failures(metrics.counter("telltale_scrape_failures_total", "Scrapes that failed.")),
        refused(metrics.counter("telltale_scrape_store_failures_total",
                                "Scrapes whose samples were not stored.")) {}

  using Entries = std::map<std::string, std::shared_ptr<Entry>>;

  std::shared_ptr<JobRun> run_of(ScrapeJob job, Collect collect) const TT_REQUIRES(mutex);
  void look_up(const JobRun& run, UnixNanos now, ThreadPool* pool);
  void discover(UnixNanos now, ThreadPool* pool);
  std::shared_ptr<Entry> entry_of(const std::shared_ptr<JobRun>& run, ScrapeTarget target,
                                  const std::string& key, UnixNanos now) TT_REQUIRES(mutex);
  void discover_job(const std::shared_ptr<JobRun>& run, const std::vector<TargetGroup>& groups, UnixNanos now,
                    Entries& found) TT_REQUIRES(mutex);
  void scrape(const std::shared_ptr<Entry>& entry, UnixNanos turn);
  Result<transport::OutboundResponse> fetch(const Entry& entry) const;
  void end(const Entry& entry, UnixNanos now);
  /// What was not stored of it, empty when all was.
  std::string deliver(const Entry& entry, UnixNanos now, Scraped scraped);

  const DiscoveryServices services;
  const ScrapeSink sink;
  Counter& scrapes;
  Counter& failures;
  Counter& refused;

  Mutex tick_mutex;  // one tick at a time; taken before `mutex`
  mutable Mutex mutex;
  Labels external TT_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<JobRun>> runs TT_GUARDED_BY(mutex);
  std::vector<DisabledJob> disabled TT_GUARDED_BY(mutex);
  Entries entries TT_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<Entry>> leaving TT_GUARDED_BY(mutex);
  UnixNanos next_discovery TT_GUARDED_BY(mutex){INT64_MIN};
};

void ScrapeManager::Impl::look_up(const JobRun& run, UnixNanos now, ThreadPool* pool) {
  for (auto& ask : run.discovery->due(now)) {
    const auto task = [self = shared_from_this(), ask = std::move(ask)] {
      if (!ask()) return;
      MutexLock lock(self->mutex);
      self->next_discovery = UnixNanos{INT64_MIN};
    };
    if (pool == nullptr || !pool->submit(task)) task();
  }
}

std::shared_ptr<Entry> ScrapeManager::Impl::entry_of(const std::shared_ptr<JobRun>& run, ScrapeTarget target,
                                                     const std::string& key, UnixNanos now) {
  const auto same = entries.find(key);
  if (same != entries.end() && same->second->run == run) {
    const Entry& e = *same->second;
    const bool alike = e.target.interval == target.interval && e.target.timeout == target.timeout &&
                       e.target.discovered == target.discovered;
    if (alike || e.busy) return same->second;  // one that is being scraped changes the next time
  }
  auto entry = std::make_shared<Entry>();
  entry->run = run;
  if (run->collect) target.url = "local:" + run->job->name;
  entry->due = target.dropped ? UnixNanos{INT64_MAX} : first_turn(now, target.interval, target.hash());
  entry->status = {run->job->name, run->job->project, target.discovered, target.labels,
                   target.url,     target.dropped,    "unknown",         {},
                   UnixNanos{0},   Nanos{0},          target.interval,   target.timeout};
  if (same != entries.end() && !same->second->busy) {
    entry->seen = same->second->seen;
    entry->metadata = same->second->metadata;
    entry->status = same->second->status;
    entry->status.discovered_labels = target.discovered;
    entry->status.interval = target.interval;
    entry->status.timeout = target.timeout;
  }
  entry->target = std::move(target);
  return entry;
}

void ScrapeManager::Impl::discover_job(const std::shared_ptr<JobRun>& run,
                                       const std::vector<TargetGroup>& groups, UnixNanos now,
                                       Entries& found) {
  const ScrapeJob& job = *run->job;
  const auto warn = [&](const std::string& target, const std::string& reason) {
    services.log.warn("scrape target refused", {{"job", job.name}, {"target", target}, {"reason", reason}});
  };
  std::size_t kept_dropped = job.limits.kept_dropped_targets;
  if (kept_dropped == 0 || kept_dropped > limits::kMaxKeptDroppedTargets)
    kept_dropped = limits::kMaxKeptDroppedTargets;
  std::vector<std::shared_ptr<Entry>> active;
  std::size_t seen = 0;
  run->dropped = 0;
  for (const TargetGroup& group : groups) {
    for (const std::string& address : group.targets) {
      if (++seen > limits::kMaxDiscoveredTargets) {
        if (seen == limits::kMaxDiscoveredTargets + 1)
          warn(address, "over " + std::to_string(limits::kMaxDiscoveredTargets) + " targets of one job");
        continue;
      }
      auto target = make_target(job, address, group.labels);
      if (!target) {
        warn(address, target.error().message());
        continue;
      }
      if (target->dropped && ++run->dropped > kept_dropped) continue;
      const Labels& identity = target->dropped ? target->discovered : target->labels;
      const std::string key =
          job.name + '\n' + target->url + '\n' + target->unix_socket + '\n' + identity.to_string();
      if (found.count(key) > 0) continue;
      auto entry = entry_of(run, *std::move(target), key, now);
      if (!entry->target.dropped) active.push_back(entry);
      found[key] = std::move(entry);
    }
  }
  const std::size_t limit = job.limits.targets;
  const bool over = limit > 0 && active.size() > limit;
  for (const auto& entry : active) {
    entry->forced_error = over
                              ? "target_limit exceeded (number of targets: " + std::to_string(active.size()) +
                                    ", limit: " + std::to_string(limit) + ")"
                              : "";
  }
}

void ScrapeManager::Impl::discover(UnixNanos now, ThreadPool* pool) {
  std::vector<std::shared_ptr<JobRun>> current;
  {
    MutexLock lock(mutex);
    if (now < next_discovery) return;
    next_discovery = now + kDiscoveryPeriod;
    current = runs;
  }
  std::vector<std::vector<TargetGroup>> groups;
  for (const auto& run : current) {
    run->discovery->read_files();
    look_up(*run, now, pool);
    groups.push_back(run->discovery->groups());
  }
  MutexLock lock(mutex);
  if (current != runs) return;  // configured meanwhile; configure() made discovery due again
  Entries found;
  for (std::size_t i = 0; i < current.size(); ++i) discover_job(current[i], groups[i], now, found);
  for (auto& [key, entry] : entries) {
    const auto it = found.find(key);
    if (it != found.end() && (it->second == entry || !entry->busy)) continue;
    if (!entry->target.dropped && it == found.end()) leaving.push_back(entry);
  }
  entries = std::move(found);
}

std::string ScrapeManager::Impl::deliver(const Entry& entry, UnixNanos now, Scraped scraped) {
  const auto stored = sink(entry.run->job->project, now, std::move(scraped));
  if (stored) return {};
  refused.add();
  services.log.warn("scrape not stored",
                    {{"job", entry.run->job->name}, {"reason", stored.error().message()}});
  return "not stored: " + stored.error().message();
}

Result<transport::OutboundResponse> ScrapeManager::Impl::fetch(const Entry& entry) const {
  const ScrapeJob& job = *entry.run->job;
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g", std::chrono::duration<double>(entry.target.timeout).count());
  FetchRequest request;
  request.url = entry.target.url;
  request.headers = {{"Accept", entry.target.accept}, {"X-Prometheus-Scrape-Timeout-Seconds", seconds}};
  request.timeout = entry.target.timeout;
  request.max_bytes = job.limits.body_bytes;
  request.compression = job.enable_compression;
  request.unix_socket = entry.target.unix_socket;
  return entry.run->fetcher->get(request);
}

void ScrapeManager::Impl::scrape(const std::shared_ptr<Entry>& entry, UnixNanos turn) {
  Labels external_labels;
  std::string forced_error;
  {
    MutexLock lock(mutex);
    external_labels = external;
    forced_error = entry->forced_error;
  }
  const ScrapeJob& job = *entry->run->job;
  const UnixNanos stamp = aligned(services.clock.now(), turn, entry->target.interval);
  const Nanos start = services.clock.steady();
  Nanos duration{0};
  ScrapeOutcome outcome;
  if (entry->run->collect) {
    auto samples = entry->run->collect();
    duration = services.clock.steady() - start;
    outcome = digest_local(job, entry->target, external_labels, std::move(samples), stamp.to_millis(),
                           duration, entry->seen);
  } else {
    const Result<transport::OutboundResponse> response =
        forced_error.empty() ? fetch(*entry)
                             : Result<transport::OutboundResponse>(
                                   fail(ErrorKind::resource_exhausted, std::move(forced_error)));
    duration = services.clock.steady() - start;
    outcome = digest_scrape(job, entry->target, external_labels, response, stamp.to_millis(), duration,
                            entry->seen);
  }
  scrapes.add();
  if (!outcome.error.empty()) failures.add();
  const std::string not_stored = deliver(*entry, stamp, std::move(outcome.scraped));
  MutexLock lock(mutex);
  entry->status.health = outcome.error.empty() ? "up" : "down";
  // The target is up: it was `up` that was stored, or would have been.
  entry->status.last_error = outcome.error.empty() ? not_stored : outcome.error;
  entry->status.last_scrape = stamp;
  entry->status.last_duration = duration;
  entry->metadata = entry->seen.metadata;
  entry->busy = false;
}

void ScrapeManager::Impl::end(const Entry& entry, UnixNanos now) {
  Labels external_labels;
  {
    MutexLock lock(mutex);
    external_labels = external;
  }
  deliver(entry, now,
          {end_target(*entry.run->job, entry.target, external_labels, now.to_millis(), entry.seen), {}, {}});
}

ScrapeManager::ScrapeManager(const DiscoveryServices& services, MetricsRegistry& metrics, ScrapeSink sink)
    : impl_(std::make_shared<Impl>(services, metrics, std::move(sink))) {}
ScrapeManager::~ScrapeManager() = default;

std::shared_ptr<JobRun> ScrapeManager::Impl::run_of(ScrapeJob job, Collect collect) const {
  // A job that did not change keeps what it looked up, its tokens and its turns.
  for (const auto& run : runs) {
    if (run->job->text == job.text && (run->collect != nullptr) == (collect != nullptr)) return run;
  }
  auto run = std::make_shared<JobRun>();
  run->job = std::make_shared<const ScrapeJob>(std::move(job));
  run->discovery = std::make_shared<JobDiscovery>(run->job, services);
  run->fetcher = std::make_shared<HttpFetcher>(run->job->http, services.http, services.fs, services.clock);
  run->collect = std::move(collect);
  return run;
}

void ScrapeManager::configure(ScrapeConfig config, std::vector<LocalTarget> local) {
  MutexLock lock(impl_->mutex);
  std::vector<std::shared_ptr<JobRun>> next;
  for (LocalTarget& target : local) {
    const auto configured = [&target](const auto& job) { return job.name == target.job; };
    if (std::any_of(config.jobs.begin(), config.jobs.end(), configured) ||
        std::any_of(config.disabled.begin(), config.disabled.end(), configured)) {
      impl_->services.log.info("a scrape job takes the place of the server's own measuring",
                               {{"job", target.job}});
      continue;
    }
    next.push_back(impl_->run_of(local_job(target), std::move(target.collect)));
  }
  for (ScrapeJob& job : config.jobs) next.push_back(impl_->run_of(std::move(job), nullptr));
  impl_->external = std::move(config.external_labels);
  impl_->disabled = std::move(config.disabled);
  impl_->runs = std::move(next);
  impl_->next_discovery = UnixNanos{INT64_MIN};
}

void ScrapeManager::tick(UnixNanos now, ThreadPool* pool) {
  MutexLock one_at_a_time(impl_->tick_mutex);
  impl_->discover(now, pool);
  std::vector<std::pair<std::shared_ptr<Entry>, UnixNanos>> due;
  std::vector<std::shared_ptr<Entry>> ended;
  {
    MutexLock lock(impl_->mutex);
    for (auto& [key, entry] : impl_->entries) {
      if (entry->due > now || entry->busy) continue;
      // Turns that passed unused (a stalled process, a slow target) are skipped, not made up for.
      const Nanos interval = entry->target.interval;
      const std::int64_t passed = (now - entry->due) / interval;
      due.emplace_back(entry, entry->due + interval * passed);
      entry->due = entry->due + interval * (passed + 1);
      entry->busy = true;
    }
    auto& leaving = impl_->leaving;
    const auto idle =
        std::stable_partition(leaving.begin(), leaving.end(), [](const auto& e) { return e->busy; });
    ended.assign(idle, leaving.end());
    leaving.erase(idle, leaving.end());
  }
  for (const auto& entry : ended) impl_->end(*entry, now);
  for (const auto& [entry, turn] : due) {
    if (pool == nullptr) {
      impl_->scrape(entry, turn);
    } else if (!pool->submit([impl = impl_, entry = entry, turn = turn] { impl->scrape(entry, turn); })) {
      MutexLock lock(impl_->mutex);
      entry->busy = false;
    }
  }
}

Nanos ScrapeManager::until_next_turn(UnixNanos now) const {
  MutexLock lock(impl_->mutex);
  UnixNanos next = impl_->next_discovery;
  for (const auto& [key, entry] : impl_->entries) {
    if (!entry->busy) next = std::min(next, entry->due);
  }
  return next <= now ? Nanos(0) : next - now;
}

std::vector<TargetStatus> ScrapeManager::targets() const {
  MutexLock lock(impl_->mutex);
  std::vector<TargetStatus> out;
  for (const auto& [key, entry] : impl_->entries) out.push_back(entry->status);
  return out;
}

std::vector<PoolStatus> ScrapeManager::pools() const {
  MutexLock lock(impl_->mutex);
  std::vector<PoolStatus> out;
  for (const auto& run : impl_->runs) out.push_back({run->job->name, run->job->project, run->dropped, {}});
  for (const DisabledJob& job : impl_->disabled) out.push_back({job.name, job.project, 0, job.reason});
  return out;
}

std::vector<TargetMetadata> ScrapeManager::metadata() const {
  MutexLock lock(impl_->mutex);
  std::vector<TargetMetadata> out;
  for (const auto& [key, entry] : impl_->entries)
    if (entry->metadata) out.push_back({entry->status.project, entry->target.labels, entry->metadata});
  return out;
}

Result<std::vector<RelabelStep>> ScrapeManager::relabel_steps(const std::string& pool, Labels labels) const {
  std::shared_ptr<const ScrapeJob> job;
  {
    MutexLock lock(impl_->mutex);
    for (const auto& run : impl_->runs)
      if (run->job->name == pool) job = run->job;
  }
  if (!job) return fail(ErrorKind::not_found, "scrapePool: there is no job \"" + pool + "\"");
  std::vector<RelabelStep> out;
  for (const RelabelRule& rule : job->relabel) {
    const bool keep = relabel({rule}, labels);
    out.push_back({rule, labels, keep});
    if (!keep) break;
  }
  return out;
}

}  // namespace telltale::metrics
