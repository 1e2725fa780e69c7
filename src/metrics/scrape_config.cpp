#include "metrics/scrape_config.hpp"

#include <algorithm>
#include <set>

#include <yaml-cpp/yaml.h>

#include "base/text.hpp"

namespace telltale::metrics {
namespace {

// yaml-cpp reports by exceptions; ours carries the error through its frames and is caught at the folder's
// functions.
struct ConfigFault {
  std::string message;
};

std::string line_of(const YAML::Node& n) {
  const YAML::Mark mark = n.Mark();
  return mark.is_null() ? std::string() : " (line " + std::to_string(mark.line + 1) + ")";
}

[[noreturn]] void bad_field(const YAML::Node& n, std::string_view field, const std::string& why) {
  throw ConfigFault{std::string(field) + line_of(n) + ": " + why};
}

std::string as_text(const YAML::Node& n, std::string_view field) {
  if (n.IsNull()) return {};
  if (!n.IsScalar()) bad_field(n, field, "must be a text");
  return n.Scalar();
}

bool as_bool(const YAML::Node& n, std::string_view field) {
  bool v = false;
  if (!YAML::convert<bool>::decode(n, v)) bad_field(n, field, "must be true or false");
  return v;
}

Nanos as_duration(const YAML::Node& n, std::string_view field) {
  const auto d = parse_duration(as_text(n, field));
  if (!d) bad_field(n, field, d.error().message());
  if (*d <= Nanos(0)) bad_field(n, field, "must be above zero");
  return *d;
}

std::uint64_t as_count(const YAML::Node& n, std::string_view field) {
  std::uint64_t v = 0;
  if (as_text(n, field).starts_with('-') || !YAML::convert<std::uint64_t>::decode(n, v)) {
    bad_field(n, field, "must be a whole number, zero or more");
  }
  return v;
}

/// `10MB`, `64KiB`, `1000`: Prometheus' sizes, powers of 1024 throughout.
std::size_t as_size(const YAML::Node& n, std::string_view field) {
  const std::string text = as_text(n, field);
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  static constexpr std::pair<std::string_view, int> kUnits[] = {
      {"", 0},    {"b", 0},    {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20},
      {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}};
  const std::string unit = to_lower(std::string_view(text).substr(digits));
  for (const auto& [name, shift] : kUnits) {
    if (unit == name && digits > 0 && digits < 10) return std::stoull(text.substr(0, digits)) << shift;
  }
  bad_field(n, field, "must be a size such as 10MB");
}

std::vector<std::string> as_texts(const YAML::Node& n, std::string_view field) {
  std::vector<std::string> out;
  if (n.IsNull()) return out;
  if (!n.IsSequence()) bad_field(n, field, "must be a list");
  for (const auto& item : n) out.push_back(as_text(item, field));
  return out;
}

Labels as_labels(const YAML::Node& n, std::string_view field) {
  std::vector<Label> out;
  if (n.IsNull()) return {};
  if (!n.IsMap()) bad_field(n, field, "must be a mapping");
  for (const auto& kv : n) out.push_back({kv.first.Scalar(), as_text(kv.second, field)});
  return Labels(std::move(out));
}

std::vector<TargetGroup> as_groups(const YAML::Node& n, std::string_view field) {
  std::vector<TargetGroup> out;
  if (n.IsNull()) return out;
  if (!n.IsSequence()) bad_field(n, field, "must be a list");
  for (const auto& item : n) {
    TargetGroup group;
    if (!item.IsMap()) bad_field(item, field, "must be a list of mappings");
    for (const auto& kv : item) {
      const std::string key = kv.first.Scalar();
      if (key == "targets") {
        group.targets = as_texts(kv.second, "targets");
      } else if (key == "labels") {
        group.labels = as_labels(kv.second, "labels");
      } else {
        bad_field(kv.first, field, "unknown key " + key);
      }
    }
    out.push_back(std::move(group));
  }
  return out;
}

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

void read_basic_auth(const YAML::Node& n, ScrapeJob& job, std::vector<std::string>& unsupported) {
  std::string user;
  std::string password;
  for (const auto& kv : n) {
    const std::string key = kv.first.Scalar();
    if (key == "username") {
      user = as_text(kv.second, "basic_auth.username");
    } else if (key == "password") {
      password = as_text(kv.second, "basic_auth.password");
    } else {
      unsupported.push_back("basic_auth." + key);
    }
  }
  job.authorization = "Basic " + to_base64(user + ":" + password);
}

void read_authorization(const YAML::Node& n, ScrapeJob& job, std::vector<std::string>& unsupported) {
  std::string type = "Bearer";
  std::string credentials;
  for (const auto& kv : n) {
    const std::string key = kv.first.Scalar();
    if (key == "type") {
      type = as_text(kv.second, "authorization.type");
    } else if (key == "credentials") {
      credentials = as_text(kv.second, "authorization.credentials");
    } else if (key == "credentials_file") {
      job.authorization_file = as_text(kv.second, "authorization.credentials_file");
    } else {
      unsupported.push_back("authorization." + key);
    }
  }
  job.authorization = job.authorization_file.empty() ? type + " " + credentials : type;
}

void read_file_sd(const YAML::Node& n, ScrapeJob& job) {
  for (const auto& item : n) {
    for (const auto& kv : item) {
      const std::string key = kv.first.Scalar();
      if (key == "files") {
        for (auto& f : as_texts(kv.second, "file_sd_configs.files")) job.files.push_back(std::move(f));
      } else if (key == "refresh_interval") {
        as_duration(kv.second, "file_sd_configs.refresh_interval");  // files are read at every scrape anyway
      } else {
        bad_field(kv.first, "file_sd_configs", "unknown key " + key);
      }
    }
  }
}

/// True when `key` is one that says where and how to fetch.
bool read_fetch_key(const std::string& key, const YAML::Node& v, ScrapeJob& job,
                    std::vector<std::string>& unsupported) {
  if (key == "metrics_path") {
    job.metrics_path = as_text(v, key);
  } else if (key == "scheme") {
    job.scheme = as_text(v, key);
    if (job.scheme != "http" && job.scheme != "https") bad_field(v, key, "must be http or https");
  } else if (key == "params") {
    if (!v.IsMap()) bad_field(v, key, "must be a mapping");
    for (const auto& kv : v) {
      for (auto& text : as_texts(kv.second, key)) job.params.emplace_back(kv.first.Scalar(), std::move(text));
    }
  } else if (key == "basic_auth") {
    read_basic_auth(v, job, unsupported);
  } else if (key == "authorization") {
    read_authorization(v, job, unsupported);
  } else if (key == "static_configs") {
    job.static_configs = as_groups(v, key);
  } else if (key == "file_sd_configs") {
    read_file_sd(v, job);
  } else {
    return false;
  }
  return true;
}

ScrapeJob read_job(const YAML::Node& n, ScrapeJob job, bool own_timeout,
                   std::vector<std::string>& unsupported) {
  // Keys about how the peer speaks, which our client settles by itself.
  static const std::set<std::string> kWithoutEffect = {"enable_compression", "scrape_protocols",
                                                       "enable_http2", "fallback_scrape_protocol",
                                                       "follow_redirects"};
  if (!n.IsMap()) bad_field(n, "scrape_configs", "must be a list of mappings");
  for (const auto& kv : n) {
    const std::string key = kv.first.Scalar();
    const YAML::Node& v = kv.second;
    if (read_fetch_key(key, v, job, unsupported)) continue;
    if (key == "job_name") {
      job.name = as_text(v, key);
    } else if (key == "project") {
      const std::uint64_t id = as_count(v, key);
      if (id == 0 || id > UINT32_MAX) bad_field(v, key, "is not a project's number");
      job.project = ProjectId{static_cast<std::uint32_t>(id)};
    } else if (key == "scrape_interval") {
      job.interval = as_duration(v, key);
    } else if (key == "scrape_timeout") {
      job.timeout = as_duration(v, key);
      own_timeout = true;
    } else if (key == "honor_labels") {
      job.honor_labels = as_bool(v, key);
    } else if (key == "honor_timestamps") {
      job.honor_timestamps = as_bool(v, key);
    } else if (key == "sample_limit") {
      job.sample_limit = as_count(v, key);
    } else if (key == "body_size_limit") {
      const std::size_t limit = as_size(v, key);
      if (limit > 0) job.body_size_limit = std::min(limit, limits::kMaxScrapeBodyBytes);
    } else if (key == "relabel_configs") {
      job.relabel = as_rules(v, key);
    } else if (key == "metric_relabel_configs") {
      job.metric_relabel = as_rules(v, key);
    } else if (kWithoutEffect.count(key) == 0) {
      unsupported.push_back(key);
    }
  }
  if (job.name.empty()) bad_field(n, "job_name", "is missing");
  if (job.timeout > job.interval) {
    if (own_timeout) bad_field(n, "scrape_timeout", "is longer than the scrape interval of job " + job.name);
    job.timeout = job.interval;
  }
  return job;
}

void read_global(const YAML::Node& n, ScrapeConfig& config, ScrapeJob& defaults, bool& own_timeout) {
  if (n.IsNull()) return;
  if (!n.IsMap()) bad_field(n, "global", "must be a mapping");
  for (const auto& kv : n) {
    const std::string key = kv.first.Scalar();
    if (key == "scrape_interval") {
      defaults.interval = as_duration(kv.second, key);
    } else if (key == "scrape_timeout") {
      defaults.timeout = as_duration(kv.second, key);
      own_timeout = true;
    } else if (key == "external_labels") {
      config.external_labels = as_labels(kv.second, key);
    } else if (key == "evaluation_interval") {
      as_duration(kv.second, key);  // rules have their own setting
    } else {
      config.warnings.push_back("global." + key + line_of(kv.first) + ": not supported, ignored");
    }
  }
}

ScrapeConfig read_config(const YAML::Node& root) {
  ScrapeConfig config;
  ScrapeJob defaults;
  bool own_timeout = false;
  if (root.IsNull()) return config;
  if (!root.IsMap()) bad_field(root, "the file", "must be a mapping");
  if (root["global"]) read_global(root["global"], config, defaults, own_timeout);
  std::set<std::string> names;
  for (const auto& kv : root) {
    const std::string key = kv.first.Scalar();
    if (key == "global") continue;
    if (key == "rule_files") {
      config.rule_files = as_texts(kv.second, key);
    } else if (key == "scrape_configs") {
      if (kv.second.IsNull()) continue;
      if (!kv.second.IsSequence()) bad_field(kv.second, key, "must be a list");
      for (const auto& item : kv.second) {
        std::vector<std::string> unsupported;
        ScrapeJob job = read_job(item, defaults, own_timeout, unsupported);
        if (!names.insert(job.name).second) bad_field(item, "job_name", job.name + " is there twice");
        for (const std::string& u : unsupported) {
          config.warnings.push_back("job " + job.name + line_of(item) + ": " + u +
                                    " is not supported, job disabled");
        }
        if (unsupported.empty()) config.jobs.push_back(std::move(job));
      }
    } else {
      config.warnings.push_back(key + line_of(kv.first) + ": not supported, ignored");
    }
  }
  return config;
}

template <class Read>
auto guarded_yaml(std::string_view text, std::string_view where, Read read)
    -> Result<decltype(read(YAML::Node()))> {
  try {
    return read(YAML::Load(std::string(text)));
  } catch (const ConfigFault& fault) {
    return fail(ErrorKind::invalid_argument, std::string(where) + ": " + fault.message);
  } catch (const YAML::Exception& e) {
    return fail(ErrorKind::invalid_argument, std::string(where) + ": " + e.what());
  }
}

}  // namespace

Result<ScrapeConfig> parse_scrape_config(std::string_view yaml, std::string_view where) {
  return guarded_yaml(yaml, where, read_config);
}

Result<std::vector<TargetGroup>> parse_target_groups(std::string_view text, std::string_view where) {
  return guarded_yaml(text, where, [](const YAML::Node& n) { return as_groups(n, "target groups"); });
}

}  // namespace telltale::metrics
