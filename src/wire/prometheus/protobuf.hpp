// The protobuf exposition: io.prometheus.client.MetricFamily messages, each with its length as a varint in
// front (prometheus/client_model, metrics.proto). Classic histograms and summaries become the series that the
// text formats would have; native histograms stay whole.
#pragma once

#include <string_view>

#include "wire/prometheus/negotiation.hpp"

namespace telltale::wire::prometheus {

/// invalid_argument names the family; too_large past limits::kMaxScrapeBodyBytes, kMaxScrapeSamples or
/// kMaxScrapeLabelBytes.
Result<Scrape> parse_protobuf(std::string_view body, HistogramChoice histograms);

}  // namespace telltale::wire::prometheus
