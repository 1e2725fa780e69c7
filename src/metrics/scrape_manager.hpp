// Scraping: keeps the targets of every job, decides whose turn it is, fetches, parses, relabels and hands the
// samples to a sink. Turns are spread over the interval by the hash of the target, so that a thousand targets
// do not answer in the same millisecond. A scrape adds `up` and the `scrape_*` series; a series that
// vanished, and every series of a target that failed or left, ends with a stale marker (none for samples with
// their own timestamps).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "io/file_system.hpp"
#include "metrics/scrape_config.hpp"
#include "model/sample.hpp"
#include "transport/transport.hpp"

namespace telltale::metrics {

using ScrapedSamples = std::vector<std::pair<Labels, Sample>>;
/// An error means that nothing of it was stored.
using ScrapeSink = std::function<Result<>(ProjectId project, UnixNanos now, ScrapedSamples samples)>;

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

/// Thread-safe.
class ScrapeManager {
 public:
  /// `fs` reads file_sd files and credential files.
  ScrapeManager(transport::HttpClient& http, io::FileSystem& fs, const Clock& clock, const Logger& log,
                MetricsRegistry& metrics, ScrapeSink sink);
  ~ScrapeManager();

  /// Replaces jobs; a target that stays (same job, labels and URL) keeps its state, one that left gets its
  /// stale markers at the next tick.
  void configure(ScrapeConfig config);
  /// Scrapes what is due at `now`, on `pool` when given (a target is never scraped twice at once), else in
  /// place. Call about every second (or more often).
  void tick(UnixNanos now, ThreadPool* pool = nullptr);
  std::vector<TargetStatus> targets() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace telltale::metrics
