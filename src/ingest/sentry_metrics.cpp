#include "ingest/sentry_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/metric_limits.hpp"
#include "ingest/otlp_metrics.hpp"
#include "wire/otlp/metric_names.hpp"

namespace telltale::ingest {
namespace {

using wire::sentry::MetricItem;
using wire::sentry::MetricItemType;

constexpr std::int32_t kScale = 3;  // neighbouring bounds 9 % apart
constexpr wire::otlp::TranslationStrategy kNames{true, true};

/// What tells one measurement from another, not one series: it would make as many series as there are people.
bool is_of_one(std::string_view name) {
  return name.starts_with("user.") || name.starts_with("sentry.sdk.") || name.starts_with("sentry.trace") ||
         name.starts_with("sentry.replay") || name.starts_with("sentry.segment") ||
         name == "sentry.timestamp.sequence";
}

/// Sentry's units are words in the singular, Prometheus' in the plural.
std::string unit_of(const std::string& unit) {
  if (unit.empty() || unit == "none" || unit == "ratio" || unit == "percent")
    return unit == "none" ? "" : unit;
  return unit + "s";
}

std::string name_of_item(const MetricItem& item) {
  wire::otlp::Metric metric;
  metric.name = item.name;
  metric.unit = unit_of(item.unit);
  metric.kind =
      item.type == MetricItemType::counter ? wire::otlp::PointKind::sum : wire::otlp::PointKind::gauge;
  metric.monotonic = item.type == MetricItemType::counter;
  return series_name(metric, kNames);
}

void pack(const MetricItem& item, const std::string& name, wire::LabelPacker& packer) {
  std::map<std::string, std::string> labels;
  for (const Attr& a : item.attributes) {
    if (is_of_one(a.name)) continue;
    std::string_view attribute = a.name;
    if (attribute.starts_with("sentry.")) attribute.remove_prefix(7);
    labels[wire::otlp::attribute_label(attribute, kNames)] = to_string(a.value);
  }
  labels.erase(std::string(kMetricName));
  packer.clear();
  packer.add(kMetricName, name);
  for (const auto& [label, value] : labels) packer.add(label, value);
}

/// One measurement more in a histogram.
void add_value(std::map<std::int32_t, std::uint64_t>& buckets, double value) {
  const double index = std::ceil(std::log2(value) * (1 << kScale)) - 1;
  ++buckets[static_cast<std::int32_t>(std::clamp(index, -10'000.0, 10'000.0))];
}

wire::otlp::BucketRow row_of_buckets(const std::map<std::int32_t, std::uint64_t>& buckets) {
  wire::otlp::BucketRow row;
  if (buckets.empty()) return row;
  row.offset = buckets.begin()->first;
  row.counts.resize(static_cast<std::size_t>(buckets.rbegin()->first - row.offset) + 1);
  for (const auto& [index, count] : buckets) row.counts[static_cast<std::size_t>(index - row.offset)] = count;
  return row;
}

wire::otlp::DataPoint distribution(const std::vector<const MetricItem*>& items, UnixNanos now) {
  wire::otlp::DataPoint point;
  std::map<std::int32_t, std::uint64_t> positive;
  std::map<std::int32_t, std::uint64_t> negative;
  point.start = point.time = now;
  point.scale = kScale;
  point.sum = 0;
  for (const MetricItem* item : items) {
    ++point.count;
    *point.sum += item->value;
    if (item->value > 0) {
      add_value(positive, item->value);
    } else if (item->value < 0) {
      add_value(negative, -item->value);
    } else {
      ++point.zero_count;
    }
  }
  point.positive = row_of_buckets(positive);
  point.negative = row_of_buckets(negative);
  return point;
}

void add_exemplar(const MetricItem& item, wire::MetricWrite& out) {
  if (!item.trace_id.present()) return;
  wire::MetricExemplar exemplar;
  exemplar.time = item.timestamp.to_millis();
  exemplar.value = item.value;
  exemplar.labels.push_back({"trace_id", item.trace_id.hex()});
  if (item.span_id.present()) exemplar.labels.push_back({"span_id", item.span_id.hex()});
  out.add_exemplar(std::move(exemplar));
}

/// Measurements of one series.
struct Group {
  std::string name;
  std::string labels;
  std::vector<const MetricItem*> items;
};

Result<Sample> total_of(const Group& group, Id128 key, DeltaTotals& totals, ProjectId project,
                        UnixNanos now) {
  Sample sample;
  sample.time = now.to_millis();
  if (group.items.front()->type == MetricItemType::counter) {
    double sum = 0;
    for (const MetricItem* item : group.items) sum += item->value;
    TT_ASSIGN(const auto total, totals.count(project, key, now, sum));
    sample.value = total.value;
    sample.start = total.start.to_millis();
    return sample;
  }
  auto point = distribution(group.items, now);
  TT_TRY(totals.count_histogram(project, key, point, now));
  TT_ASSIGN(sample.histogram, native_histogram(point));
  sample.value = sample.histogram->sum;
  sample.start = point.start.to_millis();
  return sample;
}

}  // namespace

void add_trace_metrics(const std::vector<MetricItem>& items, DeltaTotals& totals, ProjectId project,
                       UnixNanos now, wire::MetricWrite& out) {
  std::map<std::pair<MetricItemType, std::string>, Group> groups;
  wire::LabelPacker packer;
  for (const MetricItem& item : items) {
    const std::string name = name_of_item(item);
    if (name.empty()) {
      out.refuse(0, "trace_metric: nothing of the name is left once it is translated");
      continue;
    }
    pack(item, name, packer);
    Group& group = groups[{item.type, std::string(packer.view())}];
    group.name = name;
    group.items.push_back(&item);
  }
  for (auto& [key, group] : groups) {
    auto& series = out.begin_packed(out.keep(key.second), 0);
    if (key.first == MetricItemType::gauge) {
      for (const MetricItem* item : group.items) {
        Sample sample;
        sample.time = item->timestamp.to_millis();
        sample.value = item->value;
        out.add(sample);
      }
    } else if (out.buckets > limits::kMaxWriteBuckets) {
      out.refuse(0, group.name + ": the request's histograms have too many buckets", group.items.size());
    } else if (auto total = total_of(group, series.key, totals, project, now)) {
      if (total->histogram)
        out.buckets += total->histogram->positive.size() + total->histogram->negative.size();
      out.add(*total);
    } else {
      out.refuse(0, group.name + ": " + total.error().message(), group.items.size());
    }
    if (out.series.back().samples > 0) add_exemplar(*group.items.back(), out);
    out.end_series();
  }
}

}  // namespace telltale::ingest
