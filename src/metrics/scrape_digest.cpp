// A scrape that goes over one of its limits, or is malformed anywhere, gives nothing but its report.
// Exporters give the same series in the same order again and again, so that what vanished is looked for only
// when they do not.
#include "metrics/scrape_digest.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/text.hpp"
#include "metrics/histogram_resolution.hpp"
#include "wire/prometheus/negotiation.hpp"

namespace telltale::metrics {
namespace {

constexpr std::string_view kReportNames[] = {"up", "scrape_duration_seconds", "scrape_samples_scraped",
                                             "scrape_samples_post_metric_relabeling", "scrape_series_added"};
constexpr std::string_view kExtraNames[] = {"scrape_timeout_seconds", "scrape_sample_limit",
                                            "scrape_body_size_bytes"};

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

bool is_legacy_name(std::string_view name, bool metric) {
  const auto fits = [metric](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (metric && c == ':');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), fits);
}

Result<> check_names(const Labels& labels) {
  for (const Label& l : labels) {
    const bool metric = l.name == kMetricName;
    if (!is_legacy_name(metric ? l.value : l.name, metric))
      return fail(ErrorKind::invalid_argument,
                  "name \"" + (metric ? l.value : l.name) +
                      "\" is not valid under metric_name_validation_scheme legacy");
  }
  return {};
}

Result<> check_label_limits(const ScrapeLimits& limits, const Labels& labels) {
  const auto over = [&labels](std::string_view limit, std::size_t bound) {
    return fail(ErrorKind::resource_exhausted, std::string(limit) + " of " + std::to_string(bound) +
                                                   " exceeded by " +
                                                   std::string(truncate_utf8(labels.to_string(), 200)));
  };
  if (limits.labels > 0 && labels.size() > limits.labels) return over("label_limit", limits.labels);
  for (const Label& l : labels) {
    if (limits.label_name_bytes > 0 && l.name.size() > limits.label_name_bytes)
      return over("label_name_length_limit", limits.label_name_bytes);
    if (limits.label_value_bytes > 0 && l.value.size() > limits.label_value_bytes)
      return over("label_value_length_limit", limits.label_value_bytes);
  }
  return {};
}

Result<std::shared_ptr<const Histogram>> limited_histogram(const ScrapeLimits& limits,
                                                           std::shared_ptr<const Histogram> histogram) {
  const bool many = limits.histogram_buckets > 0 &&
                    histogram->positive.size() + histogram->negative.size() > limits.histogram_buckets;
  const bool narrow = limits.histogram_factor > 1 && !histogram->is_custom() &&
                      histogram->schema > schema_for_factor(limits.histogram_factor);
  if (!many && !narrow) return histogram;
  auto copy = std::make_shared<Histogram>(*histogram);
  if (narrow) lower_schema(*copy, schema_for_factor(limits.histogram_factor));
  if (many) TT_TRY(limit_buckets(*copy, limits.histogram_buckets));
  return std::shared_ptr<const Histogram>(std::move(copy));
}

struct Digested {
  ScrapedSamples samples;
  ScrapedExemplars exemplars;
  std::shared_ptr<const ScrapedMetadata> metadata;
  std::vector<std::size_t> tracked;  // places of samples that end with a stale marker
  std::size_t scraped = 0;
  std::size_t kept = 0;
  double body_bytes = 0;
};

/// One scraped sample more, or none when relabelling drops it.
Result<> digest_sample(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                       wire::prometheus::ScrapedSample& s, UnixMillis now, Digested& out) {
  Labels labels = std::move(s.labels);
  if (job.legacy_names) TT_TRY(check_names(labels));
  join_labels(job, target, labels);
  if (!relabel(job.metric_relabel, labels)) return {};
  if (!labels.has(kMetricName))
    return fail(ErrorKind::invalid_argument, "a sample lost its name in relabelling");
  TT_TRY(check_label_limits(job.limits, labels));
  ++out.kept;
  for (const Label& l : external) {
    if (!labels.has(l.name)) labels.set(l.name, l.value);
  }
  const bool own_time = job.honor_timestamps && s.time.has_value();
  if (!own_time || job.track_timestamps_staleness) out.tracked.push_back(out.samples.size());
  Sample sample{own_time ? *s.time : now, s.value};
  if (s.start) sample.start = *s.start;
  if (s.histogram) {
    TT_ASSIGN(sample.histogram, limited_histogram(job.limits, s.histogram));
  }
  for (auto& exemplar : s.exemplars) {
    if (!exemplar.time) exemplar.time = sample.time;
    out.exemplars.emplace_back(labels, std::move(exemplar));
  }
  out.samples.emplace_back(std::move(labels), std::move(sample));
  return {};
}

/// `out` counts what was read even when the scrape fails.
Result<> digest_body(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                     const transport::OutboundResponse& response, UnixMillis now, Digested& out) {
  if (response.status != 200) {
    return fail(ErrorKind::unavailable, "server returned HTTP status " + std::to_string(response.status));
  }
  out.body_bytes = static_cast<double>(response.body.size());
  std::string_view content_type;
  for (const auto& [name, value] : response.headers) {
    if (equal_ignore_case(name, "content-type")) content_type = value;
  }
  TT_ASSIGN(const auto protocol, wire::prometheus::content_protocol(content_type, job.fallback_protocol));
  TT_ASSIGN(auto parsed, wire::prometheus::parse_exposition(response.body, protocol, target.histograms));
  out.scraped = parsed.samples.size();
  out.metadata = std::make_shared<const ScrapedMetadata>(std::move(parsed.metadata));
  out.samples.reserve(parsed.samples.size());
  for (auto& s : parsed.samples) TT_TRY(digest_sample(job, target, external, s, now, out));
  if (job.limits.samples > 0 && out.kept > job.limits.samples) {
    return fail(ErrorKind::resource_exhausted,
                "sample_limit of " + std::to_string(job.limits.samples) + " exceeded");
  }
  return {};
}

bool same_exemplar(const wire::prometheus::ScrapedExemplar& a, const wire::prometheus::ScrapedExemplar& b) {
  return a.value == b.value && a.labels == b.labels;
}

/// Those that the scrape before did not have as a series' last one.
ScrapedExemplars fresh_exemplars(ScrapedExemplars all, SeenSeries& seen) {
  std::map<Labels, wire::prometheus::ScrapedExemplar> newest;
  ScrapedExemplars out;
  for (auto& [labels, exemplar] : all) {
    const auto before = seen.exemplars.find(labels);
    const bool known = before != seen.exemplars.end() && same_exemplar(before->second, exemplar);
    newest[labels] = exemplar;
    if (!known) out.emplace_back(std::move(labels), std::move(exemplar));
  }
  seen.exemplars = std::move(newest);
  return out;
}

ScrapedMetadata fresh_metadata(const ScrapedMetadata& now, const ScrapedMetadata* before) {
  std::map<std::string_view, const wire::prometheus::MetricMetadata*> known;
  if (before != nullptr)
    for (const auto& m : *before) known[m.family] = &m;
  ScrapedMetadata out;
  for (const auto& m : now) {
    const auto it = known.find(m.family);
    if (it == known.end() || it->second->type != m.type || it->second->help != m.help ||
        it->second->unit != m.unit)
      out.push_back(m);
  }
  return out;
}

struct PointedHash {
  std::size_t operator()(const Labels* labels) const { return labels->hash(); }
};
struct PointedEqual {
  bool operator()(const Labels* a, const Labels* b) const { return *a == *b; }
};
using PointedSet = std::unordered_set<const Labels*, PointedHash, PointedEqual>;

bool same_series(const ScrapedSamples& samples, const std::vector<std::size_t>& tracked,
                 const std::vector<Labels>& seen) {
  return std::equal(tracked.begin(), tracked.end(), seen.begin(), seen.end(),
                    [&samples](std::size_t i, const Labels& labels) { return samples[i].first == labels; });
}

/// `places` rise.
void leave_out(ScrapedSamples& samples, const std::vector<std::size_t>& places) {
  if (places.empty()) return;
  std::size_t kept = places.front();
  std::size_t next = 0;
  for (std::size_t i = kept; i < samples.size(); ++i) {
    if (next < places.size() && places[next] == i) {
      ++next;
    } else {
      samples[kept++] = std::move(samples[i]);
    }
  }
  samples.resize(kept);
}

/// Ends what is not there any more, leaves out what relabelling made equal to one before it, and tells how
/// many are new.
std::size_t settle_series(ScrapedSamples& samples, const std::vector<std::size_t>& tracked, UnixMillis now,
                          std::vector<Labels>& seen) {
  if (same_series(samples, tracked, seen)) return 0;
  PointedSet before;
  for (const Labels& labels : seen) before.insert(&labels);
  PointedSet present;
  std::vector<Labels> next;
  std::vector<std::size_t> repeated;
  std::size_t fresh = 0;
  for (const std::size_t i : tracked) {
    const Labels& labels = samples[i].first;
    if (!present.insert(&labels).second) {
      if (samples[i].second.time == now) repeated.push_back(i);
      continue;
    }
    fresh += before.count(&labels) == 0 ? 1 : 0;
    next.push_back(labels);
  }
  ScrapedSamples ended;
  for (const Labels& labels : seen)
    if (present.count(&labels) == 0) ended.emplace_back(labels, Sample{now, stale_nan()});
  leave_out(samples, repeated);
  samples.insert(samples.end(), std::make_move_iterator(ended.begin()), std::make_move_iterator(ended.end()));
  seen = std::move(next);
  return fresh;
}

/// The samples, or none of them after an error; what ended; the report.
ScrapeOutcome close_scrape(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                           Digested digested, std::string error, UnixMillis now, Nanos duration,
                           SeenSeries& seen) {
  ScrapeOutcome out;
  out.error = std::move(error);
  if (!out.error.empty()) {
    digested.samples.clear();
    digested.tracked.clear();
  } else {
    out.scraped.exemplars = fresh_exemplars(std::move(digested.exemplars), seen);
    if (digested.metadata) {
      out.scraped.metadata = fresh_metadata(*digested.metadata, seen.metadata.get());
      seen.metadata = std::move(digested.metadata);
    }
  }
  out.scraped.samples = std::move(digested.samples);
  const std::size_t fresh = settle_series(out.scraped.samples, digested.tracked, now, seen.series);
  const auto report = [&](std::string_view name, double value) {
    out.scraped.samples.emplace_back(with_report_labels(target, external, name), Sample{now, value});
  };
  const double values[] = {out.error.empty() ? 1.0 : 0.0, std::chrono::duration<double>(duration).count(),
                           static_cast<double>(digested.scraped), static_cast<double>(digested.kept),
                           static_cast<double>(fresh)};
  for (std::size_t i = 0; i < std::size(values); ++i) report(kReportNames[i], values[i]);
  if (!job.extra_scrape_metrics) return out;
  report(kExtraNames[0], std::chrono::duration<double>(target.timeout).count());
  report(kExtraNames[1], static_cast<double>(job.limits.samples));
  report(kExtraNames[2], digested.body_bytes);
  return out;
}

}  // namespace

ScrapeOutcome digest_scrape(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                            const Result<transport::OutboundResponse>& response, UnixMillis now,
                            Nanos duration, SeenSeries& seen) {
  std::string error;
  Digested digested;
  if (!response) {
    error = response.error().message();
    if (response.error().kind() == ErrorKind::too_large) digested.body_bytes = -1;
  } else if (auto d = digest_body(job, target, external, *response, now, digested); !d) {
    error = d.error().message();
  }
  return close_scrape(job, target, external, std::move(digested), std::move(error), now, duration, seen);
}

ScrapeOutcome digest_local(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                           Result<std::vector<std::pair<Labels, double>>> samples, UnixMillis now,
                           Nanos duration, SeenSeries& seen) {
  std::string error;
  Digested digested;
  if (!samples) {
    error = samples.error().message();
  } else {
    digested.scraped = samples->size();
    for (auto& [labels, value] : *samples) {
      wire::prometheus::ScrapedSample sample;
      sample.labels = std::move(labels);
      sample.value = value;
      if (auto done = digest_sample(job, target, external, sample, now, digested); !done)
        error = done.error().message();
    }
  }
  return close_scrape(job, target, external, std::move(digested), std::move(error), now, duration, seen);
}

ScrapedSamples end_target(const ScrapeJob& job, const ScrapeTarget& target, const Labels& external,
                          UnixMillis now, const SeenSeries& seen) {
  ScrapedSamples out;
  for (const Labels& labels : seen.series) out.emplace_back(labels, Sample{now, stale_nan()});
  const auto end_report = [&](std::string_view name) {
    out.emplace_back(with_report_labels(target, external, name), Sample{now, stale_nan()});
  };
  for (const std::string_view name : kReportNames) end_report(name);
  if (job.extra_scrape_metrics)
    for (const std::string_view name : kExtraNames) end_report(name);
  return out;
}

}  // namespace telltale::metrics
