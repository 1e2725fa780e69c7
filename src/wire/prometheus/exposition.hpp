// What every exposition format decodes to: series with a value (or a native histogram), and what the families
// say of themselves. A scrape is all or nothing, as in Prometheus: the first malformed item fails it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"

namespace telltale::wire::prometheus {

/// An example of what a series counted, usually with a trace's id.
struct ScrapedExemplar {
  Labels labels;  // at most limits::kMaxExemplarLabelChars characters together
  double value = 0;
  std::optional<UnixMillis> time;
};

struct BucketSpan {
  std::int32_t offset = 0;  // from the end of the span before; of the first: from bucket 0
  std::uint32_t length = 0;
};

/// A native histogram as it stands in the protobuf exposition. Either the integer form (deltas) or the float
/// form (counts) of the buckets is used. The lengths of the spans add up to the number of buckets.
struct ScrapedHistogram {
  bool is_float = false;
  bool gauge = false;
  std::uint64_t count = 0;
  double count_float = 0;
  double sum = 0;
  std::int32_t schema = 0;  // -4 to 8: bucket bounds grow by 2^(2^-schema)
  double zero_threshold = 0;
  std::uint64_t zero_count = 0;
  double zero_count_float = 0;
  std::vector<BucketSpan> positive_spans, negative_spans;
  std::vector<std::int64_t> positive_deltas, negative_deltas;
  std::vector<double> positive_counts, negative_counts;
};

struct ScrapedSample {
  Labels labels;            // with __name__
  std::string_view series;  // its text in the body; empty for protobuf; views into the body
  double value = 0;         // 0 when there is a histogram
  std::optional<UnixMillis> time;
  std::optional<UnixMillis> start;  // when the count began (`_created`)
  std::vector<ScrapedExemplar> exemplars;
  std::shared_ptr<const ScrapedHistogram> histogram;
};

enum class MetricType : std::uint8_t {
  unknown,
  counter,
  gauge,
  histogram,
  gauge_histogram,
  summary,
  info,
  stateset,
};
std::string_view to_string(MetricType type);

struct MetricMetadata {
  std::string family;
  MetricType type = MetricType::unknown;
  std::string help;
  std::string unit;
};

struct Scrape {
  std::vector<ScrapedSample> samples;
  std::vector<MetricMetadata> metadata;  // families in order of first appearance
};

/// The value of `le` or `quantile` as Prometheus 3 stores it: `1` becomes `1.0`, `1e3` becomes `1000.0`, so
/// that every format and every client give the same series. Text that is no number stays.
std::string normalised_bound(std::string_view text);
/// A number as such a label value.
std::string bound_text(double value);

}  // namespace telltale::wire::prometheus
