// OTLP's JSON mapping: 64-bit integers as strings or numbers, enums as numbers (their names are taken, too),
// doubles that are no number as text.
#include <cmath>
#include <limits>

#include "base/metric_limits.hpp"
#include "wire/otlp/metrics_impl.hpp"

namespace telltale::wire::otlp {
namespace {

double json_double(json::Value v) {
  if (const auto d = json::double_of(v)) return *d;
  const std::string text = json::text_of(v);
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (const auto i = json::int_of(v)) return static_cast<double>(*i);
  return std::numeric_limits<double>::quiet_NaN();
}

std::uint64_t json_count(json::Value v) { return static_cast<std::uint64_t>(json::int_of(v).value_or(0)); }
std::uint64_t json_count(json::Value object, std::string_view key) {
  const auto v = json::get(object, key);
  return v ? json_count(*v) : 0;
}

template <class List, class Read>
void json_list(json::Value object, std::string_view key, List& out, Read read) {
  const auto list = json::get_array(object, key);
  if (!list) return;
  for (const json::Value v : *list) {
    if (out.size() > limits::kMaxBucketsPerHistogram) return;
    out.push_back(read(v));
  }
}

double json_number(json::Value point) {
  if (const auto v = json::get(point, "asDouble")) return json_double(*v);
  if (const auto v = json::get(point, "asInt")) return static_cast<double>(json::int_of(*v).value_or(0));
  return 0;
}

PointExemplar json_exemplar(json::Value v) {
  PointExemplar out;
  out.time = json_nanos(v, "timeUnixNano");
  out.value = json_number(v);
  out.trace_id = Id128::parse(json::get_text(v, "traceId")).value_or(Id128{});
  out.span_id = Id64::parse(json::get_text(v, "spanId")).value_or(Id64{});
  if (const auto list = json::get_array(v, "filteredAttributes")) {
    for (const json::Value pair : *list) {
      const auto value = json::get(pair, "value");
      auto made = value ? json_value(*value) : std::nullopt;
      if (made) out.attributes.push_back({json::get_text(pair, "key"), *std::move(made)});
    }
  }
  return out;
}

BucketRow json_buckets(json::Value point, std::string_view key) {
  BucketRow out;
  const auto v = json::get(point, key);
  if (!v) return out;
  out.offset = static_cast<std::int32_t>(json::get_int(*v, "offset").value_or(0));
  json_list(*v, "bucketCounts", out.counts, [](json::Value c) { return json_count(c); });
  return out;
}

DataPoint json_point(json::Value v) {
  DataPoint out;
  out.attributes = json_attrs(v);
  out.start = json_nanos(v, "startTimeUnixNano");
  out.time = json_nanos(v, "timeUnixNano");
  out.no_value = (json::get_int(v, "flags").value_or(0) & 1) != 0;
  out.value = json_number(v);
  out.count = json_count(v, "count");
  if (const auto sum = json::get(v, "sum")) out.sum = json_double(*sum);
  json_list(v, "bucketCounts", out.counts, [](json::Value c) { return json_count(c); });
  json_list(v, "explicitBounds", out.bounds, json_double);
  json_list(v, "exemplars", out.exemplars, json_exemplar);
  json_list(v, "quantileValues", out.quantiles, [](json::Value q) {
    const auto quantile = json::get(q, "quantile");
    const auto value = json::get(q, "value");
    return std::pair(quantile ? json_double(*quantile) : 0, value ? json_double(*value) : 0);
  });
  out.scale = static_cast<std::int32_t>(json::get_int(v, "scale").value_or(0));
  out.zero_count = json_count(v, "zeroCount");
  if (const auto threshold = json::get(v, "zeroThreshold")) out.zero_threshold = json_double(*threshold);
  out.positive = json_buckets(v, "positive");
  out.negative = json_buckets(v, "negative");
  return out;
}

Temporality json_temporality(json::Value data) {
  if (const auto n = json::get_int(data, "aggregationTemporality")) {
    return *n == 1 ? Temporality::delta : *n == 2 ? Temporality::cumulative : Temporality::unspecified;
  }
  const std::string text = json::get_text(data, "aggregationTemporality");
  if (text == "AGGREGATION_TEMPORALITY_DELTA") return Temporality::delta;
  if (text == "AGGREGATION_TEMPORALITY_CUMULATIVE") return Temporality::cumulative;
  return Temporality::unspecified;
}

}  // namespace

Result<Metric> read_json_metric(json::Value v) {
  if (!v.is_object()) return fail(ErrorKind::invalid_argument, "metrics: expected an object");
  Metric out;
  out.name = json::get_text(v, "name");
  out.description = json::get_text(v, "description");
  out.unit = json::get_text(v, "unit");
  static constexpr std::pair<std::string_view, PointKind> kKinds[] = {
      {"gauge", PointKind::gauge},
      {"sum", PointKind::sum},
      {"histogram", PointKind::histogram},
      {"exponentialHistogram", PointKind::exponential},
      {"summary", PointKind::summary}};
  for (const auto& [name, kind] : kKinds) {
    const auto data = json::get(v, name);
    if (!data) continue;
    out.kind = kind;
    out.temporality = json_temporality(*data);
    if (const auto monotonic = json::get(*data, "isMonotonic"))
      out.monotonic = json::bool_of(*monotonic).value_or(false);
    if (const auto points = json::get_array(*data, "dataPoints")) {
      for (const json::Value p : *points)
        if (out.points.size() <= limits::kMaxWriteSamples) out.points.push_back(json_point(p));
    }
    break;
  }
  return checked_metric(std::move(out));
}

}  // namespace telltale::wire::otlp
