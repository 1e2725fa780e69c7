// Jobs begin as copies of what `global` gives.
#include "metrics/scrape_config.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "io/file_system.hpp"
#include "metrics/scrape_config_keys.hpp"
#include "metrics/yaml_reader.ipp"

namespace telltale::metrics {
namespace {

std::vector<RelabelRule> as_rules(const YAML::Node& n, std::string_view field) {
  std::vector<RelabelRule> out;
  if (n.IsNull()) return out;
  if (!n.IsSequence()) bad_field(n, field, "must be a list");
  for (const auto& item : n) {
    RelabelRule rule;
    for (const auto& kv : item) {
      const std::string key = kv.first.Scalar();
      if (key == "source_labels") {
        rule.source_labels = as_texts(kv.second, key);
      } else if (key == "separator") {
        rule.separator = as_text(kv.second, key);
      } else if (key == "target_label") {
        rule.target_label = as_text(kv.second, key);
      } else if (key == "regex") {
        rule.regex = as_text(kv.second, key);
      } else if (key == "modulus") {
        rule.modulus = as_count(kv.second, key);
      } else if (key == "replacement") {
        rule.replacement = as_text(kv.second, key);
      } else if (key == "action") {
        const auto action = relabel_action_from(as_text(kv.second, key));
        if (!action) bad_field(kv.second, field, action.error().message());
        rule.action = *action;
      } else {
        bad_field(kv.first, field, "unknown key " + key);
      }
    }
    if (auto status = rule.prepare(); !status) bad_field(item, field, status.error().message());
    out.push_back(std::move(rule));
  }
  return out;
}

/// Keys of a job that have nothing to do with how targets are found or fetched.
bool read_job_key(const std::string& key, const YAML::Node& v, ScrapeJob& job) {
  if (key == "job_name") {
    job.name = as_text(v, key);
  } else if (key == "project") {
    const std::uint64_t id = as_count(v, key);
    if (id == 0 || id > UINT32_MAX) bad_field(v, key, "is not a project's number");
    job.project = ProjectId{static_cast<std::uint32_t>(id)};
  } else if (key == "honor_labels") {
    job.honor_labels = as_bool(v, key);
  } else if (key == "honor_timestamps") {
    job.honor_timestamps = as_bool(v, key);
  } else if (key == "track_timestamps_staleness") {
    job.track_timestamps_staleness = as_bool(v, key);
  } else if (key == "metrics_path") {
    job.metrics_path = as_text(v, key);
  } else if (key == "scheme") {
    job.scheme = as_text(v, key);
    if (job.scheme != "http" && job.scheme != "https") bad_field(v, key, "must be http or https");
  } else if (key == "enable_compression") {
    job.enable_compression = as_bool(v, key);
  } else if (key == "params") {
    for (const auto& kv : as_map(v, key)) {
      for (auto& text : as_texts(kv.second, key)) job.params.emplace_back(kv.first.Scalar(), std::move(text));
    }
  } else if (key == "relabel_configs") {
    job.relabel = as_rules(v, key);
  } else if (key == "metric_relabel_configs") {
    job.metric_relabel = as_rules(v, key);
  } else {
    return false;
  }
  return true;
}

void check_times(const YAML::Node& n, ScrapeJob& job) {
  if (job.timeout <= job.interval) return;
  if (job.own_timeout) bad_field(n, "scrape_timeout", "is longer than the scrape interval");
  job.timeout = job.interval;
}

ScrapeJob read_job(const YAML::Node& n, ScrapeJob job, const std::string& directory,
                   std::vector<std::string>& unsupported) {
  if (!n.IsMap()) bad_field(n, "scrape_configs", "must be a list of mappings");
  for (const auto& kv : n) {
    const std::string key = kv.first.Scalar();
    if (!read_job_key(key, kv.second, job) && !read_shared_key(key, kv.second, job) &&
        !read_discovery_key(key, kv.second, directory, job, unsupported) &&
        !read_http_key(key, kv.second, directory, job.http, unsupported)) {
      unsupported.push_back(key);
    }
  }
  if (job.name.empty()) bad_field(n, "job_name", "is missing");
  check_http_options(n, job.http);
  check_times(n, job);
  check_shared(n, job);
  job.text += YAML::Dump(n);
  return job;
}

void read_global(const YAML::Node& n, ScrapeConfig& config) {
  for (const auto& kv : as_map(n, "global")) {
    const std::string key = kv.first.Scalar();
    if (key == "external_labels") {
      config.external_labels = as_labels(kv.second, key);
    } else if (key == "evaluation_interval") {
      as_duration(kv.second, key);  // rules have their own setting
    } else if (!read_shared_key(key, kv.second, config.defaults)) {
      config.warnings.push_back("global." + key + line_of(kv.first) + ": not supported, ignored");
    }
  }
  config.defaults.text = YAML::Dump(n) + '\n';
}

void read_jobs(const YAML::Node& n, const std::string& directory, ScrapeConfig& config) {
  std::set<std::string> names;
  for (const ScrapeJob& job : config.jobs) names.insert(job.name);
  for (const DisabledJob& job : config.disabled) names.insert(job.name);
  for (const auto& item : as_list(n, "scrape_configs")) {
    std::vector<std::string> unsupported;
    ScrapeJob job = read_job(item, config.defaults, directory, unsupported);
    if (!names.insert(job.name).second) bad_field(item, "job_name", job.name + " is there twice");
    if (unsupported.empty()) {
      config.jobs.push_back(std::move(job));
      continue;
    }
    std::string list;
    for (const std::string& u : unsupported) {
      list += list.empty() ? u : ", " + u;
      config.warnings.push_back("job " + job.name + line_of(item) + ": " + u +
                                " is not supported, job disabled");
    }
    config.disabled.push_back({job.name, job.project, "not supported: " + list});
  }
}

ScrapeConfig read_config(const YAML::Node& root, const std::string& directory) {
  ScrapeConfig config;
  if (root.IsNull()) return config;
  if (!root.IsMap()) bad_field(root, "the file", "must be a mapping");
  if (root["global"]) {
    read_global(root["global"], config);
    check_times(root["global"], config.defaults);
    config.defaults.own_timeout = false;  // a job with a shorter interval shortens it
  }
  for (const auto& kv : root) {
    const std::string key = kv.first.Scalar();
    if (key == "global") continue;
    if (key == "rule_files") {
      config.rule_files = as_texts(kv.second, key);
    } else if (key == "scrape_configs") {
      read_jobs(kv.second, directory, config);
    } else if (key == "scrape_config_files") {
      config.job_files = as_texts(kv.second, key);
    } else {
      config.warnings.push_back(key + line_of(kv.first) + ": not supported, ignored");
    }
  }
  return config;
}

}  // namespace

std::string ScrapeJob::accept() const {
  return wire::prometheus::accept_header(
      protocols.empty() ? wire::prometheus::default_scrape_protocols(histograms.native) : protocols,
      !escaping.empty() ? escaping
      : legacy_names    ? "underscores"
                        : "allow-utf-8");
}

Result<ScrapeConfig> parse_scrape_config(std::string_view yaml, std::string_view where) {
  const std::string directory = io::parent_dir(where);
  return guarded_yaml(yaml, where, [&](const YAML::Node& n) { return read_config(n, directory); });
}

Result<> add_scrape_config_file(ScrapeConfig& config, std::string_view yaml, std::string_view where) {
  ScrapeConfig next = config;
  const auto read = guarded_yaml(yaml, where, [&](const YAML::Node& root) {
    for (const auto& kv : as_map(root, "the file")) {
      if (kv.first.Scalar() != "scrape_configs")
        bad_field(kv.first, kv.first.Scalar(), "only scrape_configs can stand here");
      read_jobs(kv.second, io::parent_dir(where), next);
    }
    return true;
  });
  if (!read) return tl::unexpected<Error>(read.error());
  config = std::move(next);
  return {};
}

}  // namespace telltale::metrics
