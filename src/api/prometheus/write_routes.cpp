// Prometheus' remote write. What was written is told in headers of every answer. A sender gives up what is
// answered with a 400 and sends again what is answered with a 429 or a 5xx, so a request of which a part is
// refused is a 400 although the rest is stored.
#include "api/prometheus/write_routes.hpp"

#include <fmt/format.h>

#include "api/prometheus/answer.hpp"
#include "base/metric_limits.hpp"
#include "wire/prometheus/remote_write.hpp"

namespace telltale::api {
namespace {

net::HttpResponse written(net::HttpResponse response, const ingest::MetricOutcome& outcome) {
  response.headers.emplace_back("X-Prometheus-Remote-Write-Samples-Written", std::to_string(outcome.samples));
  response.headers.emplace_back("X-Prometheus-Remote-Write-Histograms-Written",
                                std::to_string(outcome.histograms));
  response.headers.emplace_back("X-Prometheus-Remote-Write-Exemplars-Written",
                                std::to_string(outcome.exemplars));
  return response;
}

net::HttpResponse write_error(const Error& error) {
  auto response = net::HttpResponse::text(error.message() + "\n", net::http_status(error.kind()));
  add_error_headers(response);
  return written(std::move(response), {});
}

net::HttpResponse remote_write(const Services& services, const net::HttpRequest& request) {
  const auto principal = authorise(services, request, accounts::Scope::ingest);
  if (!principal) return write_error(principal.error());
  const auto version = wire::prometheus::write_version_from(request.header("content-type"));
  if (!version) return write_error(version.error());
  const auto codec = wire::prometheus::write_codec_from(request.header("content-encoding"));
  if (!codec) return write_error(codec.error());
  const auto outcome =
      services.ingest.remote_write(principal->default_project(), request.body, *codec, *version);
  if (!outcome) return write_error(outcome.error());
  if (outcome->refused == 0) return written(net::HttpResponse::empty(204), *outcome);
  return written(net::HttpResponse::text(refusal_text(*outcome), 400), *outcome);
}

}  // namespace

std::string refusal_text(const ingest::MetricOutcome& outcome) {
  const std::size_t stored = outcome.samples + outcome.histograms;
  std::string text = fmt::format("{} of {} samples refused, the others were stored\n",
                                 outcome.refused_samples, outcome.refused_samples + stored);
  for (const auto& e : outcome.rejected) text += fmt::format("series {}: {}\n", e.index, e.reason);
  if (outcome.refused > outcome.rejected.size())
    text += fmt::format("and {} more\n", outcome.refused - outcome.rejected.size());
  return text;
}

void add_remote_write_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.name = "prom_write";
  options.bulk = true;
  options.decode_body = false;  // which encodings there are is this protocol's own, and their errors are, too
  options.max_body_bytes = limits::kMaxWriteBytes;
  router.add(
      "POST", "/api/v1/write",
      [&services](const net::HttpRequest& r, WorkContext&) { return remote_write(services, r); }, options);
}

}  // namespace telltale::api
