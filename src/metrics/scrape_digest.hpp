// One scrape: a response in, samples out, with the series it saw so that the next one can mark what vanished.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "metrics/scrape_manager.hpp"
#include "metrics/scrape_target.hpp"

namespace telltale::metrics {

/// What a scrape leaves for the next one.
struct SeenSeries {
  std::vector<Labels> series;  // that end with a stale marker, each once, in the order they came
  std::map<Labels, wire::prometheus::ScrapedExemplar> exemplars;  // the newest of each series
  std::shared_ptr<const ScrapedMetadata> metadata;  // null before the first scrape that was read
};

struct ScrapeOutcome {
  Scraped scraped;    // with `up` and `scrape_*`, and stale markers
  std::string error;  // empty: up
};

/// Turns a response into samples at `now`. `seen` is replaced.
ScrapeOutcome digest_scrape(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                            const Result<transport::OutboundResponse>& response, UnixMillis now,
                            Nanos duration, SeenSeries& seen);
/// The same for the samples of a target within the program.
ScrapeOutcome digest_local(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                           Result<std::vector<std::pair<Labels, double>>> samples, UnixMillis now,
                           Nanos duration, SeenSeries& seen);
/// Stale markers for everything seen and for the `scrape_*` series: the target is gone.
ScrapedSamples end_target(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                          UnixMillis now, const SeenSeries& seen);

}  // namespace telltale::metrics
