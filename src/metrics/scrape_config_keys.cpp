#include "metrics/scrape_config_keys.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "metrics/yaml_reader.ipp"

namespace telltale::metrics {
namespace {

using wire::prometheus::ScrapeProtocol;

ScrapeProtocol as_protocol(const YAML::Node& n, const std::string& field) {
  const auto protocol = wire::prometheus::scrape_protocol_from(as_text(n, field));
  if (!protocol) bad_field(n, field, protocol.error().message());
  return *protocol;
}

bool read_limit_key(const std::string& key, const YAML::Node& v, ScrapeLimits& out) {
  const std::pair<std::string_view, std::size_t*> counts[] = {
      {"sample_limit", &out.samples},
      {"label_limit", &out.labels},
      {"label_name_length_limit", &out.label_name_bytes},
      {"label_value_length_limit", &out.label_value_bytes},
      {"target_limit", &out.targets},
      {"keep_dropped_targets", &out.kept_dropped_targets},
  };
  for (const auto& [name, place] : counts) {
    if (key != name) continue;
    *place = as_count(v, key);
    return true;
  }
  if (key != "body_size_limit") return false;
  const std::size_t limit = as_size(v, key);
  out.body_bytes = limit > 0 ? std::min(limit, limits::kMaxScrapeBodyBytes) : limits::kMaxScrapeBodyBytes;
  return true;
}

bool read_protocol_key(const std::string& key, const YAML::Node& v, ScrapeJob& job) {
  if (key == "scrape_protocols") {
    job.protocols.clear();
    for (const auto& item : as_list(v, key)) {
      const ScrapeProtocol p = as_protocol(item, key);
      if (std::find(job.protocols.begin(), job.protocols.end(), p) != job.protocols.end())
        bad_field(item, key, "names " + item.Scalar() + " twice");
      job.protocols.push_back(p);
    }
  } else if (key == "fallback_scrape_protocol") {
    job.fallback_protocol = as_protocol(v, key);
  } else if (key == "metric_name_validation_scheme") {
    const std::string scheme = as_text(v, key);
    if (scheme != "utf8" && scheme != "legacy") bad_field(v, key, "must be utf8 or legacy");
    job.legacy_names = scheme == "legacy";
  } else if (key == "metric_name_escaping_scheme") {
    static constexpr std::string_view kSchemes[] = {"allow-utf-8", "underscores", "dots", "values"};
    job.escaping = as_text(v, key);
    if (std::find(std::begin(kSchemes), std::end(kSchemes), job.escaping) == std::end(kSchemes))
      bad_field(v, key, "must be allow-utf-8, underscores, dots or values");
  } else {
    return false;
  }
  return true;
}

bool read_histogram_key(const std::string& key, const YAML::Node& v, ScrapeJob& job) {
  if (key == "scrape_native_histograms") {
    job.histograms.native = as_bool(v, key);
  } else if (key == "convert_classic_histograms_to_nhcb") {
    job.histograms.custom = as_bool(v, key);
  } else if (key == "always_scrape_classic_histograms") {
    job.histograms.classic_too = as_bool(v, key);
  } else if (key == "native_histogram_bucket_limit") {
    job.limits.histogram_buckets = as_count(v, key);
  } else if (key == "native_histogram_min_bucket_factor") {
    double factor = 0;
    if (!YAML::convert<double>::decode(v, factor) || !(factor >= 0))
      bad_field(v, key, "must be a number, zero or more");
    job.limits.histogram_factor = factor;
  } else {
    return false;
  }
  return true;
}

FileDiscovery read_file_sd(const YAML::Node& n, const std::string& directory) {
  FileDiscovery out;
  for (const auto& kv : as_map(n, "file_sd_configs")) {
    const std::string key = kv.first.Scalar();
    if (key == "files") {
      for (auto& f : as_texts(kv.second, "file_sd_configs.files")) out.files.push_back(file_in(directory, f));
    } else if (key == "refresh_interval") {
      as_duration(kv.second, "file_sd_configs.refresh_interval");  // changes are looked for more often anyway
    } else {
      bad_field(kv.first, "file_sd_configs", "unknown key " + key);
    }
  }
  return out;
}

HttpDiscovery read_http_sd(const YAML::Node& n, const std::string& directory,
                           std::vector<std::string>& unsupported) {
  HttpDiscovery out;
  for (const auto& kv : as_map(n, "http_sd_configs")) {
    const std::string key = kv.first.Scalar();
    const std::string field = "http_sd_configs." + key;
    if (key == "url") {
      out.url = as_text(kv.second, field);
      if (!out.url.starts_with("http://") && !out.url.starts_with("https://"))
        bad_field(kv.second, field, "must be an http or https URL");
    } else if (key == "refresh_interval") {
      out.refresh = as_duration(kv.second, field);
    } else if (!read_http_key(key, kv.second, directory, out.http, unsupported)) {
      unsupported.push_back(field);
    }
  }
  if (out.url.empty()) bad_field(n, "http_sd_configs.url", "is missing");
  check_http_options(n, out.http);
  return out;
}

transport::DnsType as_dns_type(const YAML::Node& n, const std::string& field) {
  static constexpr std::pair<std::string_view, transport::DnsType> kTypes[] = {
      {"A", transport::DnsType::a},
      {"AAAA", transport::DnsType::aaaa},
      {"SRV", transport::DnsType::srv},
      {"MX", transport::DnsType::mx},
      {"NS", transport::DnsType::ns}};
  for (const auto& [name, type] : kTypes)
    if (equal_ignore_case(name, as_text(n, field))) return type;
  bad_field(n, field, "must be A, AAAA, SRV, MX or NS");
}

DnsDiscovery read_dns_sd(const YAML::Node& n, std::vector<std::string>& unsupported) {
  DnsDiscovery out;
  for (const auto& kv : as_map(n, "dns_sd_configs")) {
    const std::string key = kv.first.Scalar();
    const std::string field = "dns_sd_configs." + key;
    if (key == "names") {
      out.names = as_texts(kv.second, field);
    } else if (key == "type") {
      out.type = as_dns_type(kv.second, field);
    } else if (key == "port") {
      const std::uint64_t port = as_count(kv.second, field);
      if (port > UINT16_MAX) bad_field(kv.second, field, "is no port");
      out.port = static_cast<std::uint16_t>(port);
    } else if (key == "refresh_interval") {
      out.refresh = as_duration(kv.second, field);
    } else {
      unsupported.push_back(field);
    }
  }
  if (out.names.empty()) bad_field(n, "dns_sd_configs.names", "is missing");
  if (out.type != transport::DnsType::srv && out.port == 0)
    bad_field(n, "dns_sd_configs.port", "is needed for records other than SRV");
  return out;
}

}  // namespace

bool read_shared_key(const std::string& key, const YAML::Node& v, ScrapeJob& job) {
  if (key == "scrape_interval") {
    job.interval = as_duration(v, key);
  } else if (key == "scrape_timeout") {
    job.timeout = as_duration(v, key);
    job.own_timeout = true;
  } else if (key == "extra_scrape_metrics") {
    job.extra_scrape_metrics = as_bool(v, key);
  } else {
    return read_limit_key(key, v, job.limits) || read_protocol_key(key, v, job) ||
           read_histogram_key(key, v, job);
  }
  return true;
}

void check_shared(const YAML::Node& n, ScrapeJob& job) {
  if (job.legacy_names && job.escaping == "allow-utf-8")
    bad_field(n, "metric_name_escaping_scheme", "allow-utf-8 needs the validation scheme utf8");
}

bool read_discovery_key(const std::string& key, const YAML::Node& v, const std::string& directory,
                        ScrapeJob& job, std::vector<std::string>& unsupported) {
  if (key == "static_configs") {
    job.static_configs = as_groups(v, key);
  } else if (key == "file_sd_configs") {
    for (const auto& item : as_list(v, key)) job.file_discovery.push_back(read_file_sd(item, directory));
  } else if (key == "http_sd_configs") {
    for (const auto& item : as_list(v, key))
      job.http_discovery.push_back(read_http_sd(item, directory, unsupported));
  } else if (key == "dns_sd_configs") {
    for (const auto& item : as_list(v, key)) job.dns_discovery.push_back(read_dns_sd(item, unsupported));
  } else {
    return false;
  }
  return true;
}

}  // namespace telltale::metrics
