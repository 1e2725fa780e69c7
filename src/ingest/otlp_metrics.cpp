#include "ingest/otlp_metrics.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/intake_limits.hpp"
#include "base/metric_limits.hpp"

namespace telltale::ingest {
namespace {

using wire::otlp::PointKind;
using wire::otlp::Temporality;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Nanos kTargetInfoEvery = std::chrono::seconds(150);  // half of PromQL's usual look back
constexpr std::size_t kMaxTargetInfos = 1'000;                 // of one resource in one request

/// As Prometheus' client libraries write bounds and quantiles: the shortest digits, no exponent.
std::string bound_text(double v) {
  if (v == kInfinity) return "+Inf";
  char text[400];
  const auto [end, code] = std::to_chars(text, text + sizeof text, v, std::chars_format::fixed);
  return code == std::errc() ? std::string(text, end) : std::to_string(v);
}

const AttrValue* find_attribute(const std::vector<Attr>& attributes, std::string_view name) {
  for (const Attr& a : attributes) {
    if (a.name == name) return &a.value;
  }
  return nullptr;
}

std::string text_of(const std::vector<Attr>& attributes, std::string_view name) {
  const AttrValue* value = find_attribute(attributes, name);
  return value == nullptr ? std::string() : to_string(*value);
}

/// The resource's attributes that become `job` and `instance`.
bool is_identifying(std::string_view name) {
  return name == "service.name" || name == "service.namespace" || name == "service.instance.id";
}

std::string job_of(const std::vector<Attr>& resource) {
  const std::string space = text_of(resource, "service.namespace");
  const std::string service = text_of(resource, "service.name");
  return space.empty() || service.empty() ? service : space + "/" + service;
}

wire::MetricKind kind_of(const wire::otlp::Metric& metric) {
  switch (metric.kind) {
    case PointKind::sum:
      return metric.monotonic ? wire::MetricKind::counter : wire::MetricKind::gauge;
    case PointKind::gauge:
      return wire::MetricKind::gauge;
    case PointKind::histogram:
    case PointKind::exponential:
      return wire::MetricKind::histogram;
    case PointKind::summary:
      return wire::MetricKind::summary;
    case PointKind::none:
      break;
  }
  return wire::MetricKind::unknown;
}

/// One row of buckets as spans: short gaps are buckets of zero, which cost less than a span.
Result<> add_buckets(const wire::otlp::BucketRow& row, std::vector<BucketSpan>& spans,
                     std::vector<double>& counts) {
  constexpr std::size_t kShortGap = 2;
  // A bucket (base^i, base^(i+1)] has the index i there and i + 1 here.
  std::int64_t next = 0;  // the index behind the newest span
  for (std::size_t i = 0; i < row.counts.size();) {
    if (row.counts[i] == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    for (std::size_t zeros = 0, at = end; at < row.counts.size() && zeros <= kShortGap; ++at) {
      zeros = row.counts[at] == 0 ? zeros + 1 : 0;
      if (zeros == 0) end = at + 1;
    }
    const std::int64_t index = std::int64_t{row.offset} + 1 + static_cast<std::int64_t>(i);
    const std::int64_t offset = spans.empty() ? index : index - next;
    if (offset > INT32_MAX || offset < INT32_MIN || index + static_cast<std::int64_t>(end - i) > INT32_MAX)
      return fail(ErrorKind::invalid_argument, "buckets: an index beyond 32 bits");
    spans.push_back({static_cast<std::int32_t>(offset), static_cast<std::uint32_t>(end - i)});
    for (; i < end; ++i) counts.push_back(static_cast<double>(row.counts[i]));
    next = std::int64_t{row.offset} + 1 + static_cast<std::int64_t>(end);
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Histogram>> native_histogram(const wire::otlp::DataPoint& point) {
  constexpr double kZeroThreshold = 1e-128;  // where none is told, as Prometheus has it
  if (point.scale < kMinSchema) {
    return fail(ErrorKind::invalid_argument,
                "scale: " + std::to_string(point.scale) + " is coarser than there are native histograms");
  }
  auto h = std::make_shared<Histogram>();
  h->integer = true;
  h->schema = std::min(point.scale, kMaxSchema);
  const auto by = static_cast<int>(std::min<std::int64_t>(40, std::int64_t{point.scale} - h->schema));
  h->zero_threshold = point.zero_threshold > 0 ? point.zero_threshold : kZeroThreshold;
  h->zero_count = static_cast<double>(point.zero_count);
  h->count = static_cast<double>(point.count);
  h->sum = point.no_value ? stale_nan() : point.sum.value_or(0);
  if (point.no_value) return std::shared_ptr<const Histogram>(std::move(h));
  TT_TRY(add_buckets(coarser(point.positive, by), h->positive_spans, h->positive));
  TT_TRY(add_buckets(coarser(point.negative, by), h->negative_spans, h->negative));
  TT_TRY(h->validate());
  return std::shared_ptr<const Histogram>(std::move(h));
}

OtlpMetricWriter::OtlpMetricWriter(const OtlpMetricOptions& options, DeltaTotals& totals, ProjectId project,
                                   const PointTimes& times, wire::MetricWrite& out)
    : options_(options), totals_(totals), project_(project), times_(times), out_(out) {}

/// Attributes that are called alike are joined; what is there already has come from one that sorts before.
void OtlpMetricWriter::add_label(LabelList& to, std::string name, std::string value) const {
  if (name.empty() || value.empty()) return;
  const auto at = std::lower_bound(to.begin(), to.end(), name,
                                   [](const Label& l, const std::string& n) { return l.name < n; });
  if (at != to.end() && at->name == name) {
    at->value += ";" + value;
  } else {
    to.insert(at, {std::move(name), std::move(value)});
  }
}

OtlpMetricWriter::Target& OtlpMetricWriter::target_of(const wire::otlp::Resource& shared) {
  // A resource's scopes follow each other.
  if (!targets_.empty() && (targets_.back().attributes == shared || *targets_.back().attributes == *shared))
    return targets_.back();
  Target& target = targets_.emplace_back();
  target.attributes = shared;
  const std::vector<Attr>& resource = *shared;
  add_label(target.labels, "job", job_of(resource));
  add_label(target.labels, "instance", text_of(resource, "service.instance.id"));
  const auto& promoted = options_.promote_resource_attributes;
  const bool all = std::find(promoted.begin(), promoted.end(), "*") != promoted.end();
  for (const Attr& a : resource) {
    if (is_identifying(a.name) && all) continue;
    if (all || std::find(promoted.begin(), promoted.end(), a.name) != promoted.end())
      add_label(target.labels, wire::otlp::attribute_label(a.name, options_.strategy), to_string(a.value));
  }
  return target;
}

void OtlpMetricWriter::set_labels(const std::vector<Attr>& attributes, const LabelList& target) {
  std::vector<const Attr*> sorted;
  sorted.reserve(attributes.size());
  for (const Attr& a : attributes) sorted.push_back(&a);
  std::sort(sorted.begin(), sorted.end(), [](const Attr* a, const Attr* b) { return a->name < b->name; });
  labels_.clear();
  for (const Attr* a : sorted)
    add_label(labels_, wire::otlp::attribute_label(a->name, options_.strategy), to_string(a->value));
  for (const Label& l : target) {
    std::erase_if(labels_, [&](const Label& own) { return own.name == l.name; });
    add_label(labels_, l.name, l.value);
  }
  std::erase_if(labels_, [](const Label& l) { return l.name == kMetricName; });
}

void OtlpMetricWriter::pack(std::string_view suffix, const Label* extra) {
  packer_.clear();
  packer_.add(kMetricName, name_ + std::string(suffix));
  for (const Label& l : labels_) {
    if (extra == nullptr || l.name != extra->name) packer_.add(l.name, l.value);
  }
  if (extra != nullptr) packer_.add(extra->name, extra->value);
}

bool OtlpMetricWriter::add_sample(std::string_view suffix, const Label* extra, const Point& point,
                                  double value, bool is_total) {
  pack(suffix, extra);
  if (out_.kept_bytes() + packer_.view().size() > limits::kMaxWriteLabelBytes) {
    out_.refuse(index_, fmt::format("{}: labels of the request have over {} bytes", name_,
                                    limits::kMaxWriteLabelBytes));
    return false;
  }
  auto& series = out_.begin(packer_, index_);
  Sample sample;
  sample.time = point.time.to_millis();
  sample.value = value;
  if (is_total && point.start.ns > 0) sample.start = point.start.to_millis();
  if (point.no_value) {
    sample.value = stale_nan();
  } else if (delta_ && is_total) {
    const auto total = totals_.add(project_, series.key, point.start, point.time, value, times_.now);
    if (!total) {
      out_.refuse(index_, name_ + ": " + total.error().message());
      out_.end_series();
      return false;
    }
    sample.value = total->value;
    sample.start = total->start.to_millis();
  }
  const bool taken = out_.add(sample);
  if (!taken) out_.end_series();
  return taken;
}

void OtlpMetricWriter::add_exemplars(const Point& point, double over, double up_to) {
  for (const auto& e : point.exemplars) {
    if (!(e.value > over && e.value <= up_to)) continue;
    wire::MetricExemplar exemplar;
    exemplar.time = e.time.to_millis();
    exemplar.value = e.value;
    if (e.trace_id.present()) exemplar.labels.push_back({"trace_id", e.trace_id.hex()});
    if (e.span_id.present()) exemplar.labels.push_back({"span_id", e.span_id.hex()});
    for (const Attr& a : e.attributes)
      exemplar.labels.push_back({wire::otlp::attribute_label(a.name, options_.strategy), to_string(a.value)});
    out_.add_exemplar(std::move(exemplar));
  }
}

void OtlpMetricWriter::add_number(const Metric& metric, const Point& point) {
  if (add_sample({}, nullptr, point, point.value, metric.kind == PointKind::sum))
    add_exemplars(point, -kInfinity, kInfinity);
}

// Counts of buckets are of each bucket alone there and cumulative here.
void OtlpMetricWriter::add_histogram(const Metric&, const Point& point) {
  if (!add_sample("_count", nullptr, point, static_cast<double>(point.count), true)) return;
  if (point.sum || point.no_value) add_sample("_sum", nullptr, point, point.sum.value_or(0), true);
  std::uint64_t below = 0;
  double lower = -kInfinity;
  for (std::size_t i = 0; i < point.bounds.size(); ++i) {
    if (i < point.counts.size()) below += point.counts[i];
    const Label le{"le", bound_text(point.bounds[i])};
    if (add_sample("_bucket", &le, point, static_cast<double>(below), true))
      add_exemplars(point, lower, point.bounds[i]);
    lower = point.bounds[i];
  }
  if (lower == kInfinity) return;
  const Label rest{"le", "+Inf"};
  if (add_sample("_bucket", &rest, point, static_cast<double>(point.count), true))
    add_exemplars(point, lower, kInfinity);
}

void OtlpMetricWriter::add_exponential(const Metric&, Point point) {
  pack({}, nullptr);
  auto& series = out_.begin(packer_, index_);
  const auto refuse = [&](const Error& error) {
    out_.refuse(index_, name_ + ": " + error.message());
    out_.end_series();
  };
  if (delta_ && !point.no_value) {
    if (const auto added = totals_.add_histogram(project_, series.key, point, times_.now); !added)
      return refuse(added.error());
  }
  out_.buckets += point.positive.counts.size() + point.negative.counts.size();
  if (out_.buckets > limits::kMaxWriteBuckets)
    return refuse(Error(ErrorKind::resource_exhausted,
                        fmt::format("the request has over {} buckets", limits::kMaxWriteBuckets)));
  auto made = native_histogram(point);
  if (!made) return refuse(made.error());
  Sample sample;
  sample.time = point.time.to_millis();
  sample.value = (*made)->sum;
  if (point.start.ns > 0) sample.start = point.start.to_millis();
  sample.histogram = *std::move(made);
  if (out_.add(sample)) add_exemplars(point, -kInfinity, kInfinity);
  out_.end_series();
}

void OtlpMetricWriter::add_summary(const Point& point) {
  for (const auto& [quantile, value] : point.quantiles) {
    const Label label{"quantile", bound_text(quantile)};
    add_sample({}, &label, point, value, false);
  }
  add_sample("_sum", nullptr, point, point.sum.value_or(0), true);
  add_sample("_count", nullptr, point, static_cast<double>(point.count), true);
}

void OtlpMetricWriter::add_point(const Metric& metric, const Point& point) {
  switch (metric.kind) {
    case PointKind::gauge:
    case PointKind::sum:
      return add_number(metric, point);
    case PointKind::histogram:
      return add_histogram(metric, point);
    case PointKind::exponential:
      return add_exponential(metric, point);
    case PointKind::summary:
      return add_summary(point);
    case PointKind::none:
      break;
  }
}

// What would be refused later must not have been added up: the total would stay wrong for good.
bool OtlpMetricWriter::takes_delta(const Point& point) {
  const UnixMillis time = point.time.to_millis();
  std::string why;
  if (time < times_.oldest || time > times_.newest) {
    why = fmt::format("timestamp {} ms: outside of ingest.max_past and ingest.max_future", time.ms);
  } else if (point.sum && !std::isfinite(*point.sum)) {
    why = "sum: a delta must be a finite number";
  } else if (!std::isfinite(point.value)) {
    why = "value: a delta must be a finite number";
  }
  if (!why.empty()) out_.refuse(index_, name_ + ": " + why);
  return why.empty();
}

void OtlpMetricWriter::add_metric(const Metric& metric, Target& target) {
  name_ = wire::otlp::series_name(metric, options_.strategy);
  if (name_.empty()) {
    out_.refuse(index_, metric.name + ": nothing of the name is left once it is translated",
                metric.points.size());
    index_ += metric.points.size();
    return;
  }
  delta_ = metric.temporality == Temporality::delta;
  if (metric.kind == PointKind::gauge || metric.kind == PointKind::summary) delta_ = false;
  out_.add_family({name_, kind_of(metric), metric.description, metric.unit});
  for (const Point& point : metric.points) {
    target.first = std::min(target.first, point.time);
    target.last = std::max(target.last, point.time);
    set_labels(point.attributes, target.labels);
    if (!delta_ || point.no_value || takes_delta(point)) add_point(metric, point);
    ++index_;
  }
}

void OtlpMetricWriter::add(const wire::otlp::MetricBatch& batch) {
  Target& target = target_of(batch.resource);
  for (const Metric& metric : batch.metrics) add_metric(metric, target);
}

void OtlpMetricWriter::finish() {
  name_ = "target_info";
  delta_ = false;
  for (const Target& target : targets_) {
    std::vector<Attr> about;
    for (const Attr& a : *target.attributes) {
      if (!is_identifying(a.name)) about.push_back(a);
    }
    LabelList identity;
    for (const Label& l : target.labels) {
      if (l.name == "job" || l.name == "instance") identity.push_back(l);
    }
    if (about.empty() || identity.empty() || target.last < target.first) continue;
    set_labels(about, identity);
    Point point;
    point.time = target.last;
    add_sample({}, nullptr, point, 1, false);
    for (std::size_t i = 0; i < kMaxTargetInfos && point.time - target.first > kTargetInfoEvery; ++i) {
      point.time = point.time - kTargetInfoEvery;
      Sample earlier;
      earlier.time = point.time.to_millis();
      earlier.value = 1;
      if (!out_.add(earlier)) break;
    }
  }
}

}  // namespace telltale::ingest
