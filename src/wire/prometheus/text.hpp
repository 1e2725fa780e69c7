// What exporters answer on /metrics as text: the Prometheus text format 0.0.4 and 1.0.0 (with quoted UTF-8
// names) and OpenMetrics 1.0. The first malformed line fails the scrape, and the error says which line.
// OpenMetrics' `_created` lines become the start times of the series they date.
#pragma once

#include <cstdint>
#include <string_view>

#include "wire/prometheus/exposition.hpp"

namespace telltale::wire::prometheus {

enum class TextFormat : std::uint8_t { prometheus, openmetrics };

/// invalid_argument with "line N: …"; too_large past limits::kMaxScrapeBodyBytes or kMaxScrapeSamples. `body`
/// must outlive the result.
Result<Scrape> parse_text(std::string_view body, TextFormat format);

/// Labels of one series as it stands in a body: `name{a="b"}` or `{"name", a="b"}`.
Result<Labels> parse_series(std::string_view series);

}  // namespace telltale::wire::prometheus
