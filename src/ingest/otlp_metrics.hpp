// OTLP's metrics as series: names and labels by the translation strategy, one point as one or several samples
// (wire/otlp/metrics.hpp says what comes in, Prometheus' receiver what goes out). Deltas become totals.
// For this folder's .cpp files only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ingest/delta_totals.hpp"
#include "ingest/ingest.hpp"
#include "wire/metric/metric_write.hpp"
#include "wire/otlp/metric_names.hpp"

namespace telltale::ingest {

/// A native histogram of the point's buckets, at most at the finest scale there is. invalid_argument when it
/// is none: a scale that is too coarse, buckets beyond 32 bits, counts that do not add up.
Result<std::shared_ptr<const Histogram>> native_histogram(const wire::otlp::DataPoint& point);

/// When a request came, and the times between which its samples are taken.
struct PointTimes {
  UnixNanos now;
  UnixMillis oldest;
  UnixMillis newest;
};

/// Not thread-safe; lives as long as one request.
class OtlpMetricWriter {
 public:
  /// Deltas outside of `times` are refused before they are added to a total.
  OtlpMetricWriter(const OtlpMetricOptions& options, DeltaTotals& totals, ProjectId project,
                   const PointTimes& times, wire::MetricWrite& out);

  void add(const wire::otlp::MetricBatch& batch);
  /// Whatever is said of whole resources: `target_info`. Once, after the last batch.
  void finish();

 private:
  using Metric = wire::otlp::Metric;
  using Point = wire::otlp::DataPoint;
  using LabelList = std::vector<Label>;  // sorted by name, names unique

  /// What a resource gives to all of its series, and its target_info.
  struct Target {
    wire::otlp::Resource attributes;
    LabelList labels;
    UnixNanos first{INT64_MAX};
    UnixNanos last{INT64_MIN};
  };

  Target& target_of(const wire::otlp::Resource& resource);
  /// Whether a delta can be added up at all.
  bool takes_delta(const Point& point);
  void add_metric(const Metric& metric, Target& target);
  void add_point(const Metric& metric, const Point& point);
  void add_number(const Metric& metric, const Point& point);
  void add_histogram(const Metric& metric, const Point& point);
  void add_exponential(const Metric& metric, Point point);
  void add_summary(const Point& point);
  void add_exemplars(const Point& point, double over, double up_to);
  /// Of the series name_ + suffix with the point's labels and `extra`. False when it is refused.
  bool add_sample(std::string_view suffix, const Label* extra, const Point& point, double value,
                  bool is_total);
  void pack(std::string_view suffix, const Label* extra);
  void set_labels(const std::vector<Attr>& attributes, const LabelList& target);
  void add_label(LabelList& to, std::string name, std::string value) const;

  const OtlpMetricOptions& options_;
  DeltaTotals& totals_;
  const ProjectId project_;
  const PointTimes times_;
  wire::MetricWrite& out_;
  std::vector<Target> targets_;
  std::size_t index_ = 0;  // of the data point in the request
  // Of the metric and the point at hand:
  std::string name_;
  bool delta_ = false;
  LabelList labels_;
  wire::LabelPacker packer_;
};

}  // namespace telltale::ingest
