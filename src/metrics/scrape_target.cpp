#include "metrics/scrape_target.hpp"

#include <set>

#include "base/hash.hpp"
#include "metrics/http_fetcher.hpp"

namespace telltale::metrics {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kScrapeInterval = "__scrape_interval__";
constexpr std::string_view kScrapeTimeout = "__scrape_timeout__";
constexpr std::string_view kNativeHistograms = "__scrape_native_histograms__";
constexpr std::string_view kClassicHistograms = "__always_scrape_classic_histograms__";
constexpr std::string_view kCustomBuckets = "__convert_classic_histograms_to_nhcb__";
constexpr std::string_view kUnixSocket = "__unix_socket__";

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

std::string_view text_of(bool v) { return v ? "true" : "false"; }

/// What relabelling left of the job's choice.
Result<wire::prometheus::HistogramChoice> histogram_choice(const Labels& labels) {
  wire::prometheus::HistogramChoice out;
  const std::pair<std::string_view, bool*> rows[] = {{kNativeHistograms, &out.native},
                                                     {kClassicHistograms, &out.classic_too},
                                                     {kCustomBuckets, &out.custom}};
  for (const auto& [name, value] : rows) {
    const std::string_view text = labels.get(name);
    if (text != "true" && text != "false" && !text.empty())
      return fail(ErrorKind::invalid_argument, std::string(name) + " must be true or false");
    *value = text == "true";
  }
  return out;
}

std::string accept_of(const ScrapeJob& job, wire::prometheus::HistogramChoice histograms) {
  ScrapeJob asked;
  asked.protocols = job.protocols;
  asked.escaping = job.escaping;
  asked.legacy_names = job.legacy_names;
  asked.histograms = histograms;
  return asked.accept();
}

}  // namespace

std::uint64_t ScrapeTarget::hash() const { return hash64(url + unix_socket, labels.hash()); }

Result<ScrapeTarget> make_target(const ScrapeJob& job, const std::string& address,
                                 const Labels& group_labels) {
  ScrapeTarget target;
  Labels labels = group_labels;
  labels.set(kAddress, address);
  const auto set_default = [&labels](std::string_view name, std::string_view value) {
    if (!labels.has(name)) labels.set(name, value);
  };
  set_default("job", job.name);
  set_default(kScheme, job.scheme);
  set_default(kMetricsPath, job.metrics_path);
  set_default(kScrapeInterval, format_duration(job.interval));
  set_default(kScrapeTimeout, format_duration(job.timeout));
  set_default(kNativeHistograms, text_of(job.histograms.native));
  set_default(kClassicHistograms, text_of(job.histograms.classic_too));
  set_default(kCustomBuckets, text_of(job.histograms.custom));
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
  TT_ASSIGN(target.histograms, histogram_choice(labels));
  target.accept = accept_of(job, target.histograms);
  target.url = target_url(job, labels);
  target.unix_socket = labels.get(kUnixSocket);
  if (!labels.has("instance")) labels.set("instance", std::string(labels.get(kAddress)));
  for (const Label& l : Labels(labels)) {
    if (!l.name.starts_with("__")) target.labels.set(l.name, l.value);
  }
  return target;
}

}  // namespace telltale::metrics
