// Which exposition format: what a scraper asks for (Accept) and what a target says it sends (Content-Type).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/prometheus/exposition.hpp"

namespace telltale::wire::prometheus {

enum class ScrapeProtocol : std::uint8_t {
  text_0_0_4,
  text_1_0_0,
  openmetrics_0_0_1,
  openmetrics_1_0_0,
  protobuf
};

/// By the names of `scrape_protocols` in prometheus.yml: PrometheusText0.0.4, PrometheusText1.0.0,
/// OpenMetricsText0.0.1, OpenMetricsText1.0.0, PrometheusProto.
Result<ScrapeProtocol> scrape_protocol_from(std::string_view name);
std::string_view to_string(ScrapeProtocol protocol);

/// OpenMetrics before text; protobuf first when native histograms are wanted, which only it carries.
std::vector<ScrapeProtocol> default_scrape_protocols(bool native_histograms);

/// The Accept header of the protocols, most wanted first, as Prometheus 3 sends it. `escaping` is the scheme
/// for names outside [a-zA-Z0-9_:]: allow-utf-8, underscores, dots or values.
std::string accept_header(const std::vector<ScrapeProtocol>& protocols, std::string_view escaping);

/// From a Content-Type header. unsupported when it is missing or none of ours and there is no `fallback`.
Result<ScrapeProtocol> content_protocol(std::string_view content_type,
                                        std::optional<ScrapeProtocol> fallback);

/// What to take of a histogram that comes in both forms.
struct HistogramChoice {
  bool native = false;  // off: the classic form only
  bool classic_too = false;
  bool custom = false;  // classic ones, of any format, become native ones with custom buckets
};

/// Decodes `body`, which must outlive the result. Errors as parse_text() and parse_protobuf().
Result<Scrape> parse_exposition(std::string_view body, ScrapeProtocol protocol, HistogramChoice histograms);

}  // namespace telltale::wire::prometheus
