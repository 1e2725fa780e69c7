// A target: what its labels, after relabelling, say where to fetch and how to label what comes. And one
// scrape of it: bytes in, samples out, with the series it saw so that the next one can mark what vanished.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "metrics/scrape_config.hpp"
#include "metrics/scrape_manager.hpp"

namespace telltale::metrics {

struct ScrapeTarget {
  Labels discovered;
  Labels labels;  // for the samples: no `__` names but those that users may set
  std::string url;
  Nanos interval{0};
  Nanos timeout{0};
  bool dropped = false;
  std::uint64_t hash() const;
};

/// The target of one address in a group. invalid_argument when its labels give no usable address or times.
Result<ScrapeTarget> make_target(const ScrapeJob& job, const std::string& address, const Labels& group_labels,
                                 std::string_view file);

/// What a scrape leaves for the next one.
struct SeenSeries {
  std::set<Labels> series;  // without explicit timestamps
};

struct ScrapeOutcome {
  ScrapedSamples samples;  // with `up` and `scrape_*`, and stale markers
  std::string error;       // empty: up
};

/// Turns a response into samples at `now`. `seen` is replaced.
ScrapeOutcome digest_scrape(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                            const Result<transport::OutboundResponse>& response, UnixMillis now,
                            Nanos duration, SeenSeries& seen);
/// Stale markers for everything seen and for the `scrape_*` series: the target is gone.
ScrapedSamples end_target(const ScrapeTarget& target, const Labels& external, UnixMillis now,
                          const SeenSeries& seen);

}  // namespace telltale::metrics
