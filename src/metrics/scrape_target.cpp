#include "metrics/scrape_target.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "wire/prometheus/negotiation.hpp"

namespace telltale::metrics {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kScrapeInterval = "__scrape_interval__";
constexpr std::string_view kScrapeTimeout = "__scrape_timeout__";
constexpr std::string_view kReportNames[] = {"up", "scrape_duration_seconds", "scrape_samples_scraped",
                                             "scrape_samples_post_metric_relabeling", "scrape_series_added"};

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[b >> 4];
      out += kHex[b & 15];
    }
  }
  return out;
}

std::string target_url(const ScrapeJob& job, const Labels& labels) {
  std::string query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    query += query.empty() ? '?' : '&';
    query += percent_encoded(name) + '=' + percent_encoded(value);
  };
  // The first value of a parameter is the label's, which relabelling may have changed or removed; the others
  // are the configuration's.
  std::set<std::string> first_given;
  for (const auto& [name, value] : job.params) {
    if (!first_given.insert(name).second) add(name, value);
  }
  for (const Label& l : labels) {
    if (l.name.starts_with(kParamPrefix)) add(std::string_view(l.name).substr(kParamPrefix.size()), l.value);
  }
  std::string url(labels.get(kScheme));
  url += "://";
  url += labels.get(kAddress);
  const std::string_view path = labels.get(kMetricsPath);
  if (!path.starts_with('/')) url += '/';
  url += path;
  return url + query;
}

Labels with_report_labels(const ScrapeTarget& target, const Labels& external, std::string_view name) {
  Labels out = target.labels;
  out.set(kMetricName, name);
  for (const Label& l : external) {
    if (!out.has(l.name)) out.set(l.name, l.value);
  }
  return out;
}

/// The target's labels join the sample's; what clashes is renamed on the sample, or wins with honor_labels.
void join_labels(const ScrapeJob& job, const ScrapeTarget& target, Labels& labels) {
  for (const Label& l : target.labels) {
    if (!labels.has(l.name)) {
      labels.set(l.name, l.value);
    } else if (!job.honor_labels) {
      std::string renamed = "exported_" + l.name;
      while (labels.has(renamed) || target.labels.has(renamed)) renamed = "exported_" + renamed;
      labels.set(renamed, std::string(labels.get(l.name)));
      labels.set(l.name, l.value);
    }
  }
}

struct Digested {
  ScrapedSamples samples;
  std::set<Labels> tracked;
  std::size_t scraped = 0;
};

Result<Digested> digest_body(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                             const transport::OutboundResponse& response, UnixMillis now) {
  if (response.status != 200) {
    return fail(ErrorKind::unavailable, "server returned HTTP status " + std::to_string(response.status));
  }
  std::string_view content_type;
  for (const auto& [name, value] : response.headers) {
    if (to_lower(name) == "content-type") content_type = value;
  }
  TT_ASSIGN(const auto protocol, wire::prometheus::content_protocol(
                                     content_type, wire::prometheus::ScrapeProtocol::text_0_0_4));
  TT_ASSIGN(auto parsed, wire::prometheus::parse_exposition(response.body, protocol, {}));
  Digested out;
  out.scraped = parsed.samples.size();
  for (auto& s : parsed.samples) {
    Labels labels = std::move(s.labels);
    join_labels(job, target, labels);
    if (!relabel(job.metric_relabel, labels)) continue;
    if (!labels.has(kMetricName))
      return fail(ErrorKind::invalid_argument, "a sample lost its name in relabelling");
    for (const Label& l : external) {
      if (!labels.has(l.name)) labels.set(l.name, l.value);
    }
    const bool own_time = job.honor_timestamps && s.time.has_value();
    if (!own_time) out.tracked.insert(labels);
    out.samples.emplace_back(std::move(labels), Sample{own_time ? *s.time : now, s.value});
    if (job.sample_limit > 0 && out.samples.size() > job.sample_limit) {
      return fail(ErrorKind::resource_exhausted,
                  "sample_limit of " + std::to_string(job.sample_limit) + " exceeded");
    }
  }
  return out;
}

}  // namespace

std::uint64_t ScrapeTarget::hash() const { return hash64(url, labels.hash()); }

Result<ScrapeTarget> make_target(const ScrapeJob& job, const std::string& address, const Labels& group_labels,
                                 std::string_view file) {
  ScrapeTarget target;
  Labels labels = group_labels;
  labels.set(kAddress, address);
  if (!file.empty()) labels.set("__meta_filepath", file);
  const auto set_default = [&labels](std::string_view name, std::string_view value) {
    if (!labels.has(name)) labels.set(name, value);
  };
  set_default("job", job.name);
  set_default(kScheme, job.scheme);
  set_default(kMetricsPath, job.metrics_path);
  set_default(kScrapeInterval, format_duration(job.interval));
  set_default(kScrapeTimeout, format_duration(job.timeout));
  for (const auto& [name, value] : job.params) set_default(std::string(kParamPrefix) + name, value);
  target.discovered = labels;
  if (!relabel(job.relabel, labels)) {
    target.dropped = true;
    return target;
  }
  if (!labels.has(kAddress)) return fail(ErrorKind::invalid_argument, "target has no __address__");
  if (labels.get(kAddress).find('/') != std::string_view::npos) {
    return fail(ErrorKind::invalid_argument,
                "__address__ \"" + std::string(labels.get(kAddress)) + "\" is not host:port");
  }
  TT_ASSIGN(target.interval, parse_duration(labels.get(kScrapeInterval)));
  TT_ASSIGN(target.timeout, parse_duration(labels.get(kScrapeTimeout)));
  if (target.interval <= Nanos(0) || target.timeout <= Nanos(0) || target.timeout > target.interval) {
    return fail(ErrorKind::invalid_argument,
                "__scrape_timeout__ must lie between zero and __scrape_interval__");
  }
  target.url = target_url(job, labels);
  if (!labels.has("instance")) labels.set("instance", std::string(labels.get(kAddress)));
  for (const Label& l : Labels(labels)) {
    if (!l.name.starts_with("__")) target.labels.set(l.name, l.value);
  }
  return target;
}

ScrapeOutcome digest_scrape(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                            const Result<transport::OutboundResponse>& response, UnixMillis now,
                            Nanos duration, SeenSeries& seen) {
  ScrapeOutcome out;
  Digested digested;
  if (!response) {
    out.error = response.error().message();
  } else if (auto d = digest_body(job, target, external, *response, now)) {
    digested = std::move(*d);
  } else {
    out.error = d.error().message();
  }
  std::size_t fresh = 0;
  for (const Labels& labels : digested.tracked) fresh += seen.series.count(labels) == 0 ? 1 : 0;
  out.samples = std::move(digested.samples);
  const std::size_t kept = out.samples.size();
  for (const Labels& labels : seen.series) {
    if (digested.tracked.count(labels) == 0) out.samples.emplace_back(labels, Sample{now, stale_nan()});
  }
  seen.series = std::move(digested.tracked);
  const double values[] = {out.error.empty() ? 1.0 : 0.0, std::chrono::duration<double>(duration).count(),
                           static_cast<double>(digested.scraped), static_cast<double>(kept),
                           static_cast<double>(fresh)};
  for (std::size_t i = 0; i < std::size(values); ++i) {
    out.samples.emplace_back(with_report_labels(target, external, kReportNames[i]), Sample{now, values[i]});
  }
  return out;
}

ScrapedSamples end_target(const ScrapeTarget& target, const Labels& external, UnixMillis now,
                          const SeenSeries& seen) {
  ScrapedSamples out;
  for (const Labels& labels : seen.series) out.emplace_back(labels, Sample{now, stale_nan()});
  for (const std::string_view name : kReportNames) {
    out.emplace_back(with_report_labels(target, external, name), Sample{now, stale_nan()});
  }
  return out;
}

}  // namespace telltale::metrics
