// Scraping: keeps the targets of every job, decides whose turn it is, fetches, parses, relabels and hands the
// samples to a sink. Turns are spread over the interval by the hash of the target, so that a thousand targets
// do not answer in the same millisecond. A scrape adds `up` and the `scrape_*` series; a series that
// vanished, and every series of a target that failed or left, ends with a stale marker (none for samples with
// their own timestamps, unless track_timestamps_staleness asks for it). Samples carry the time of the turn
// when the scrape begins within a hair of it, so that the spacing is even.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "metrics/discovery.hpp"
#include "metrics/scrape_config.hpp"
#include "model/sample.hpp"

namespace telltale::metrics {

using ScrapedSamples = std::vector<std::pair<Labels, Sample>>;
using ScrapedExemplars = std::vector<std::pair<Labels, wire::prometheus::ScrapedExemplar>>;
using ScrapedMetadata = std::vector<wire::prometheus::MetricMetadata>;

/// What one scrape brought. Exemplars and descriptions that the scrape before had already are not repeated.
struct Scraped {
  ScrapedSamples samples;
  ScrapedExemplars exemplars;  // by series; a time is always there
  ScrapedMetadata metadata;
};
/// An error means that nothing of it was stored.
using ScrapeSink = std::function<Result<>(ProjectId project, UnixNanos now, Scraped scraped)>;

/// A target within the program: its samples come from a call instead of a fetch, and are taken in like a
/// scrape's. It gives way to a job of its name in the configuration.
struct LocalTarget {
  std::string job;
  std::string instance;
  Nanos interval{0};
  /// Names and values; labels of the target are added. Called by one thread at a time.
  std::function<Result<std::vector<std::pair<Labels, double>>>()> collect;
};

/// What /api/v1/targets shows.
struct TargetStatus {
  std::string job;
  ProjectId project;
  Labels discovered_labels;
  Labels labels;
  std::string url;
  bool dropped = false;  // by relabelling
  std::string health;    // up, down, unknown
  std::string last_error;
  UnixNanos last_scrape{0};  // 0: never
  Nanos last_duration{0};
  Nanos interval{0};
  Nanos timeout{0};
};

/// What /api/v1/scrape_pools and the Targets page list: a job, scraped or not.
struct PoolStatus {
  std::string name;
  ProjectId project;
  std::size_t dropped = 0;  // targets; targets() names limits::kMaxKeptDroppedTargets of them at most
  std::string disabled;     // why it is not scraped; empty: it is
};

/// What a target's last scrape says of its families.
struct TargetMetadata {
  ProjectId project;
  Labels labels;
  std::shared_ptr<const ScrapedMetadata> families;
};

/// A rule of relabel_configs and what it left.
struct RelabelStep {
  RelabelRule rule;
  Labels output;
  bool keep = true;  // false: dropped here, and the rules behind have nothing to do
};

/// Thread-safe.
class ScrapeManager {
 public:
  /// The file system reads file_sd files and credential files.
  ScrapeManager(const DiscoveryServices& services, MetricsRegistry& metrics, ScrapeSink sink);
  ~ScrapeManager();

  /// Replaces jobs; a target that stays (same job, labels and URL) keeps its state, one that left gets its
  /// stale markers at the next tick.
  void configure(ScrapeConfig config, std::vector<LocalTarget> local = {});
  /// Scrapes what is due at `now`, on `pool` when given (a target is never scraped twice at once), else in
  /// place; targets are looked up alike. Call about every second (or more often).
  void tick(UnixNanos now, ThreadPool* pool = nullptr);
  /// How long after `now` the next tick has something to do; never below zero.
  Nanos until_next_turn(UnixNanos now) const;
  std::vector<TargetStatus> targets() const;
  /// In the order of the configuration, disabled ones last.
  std::vector<PoolStatus> pools() const;
  /// Of targets that are not dropped and have answered.
  std::vector<TargetMetadata> metadata() const;
  /// What a job's relabelling makes of labels as discovery finds them; not_found when there is no such job.
  Result<std::vector<RelabelStep>> relabel_steps(const std::string& pool, Labels labels) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace telltale::metrics
