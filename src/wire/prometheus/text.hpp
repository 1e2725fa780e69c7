// What exporters answer on /metrics: the Prometheus text format 0.0.4 and 1.0.0 (with quoted UTF-8 names) and
// OpenMetrics 1.0. A scrape is all or nothing, as in Prometheus: the first malformed line fails it, and the
// error says which line. Exemplars are checked and left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"

namespace telltale::wire::prometheus {

enum class TextFormat : std::uint8_t { prometheus, openmetrics };

/// From a Content-Type header. unsupported when it is neither (Prometheus 3 fails such a scrape); an empty
/// one is `fallback` when given, else unsupported.
Result<TextFormat> text_format_from(std::string_view content_type, std::optional<TextFormat> fallback = {});

struct ScrapedSample {
  Labels labels;            // with __name__
  std::string_view series;  // its text in the body, a cache key that spares parsing; views into the body
  double value = 0;
  std::optional<UnixMillis> time;
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

/// invalid_argument with "line N: …"; too_large past limits::kMaxScrapeBodyBytes. `body` must outlive the
/// result.
Result<Scrape> parse_text(std::string_view body, TextFormat format);

/// Labels of one series as it stands in a body: `name{a="b"}` or `{"name", a="b"}`.
Result<Labels> parse_series(std::string_view series);

}  // namespace telltale::wire::prometheus
