#include "wire/prometheus/negotiation.hpp"

#include "base/text.hpp"
#include "wire/prometheus/custom_buckets.hpp"
#include "wire/prometheus/protobuf.hpp"
#include "wire/prometheus/text.hpp"

namespace telltale::wire::prometheus {
namespace {

struct ProtocolRow {
  ScrapeProtocol protocol;
  std::string_view name;
  std::string_view media_type;  // with the parameters that Accept names
  bool escapes;                 // knows the parameter `escaping`
};

constexpr ProtocolRow kProtocols[] = {
    {ScrapeProtocol::text_0_0_4, "PrometheusText0.0.4", "text/plain;version=0.0.4", false},
    {ScrapeProtocol::text_1_0_0, "PrometheusText1.0.0", "text/plain;version=1.0.0", true},
    {ScrapeProtocol::openmetrics_0_0_1, "OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1",
     false},
    {ScrapeProtocol::openmetrics_1_0_0, "OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0",
     true},
    {ScrapeProtocol::protobuf, "PrometheusProto",
     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", false},
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The parameter of a media type, without its quotes.
std::string_view parameter(std::string_view content_type, std::string_view name) {
  for (std::size_t at = content_type.find(';'); at != std::string_view::npos;) {
    const std::size_t end = content_type.find(';', at + 1);
    const std::string_view piece =
        content_type.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
    const std::size_t equals = piece.find('=');
    if (equals != std::string_view::npos && equal_ignore_case(trimmed(piece.substr(0, equals)), name)) {
      std::string_view value = trimmed(piece.substr(equals + 1));
      if (value.size() > 1 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      return value;
    }
    at = end;
  }
  return {};
}

}  // namespace

std::string_view to_string(ScrapeProtocol protocol) {
  return kProtocols[static_cast<std::size_t>(protocol)].name;
}

Result<ScrapeProtocol> scrape_protocol_from(std::string_view name) {
  std::string known;
  for (const ProtocolRow& row : kProtocols) {
    if (row.name == name) return row.protocol;
    known += known.empty() ? "" : ", ";
    known += row.name;
  }
  return fail(ErrorKind::invalid_argument,
              "\"" + std::string(name) + "\" is no scrape protocol; there are " + known);
}

std::vector<ScrapeProtocol> default_scrape_protocols(bool native_histograms) {
  std::vector<ScrapeProtocol> out;
  if (native_histograms) out.push_back(ScrapeProtocol::protobuf);
  for (const auto p : {ScrapeProtocol::openmetrics_1_0_0, ScrapeProtocol::openmetrics_0_0_1,
                       ScrapeProtocol::text_1_0_0, ScrapeProtocol::text_0_0_4})
    out.push_back(p);
  return out;
}

std::string accept_header(const std::vector<ScrapeProtocol>& protocols, std::string_view escaping) {
  std::size_t weight = std::size(kProtocols) + 1;
  std::string out;
  for (const ScrapeProtocol p : protocols) {
    const ProtocolRow& row = kProtocols[static_cast<std::size_t>(p)];
    out += row.media_type;
    if (row.escapes) out.append(";escaping=").append(escaping);
    out += ";q=0." + std::to_string(weight) + ',';
    if (weight > 1) --weight;
  }
  return out + "*/*;q=0." + std::to_string(weight);
}

Result<ScrapeProtocol> content_protocol(std::string_view content_type,
                                        std::optional<ScrapeProtocol> fallback) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  const std::string_view version = parameter(content_type, "version");
  if (equal_ignore_case(type, "application/openmetrics-text"))
    return version == "0.0.1" ? ScrapeProtocol::openmetrics_0_0_1 : ScrapeProtocol::openmetrics_1_0_0;
  if (equal_ignore_case(type, "text/plain"))
    return version == "1.0.0" ? ScrapeProtocol::text_1_0_0 : ScrapeProtocol::text_0_0_4;
  if (equal_ignore_case(type, "application/vnd.google.protobuf")) {
    if (parameter(content_type, "proto") == "io.prometheus.client.MetricFamily" &&
        parameter(content_type, "encoding") == "delimited")
      return ScrapeProtocol::protobuf;
  }
  if (fallback) return *fallback;
  return fail(ErrorKind::unsupported, type.empty()
                                          ? "content-type: missing, and no fallback_scrape_protocol is set"
                                          : "content-type: not an exposition format: " +
                                                std::string(truncate_utf8(content_type, 200)) +
                                                ", and no fallback_scrape_protocol is set");
}

namespace {

Result<Scrape> parse_as(std::string_view body, ScrapeProtocol protocol, HistogramChoice histograms) {
  switch (protocol) {
    case ScrapeProtocol::protobuf:
      return parse_protobuf(body, histograms);
    case ScrapeProtocol::openmetrics_0_0_1:
    case ScrapeProtocol::openmetrics_1_0_0:
      return parse_text(body, TextFormat::openmetrics);
    default:
      return parse_text(body, TextFormat::prometheus);
  }
}

}  // namespace

Result<Scrape> parse_exposition(std::string_view body, ScrapeProtocol protocol, HistogramChoice histograms) {
  TT_ASSIGN(auto scrape, parse_as(body, protocol, histograms));
  if (histograms.custom) convert_classic_histograms(scrape, histograms.classic_too);
  return scrape;
}

}  // namespace telltale::wire::prometheus
