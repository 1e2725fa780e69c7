// prometheus.yml as far as scraping goes. A key or a discovery kind we do not have is a warning that disables
// only its job; what is wrong with the file as a whole (not YAML, wrong types in `global`) is an error.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "metrics/relabel.hpp"
#include "model/labels.hpp"

namespace telltale::metrics {

/// Addresses with common labels: an entry of static_configs or of a file of file_sd_configs.
struct TargetGroup {
  std::vector<std::string> targets;
  Labels labels;
};

struct ScrapeJob {
  std::string name;
  ProjectId project{1};  // our own key `project:`
  Nanos interval{std::chrono::minutes(1)};
  Nanos timeout{std::chrono::seconds(10)};
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::vector<std::pair<std::string, std::string>> params;
  std::string authorization;  // the header's whole value; empty: none
  std::string
      authorization_file;  // its credentials are read before each scrape, after `authorization`'s type
  bool honor_labels = false;
  bool honor_timestamps = true;
  std::size_t sample_limit = 0;  // 0: none
  std::size_t body_size_limit = limits::kMaxScrapeBodyBytes;
  std::vector<TargetGroup> static_configs;
  std::vector<std::string> files;  // of file_sd_configs; `*` only in the last segment
  std::vector<RelabelRule> relabel;
  std::vector<RelabelRule> metric_relabel;
};

struct ScrapeConfig {
  Labels external_labels;
  std::vector<ScrapeJob> jobs;
  std::vector<std::string> rule_files;
  std::vector<std::string> warnings;
};

/// `where` names the source in errors.
Result<ScrapeConfig> parse_scrape_config(std::string_view yaml, std::string_view where);
/// A file_sd file: YAML or JSON (a subset of YAML).
Result<std::vector<TargetGroup>> parse_target_groups(std::string_view text, std::string_view where);

}  // namespace telltale::metrics
