#include "wire/otlp/metrics.hpp"

#include "base/metric_limits.hpp"
#include "wire/otlp/metrics_impl.hpp"
#include "wire/otlp/request.hpp"

namespace telltale::wire::otlp {
namespace {

tl::unexpected<Error> wrong(const Metric& metric, const std::string& why) {
  return fail(ErrorKind::invalid_argument, metric.name + ": " + why);
}

std::string problem_of_point(const Metric& metric, const DataPoint& p) {
  if (p.time.ns == 0) return "timeUnixNano: missing";
  if (metric.kind == PointKind::histogram) {
    if (!p.counts.empty() && p.counts.size() != p.bounds.size() + 1)
      return "bucketCounts: must be one more than explicitBounds";
    for (std::size_t i = 1; i < p.bounds.size(); ++i) {
      if (!(p.bounds[i] > p.bounds[i - 1])) return "explicitBounds: must rise";
    }
  }
  const std::size_t buckets = p.counts.size() + p.positive.counts.size() + p.negative.counts.size();
  if (buckets > limits::kMaxBucketsPerHistogram || p.bounds.size() > limits::kMaxBucketsPerHistogram)
    return "buckets: over the limit of " + std::to_string(limits::kMaxBucketsPerHistogram);
  return {};
}

}  // namespace

Result<Metric> checked_metric(Metric metric) {
  if (metric.name.empty()) return fail(ErrorKind::invalid_argument, "name: missing");
  if (metric.kind == PointKind::none) return wrong(metric, "no data that this server knows");
  const bool has_temporality = metric.kind == PointKind::sum || metric.kind == PointKind::histogram ||
                               metric.kind == PointKind::exponential;
  if (has_temporality && metric.temporality == Temporality::unspecified)
    return wrong(metric, "aggregationTemporality: must be delta or cumulative");
  for (const DataPoint& p : metric.points) {
    if (const std::string why = problem_of_point(metric, p); !why.empty()) return wrong(metric, why);
  }
  return metric;
}

Result<MetricsRequest> parse_metrics(std::string_view body, Encoding encoding) {
  if (body.size() > limits::kMaxWriteBytes)
    return fail(ErrorKind::too_large, "metrics: over " + std::to_string(limits::kMaxWriteBytes) + " bytes");
  RequestCollector<MetricBatch> out;
  std::size_t points = 0;
  const auto bounded = [&points](Result<Metric> metric) -> Result<Metric> {
    if (!metric) return metric;
    points += metric->points.size();
    if (points > limits::kMaxWriteSamples) {
      return wrong(*metric, "the request has over " + std::to_string(limits::kMaxWriteSamples) +
                                " data points; the rest is dropped");
    }
    return metric;
  };
  const auto list_of = [](MetricBatch& batch) -> std::vector<Metric>& { return batch.metrics; };
  if (encoding == Encoding::json) {
    const auto read = [&](json::Value v) { return bounded(read_json_metric(v)); };
    TT_TRY(walk_json(body, {"resourceMetrics", "scopeMetrics", "metrics"}, out, read, list_of));
  } else {
    const auto read = [&](protozero::pbf_reader r) { return bounded(read_proto_metric(r)); };
    TT_TRY(walk_proto(body, out, read, list_of));
  }
  return MetricsRequest{std::move(out.batches), std::move(out.errors)};
}

}  // namespace telltale::wire::otlp
