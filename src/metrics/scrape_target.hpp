// A target: what its labels, after relabelling, say where to fetch and how to label what comes.
#pragma once

#include <string>

#include "metrics/scrape_config.hpp"

namespace telltale::metrics {

struct ScrapeTarget {
  Labels discovered;
  Labels labels;  // for the samples: no `__` names but those that users may set
  std::string url;
  std::string unix_socket;  // path; empty: none
  Nanos interval{0};
  Nanos timeout{0};
  wire::prometheus::HistogramChoice histograms;
  std::string accept;  // header
  bool dropped = false;
  std::uint64_t hash() const;
};

/// The target of one address in a group. invalid_argument when its labels give no usable address or times.
Result<ScrapeTarget> make_target(const ScrapeJob& job, const std::string& address,
                                 const Labels& group_labels);

}  // namespace telltale::metrics
