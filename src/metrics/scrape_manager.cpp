// The manager keeps one Entry a target, shared with the task that scrapes it, so that a new configuration may
// drop the target while it is being fetched. Discovery (static groups and files) is redone every
// kDiscoveryPeriod.
#include "metrics/scrape_manager.hpp"

#include <algorithm>
#include <cstdio>

#include "metrics/scrape_target.hpp"

namespace telltale::metrics {
namespace {

constexpr Nanos kDiscoveryPeriod{std::chrono::seconds(5)};
constexpr std::string_view kAccept =
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=1.0.0;q=0.4,text/"
    "plain;version=0.0.4;q=0.3,"
    "*/*;q=0.1";

struct Entry {
  std::shared_ptr<const ScrapeJob> job;
  ScrapeTarget target;
  TargetStatus status;  // guarded by the manager's mutex
  SeenSeries seen;      // of the one scrape under way
  UnixNanos due{0};     // guarded by the manager's mutex
  bool busy = false;    // guarded by the manager's mutex

  bool dropped() const { return target.dropped; }
};

/// Names in `dir` that fit a pattern with at most one `*`.
bool fits(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  const std::string_view tail = pattern.substr(star + 1);
  return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) &&
         name.ends_with(tail);
}

/// The first turn after `now`: the turns stand at a fixed offset, by hash, in every interval.
UnixNanos first_turn(UnixNanos now, Nanos interval, std::uint64_t hash) {
  const auto offset = static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(interval.count()));
  const std::int64_t base = now.ns / interval.count() * interval.count() + offset;
  return {base >= now.ns ? base : base + interval.count()};
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

struct ScrapeManager::Impl : std::enable_shared_from_this<ScrapeManager::Impl> {
  Impl(transport::HttpClient& http, io::FileSystem& fs, const Clock& clock, const Logger& log,
       MetricsRegistry& metrics, ScrapeSink sink)
      : http(http),
        fs(fs),
        clock(clock),
        log(log),
        sink(std::move(sink)),
        scrapes(metrics.counter("telltale_scrapes_total", "Scrapes made.")),
        failures(metrics.counter("telltale_scrape_failures_total", "Scrapes that failed.")),
        refused(metrics.counter("telltale_scrape_store_failures_total",
                                "Scrapes whose samples were not stored.")) {}

  using Entries = std::map<std::string, std::shared_ptr<Entry>>;

  void discover(UnixNanos now);
  void discover_group(const std::shared_ptr<const ScrapeJob>& job, const TargetGroup& group,
                      std::string_view file, UnixNanos now, const Entries& old, Entries& found) const;
  std::vector<std::pair<std::string, std::vector<TargetGroup>>> read_files(const ScrapeJob& job);
  void scrape(const std::shared_ptr<Entry>& entry, UnixNanos now);
  void end(const Entry& entry, UnixNanos now);
  void deliver(const Entry& entry, UnixNanos now, ScrapedSamples samples);

  transport::HttpClient& http;
  io::FileSystem& fs;
  const Clock& clock;
  const Logger& log;
  const ScrapeSink sink;
  Counter& scrapes;
  Counter& failures;
  Counter& refused;

  Mutex tick_mutex;  // one tick at a time; taken before `mutex`
  std::map<std::string, std::vector<TargetGroup>>
      last_groups;  // by file, of its last good reading; under tick_mutex
  mutable Mutex mutex;
  Labels external TT_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<const ScrapeJob>> jobs TT_GUARDED_BY(mutex);
  Entries entries TT_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<Entry>> leaving TT_GUARDED_BY(mutex);
  UnixNanos next_discovery TT_GUARDED_BY(mutex){INT64_MIN};
};

std::vector<std::pair<std::string, std::vector<TargetGroup>>> ScrapeManager::Impl::read_files(
    const ScrapeJob& job) {
  std::vector<std::pair<std::string, std::vector<TargetGroup>>> out;
  for (const std::string& pattern : job.files) {
    const std::string dir = io::parent_dir(pattern);
    const std::size_t slash = pattern.rfind('/');
    const std::string name = slash == std::string::npos ? pattern : pattern.substr(slash + 1);
    const auto listing = fs.list(dir);
    if (!listing) continue;
    for (const io::FileInfo& info : *listing) {
      if (info.is_dir || !fits(name, info.name)) continue;
      const std::string path = slash == std::string::npos ? info.name : io::join_path(dir, info.name);
      auto text = io::read_file(fs, path);
      auto groups = text ? parse_target_groups(*text, path)
                         : Result<std::vector<TargetGroup>>(tl::unexpected<Error>(std::move(text.error())));
      // A file caught half written keeps its targets of before.
      if (groups) {
        last_groups[path] = std::move(*groups);
      } else {
        log.warn("file_sd file not read", {{"file", path}, {"reason", groups.error().message()}});
      }
      if (const auto it = last_groups.find(path); it != last_groups.end()) out.emplace_back(path, it->second);
    }
  }
  return out;
}

void ScrapeManager::Impl::discover_group(const std::shared_ptr<const ScrapeJob>& job,
                                         const TargetGroup& group, std::string_view file, UnixNanos now,
                                         const Entries& old, Entries& found) const {
  for (const std::string& address : group.targets) {
    auto target = make_target(*job, address, group.labels, file);
    if (!target) {
      log.warn("scrape target refused",
               {{"job", job->name}, {"target", address}, {"reason", target.error().message()}});
      continue;
    }
    const Labels& identity = target->dropped ? target->discovered : target->labels;
    const std::string key = job->name + '\n' + target->url + '\n' + identity.to_string();
    if (found.count(key) > 0) continue;
    const auto same = old.find(key);
    if (same != old.end() && same->second->job == job && same->second->target.interval == target->interval &&
        same->second->target.timeout == target->timeout) {
      found[key] = same->second;
      continue;
    }
    auto entry = std::make_shared<Entry>();
    entry->job = job;
    entry->due = target->dropped ? UnixNanos{INT64_MAX} : first_turn(now, target->interval, target->hash());
    entry->status = {job->name,    job->project,    target->discovered, target->labels,
                     target->url,  target->dropped, "unknown",          {},
                     UnixNanos{0}, Nanos{0},        target->interval,   target->timeout};
    if (same != old.end() && !same->second->busy) {
      entry->seen = same->second->seen;
      entry->status = same->second->status;
      entry->status.interval = target->interval;
      entry->status.timeout = target->timeout;
    }
    entry->target = std::move(*target);
    found[key] = std::move(entry);
  }
}

void ScrapeManager::Impl::discover(UnixNanos now) {
  std::vector<std::shared_ptr<const ScrapeJob>> current;
  {
    MutexLock lock(mutex);
    if (now < next_discovery) return;
    next_discovery = now + kDiscoveryPeriod;
    current = jobs;
  }
  std::vector<std::vector<std::pair<std::string, std::vector<TargetGroup>>>> files;
  for (const auto& job : current) files.push_back(read_files(*job));
  MutexLock lock(mutex);
  if (current != jobs) return;  // configured meanwhile; configure() made discovery due again
  Entries found;
  for (std::size_t i = 0; i < current.size(); ++i) {
    for (const TargetGroup& g : current[i]->static_configs)
      discover_group(current[i], g, {}, now, entries, found);
    for (const auto& [path, groups] : files[i]) {
      for (const TargetGroup& g : groups) discover_group(current[i], g, path, now, entries, found);
    }
  }
  for (auto& [key, entry] : entries) {
    const auto it = found.find(key);
    if (it != found.end() && (it->second == entry || !entry->busy)) continue;
    if (!entry->dropped() && it == found.end()) leaving.push_back(entry);
  }
  entries = std::move(found);
}

void ScrapeManager::Impl::deliver(const Entry& entry, UnixNanos now, ScrapedSamples samples) {
  if (auto stored = sink(entry.job->project, now, std::move(samples)); !stored) {
    refused.add();
    log.warn("scrape not stored", {{"job", entry.job->name}, {"reason", stored.error().message()}});
  }
}

void ScrapeManager::Impl::scrape(const std::shared_ptr<Entry>& entry, UnixNanos now) {
  const ScrapeJob& job = *entry->job;
  Labels external_labels;
  {
    MutexLock lock(mutex);
    external_labels = external;
  }
  transport::OutboundRequest request;
  request.url = entry->target.url;
  request.timeout = entry->target.timeout;
  request.max_response_bytes = job.body_size_limit;
  request.user_given = false;
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g", std::chrono::duration<double>(entry->target.timeout).count());
  request.headers = {{"Accept", std::string(kAccept)}, {"X-Prometheus-Scrape-Timeout-Seconds", seconds}};
  Result<transport::OutboundResponse> response = transport::OutboundResponse{};
  std::string authorization = job.authorization;
  if (!job.authorization_file.empty()) {
    auto credentials = io::read_file(fs, job.authorization_file);
    if (credentials) {
      authorization += ' ' + trimmed(std::move(*credentials));
    } else {
      response = tl::unexpected<Error>(std::move(credentials.error()).within("credentials_file"));
    }
  }
  if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
  const Nanos start = clock.steady();
  if (response) response = http.send(request);
  const Nanos duration = clock.steady() - start;
  ScrapeOutcome outcome =
      digest_scrape(job, entry->target, external_labels, response, now.to_millis(), duration, entry->seen);
  scrapes.add();
  if (!outcome.error.empty()) failures.add();
  deliver(*entry, now, std::move(outcome.samples));
  MutexLock lock(mutex);
  entry->status.health = outcome.error.empty() ? "up" : "down";
  entry->status.last_error = outcome.error;
  entry->status.last_scrape = now;
  entry->status.last_duration = duration;
  entry->busy = false;
}

void ScrapeManager::Impl::end(const Entry& entry, UnixNanos now) {
  Labels external_labels;
  {
    MutexLock lock(mutex);
    external_labels = external;
  }
  deliver(entry, now, end_target(entry.target, external_labels, now.to_millis(), entry.seen));
}

ScrapeManager::ScrapeManager(transport::HttpClient& http, io::FileSystem& fs, const Clock& clock,
                             const Logger& log, MetricsRegistry& metrics, ScrapeSink sink)
    : impl_(std::make_shared<Impl>(http, fs, clock, log, metrics, std::move(sink))) {}
ScrapeManager::~ScrapeManager() = default;

void ScrapeManager::configure(ScrapeConfig config) {
  for (const std::string& w : config.warnings) impl_->log.warn("scrape configuration", {{"warning", w}});
  MutexLock lock(impl_->mutex);
  impl_->external = std::move(config.external_labels);
  impl_->jobs.clear();
  for (ScrapeJob& job : config.jobs) impl_->jobs.push_back(std::make_shared<const ScrapeJob>(std::move(job)));
  impl_->next_discovery = UnixNanos{INT64_MIN};
}

void ScrapeManager::tick(UnixNanos now, ThreadPool* pool) {
  MutexLock one_at_a_time(impl_->tick_mutex);
  impl_->discover(now);
  std::vector<std::shared_ptr<Entry>> due;
  std::vector<std::shared_ptr<Entry>> ended;
  {
    MutexLock lock(impl_->mutex);
    for (auto& [key, entry] : impl_->entries) {
      if (entry->due > now || entry->busy) continue;
      // Turns that passed unused (a stalled process, a slow target) are skipped, not made up for.
      const Nanos interval = entry->target.interval;
      entry->due = entry->due + interval * ((now - entry->due) / interval + 1);
      entry->busy = true;
      due.push_back(entry);
    }
    auto& leaving = impl_->leaving;
    const auto idle =
        std::stable_partition(leaving.begin(), leaving.end(), [](const auto& e) { return e->busy; });
    ended.assign(idle, leaving.end());
    leaving.erase(idle, leaving.end());
  }
  for (const auto& entry : ended) impl_->end(*entry, now);
  for (const auto& entry : due) {
    if (pool == nullptr) {
      impl_->scrape(entry, now);
    } else if (!pool->submit([impl = impl_, entry, now] { impl->scrape(entry, now); })) {
      MutexLock lock(impl_->mutex);
      entry->busy = false;
    }
  }
}

std::vector<TargetStatus> ScrapeManager::targets() const {
  MutexLock lock(impl_->mutex);
  std::vector<TargetStatus> out;
  for (const auto& [key, entry] : impl_->entries) out.push_back(entry->status);
  return out;
}

}  // namespace telltale::metrics
