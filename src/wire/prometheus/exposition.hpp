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
#include "model/histogram.hpp"
#include "model/labels.hpp"

namespace telltale::wire::prometheus {

/// An example of what a series counted, usually with a trace's id.
struct ScrapedExemplar {
  Labels labels;  // at most limits::kMaxExemplarLabelChars characters together
  double value = 0;
  std::optional<UnixMillis> time;
};

struct ScrapedSample {
  Labels labels;            // with __name__
  std::string_view series;  // its text in the body; empty for protobuf; views into the body
  double value = 0;         // of a histogram its sum
  std::optional<UnixMillis> time;
  std::optional<UnixMillis> start;  // when the count began (`_created`)
  std::vector<ScrapedExemplar> exemplars;
  std::shared_ptr<const Histogram> histogram;  // valid (Histogram::validate)
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
