// prometheus.yml as far as scraping goes. A key or a discovery kind we do not have is a warning that disables
// only its job; what is wrong with the file as a whole (not YAML, wrong types in `global`) is an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "metrics/http_options.hpp"
#include "metrics/relabel.hpp"
#include "metrics/target_group.hpp"
#include "model/labels.hpp"
#include "wire/prometheus/negotiation.hpp"

namespace telltale::metrics {

/// `*` only in the last segment of a name.
struct FileDiscovery {
  std::vector<std::string> files;
};

struct HttpDiscovery {
  std::string url;
  Nanos refresh{std::chrono::minutes(1)};
  HttpOptions http;
};

struct DnsDiscovery {
  std::vector<std::string> names;
  transport::DnsType type = transport::DnsType::srv;
  std::uint16_t port = 0;  // that SRV records give themselves
  Nanos refresh{std::chrono::seconds(30)};
};

/// Of one scrape; 0: none.
struct ScrapeLimits {
  std::size_t body_bytes = limits::kMaxScrapeBodyBytes;
  std::size_t samples = 0;  // after relabelling
  std::size_t labels = 0;   // of a series
  std::size_t label_name_bytes = 0;
  std::size_t label_value_bytes = 0;
  std::size_t targets = 0;  // of the job
  std::size_t kept_dropped_targets = 0;
  std::size_t histogram_buckets = 0;
  double histogram_factor = 0;  // buckets of native histograms grow by this at least
};

struct ScrapeJob {
  std::string name;
  ProjectId project{1};  // our own key `project:`
  Nanos interval{std::chrono::minutes(1)};
  Nanos timeout{std::chrono::seconds(10)};
  bool own_timeout = false;  // it was given, here or in `global`
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::vector<std::pair<std::string, std::string>> params;
  HttpOptions http;
  bool enable_compression = true;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool extra_scrape_metrics = false;
  bool legacy_names = false;                                // [a-zA-Z0-9_:] only
  std::string escaping;                                     // asked of targets; empty: by legacy_names
  std::vector<wire::prometheus::ScrapeProtocol> protocols;  // most wanted first; empty: the default
  std::optional<wire::prometheus::ScrapeProtocol> fallback_protocol;
  wire::prometheus::HistogramChoice histograms;
  ScrapeLimits limits;
  std::vector<TargetGroup> static_configs;
  std::vector<FileDiscovery> file_discovery;
  std::vector<HttpDiscovery> http_discovery;
  std::vector<DnsDiscovery> dns_discovery;
  std::vector<RelabelRule> relabel;
  std::vector<RelabelRule> metric_relabel;
  std::string text;  // its YAML and that of `global`: equal texts are the same job

  /// The Accept header of its scrapes.
  std::string accept() const;
};

/// A job that is not scraped, and why.
struct DisabledJob {
  std::string name;
  ProjectId project;
  std::string reason;
};

struct ScrapeConfig {
  Labels external_labels;
  std::vector<ScrapeJob> jobs;
  std::vector<DisabledJob> disabled;
  std::vector<std::string> rule_files;
  std::vector<std::string> job_files;  // globs of scrape_config_files
  std::vector<std::string> warnings;
  ScrapeJob defaults;  // by `global`
};

/// `where` names the source in errors; relative files in it are of its folder.
Result<ScrapeConfig> parse_scrape_config(std::string_view yaml, std::string_view where);
/// Adds the jobs of a file of scrape_config_files. invalid_argument for a name that is there already.
Result<> add_scrape_config_file(ScrapeConfig& config, std::string_view yaml, std::string_view where);

}  // namespace telltale::metrics
