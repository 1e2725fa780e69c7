// OTLP's metrics as they are sent (opentelemetry/proto/metrics/v1/metrics.proto), in both encodings. What
// they are called in Prometheus' world is metric_names.hpp's, how a point becomes samples is ingest's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "wire/otlp/common.hpp"

namespace telltale::wire::otlp {

enum class PointKind : std::uint8_t { none, gauge, sum, histogram, exponential, summary };
/// The protocol's own numbers.
enum class Temporality : std::uint8_t { unspecified = 0, delta = 1, cumulative = 2 };

struct PointExemplar {
  UnixNanos time;
  double value = 0;
  Id128 trace_id;
  Id64 span_id;
  std::vector<Attr> attributes;
};

/// Counts of buckets in a row; the first has the index `offset`.
struct BucketRow {
  std::int32_t offset = 0;
  std::vector<std::uint64_t> counts;
};

/// Which members mean something depends on the metric's kind.
struct DataPoint {
  std::vector<Attr> attributes;
  UnixNanos start;
  UnixNanos time;
  bool no_value = false;  // DATA_POINT_FLAGS_NO_RECORDED_VALUE
  std::vector<PointExemplar> exemplars;

  double value = 0;                   // gauge, sum
  std::uint64_t count = 0;            // the others
  std::optional<double> sum;          // likewise
  std::vector<std::uint64_t> counts;  // histogram: one more than bounds, or none
  std::vector<double> bounds;
  std::int32_t scale = 0;  // exponential, and the rest
  std::uint64_t zero_count = 0;
  double zero_threshold = 0;
  BucketRow positive;
  BucketRow negative;
  std::vector<std::pair<double, double>> quantiles;  // summary: quantile, value
};

struct Metric {
  std::string name;
  std::string description;
  std::string unit;
  PointKind kind = PointKind::none;
  Temporality temporality = Temporality::unspecified;
  bool monotonic = false;
  std::vector<DataPoint> points;
};

/// Nothing: kMaxWriteBytes and kMaxWriteSamples bound what a request's metrics take.
inline std::size_t decoded_bytes(const Metric&) { return 0; }

struct MetricBatch {
  Resource resource;
  Scope scope;
  std::vector<Metric> metrics;
};

struct MetricsRequest {
  std::vector<MetricBatch> batches;
  ItemErrors errors;  // index: of the metric in the request
};

/// invalid_argument when the body is not of its encoding at all, too_large over limits::kMaxWriteBytes. A bad
/// metric is listed, the others are kept.
Result<MetricsRequest> parse_metrics(std::string_view body, Encoding encoding);

}  // namespace telltale::wire::otlp
