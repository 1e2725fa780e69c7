// OTLP over HTTP: logs, traces and metrics, protobuf and JSON (OpenTelemetry protocol 1.x). A partly refused
// request is a 200 whose body says how much and why.
#include "api/otlp/rpc_code.hpp"
#include "api/services.hpp"
#include "wire/otlp/common.hpp"

namespace telltale::api {

int rpc_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unauthenticated:
      return 16;
    case ErrorKind::permission_denied:
      return 7;
    case ErrorKind::resource_exhausted:
      return 8;
    case ErrorKind::unavailable:
    case ErrorKind::disk_full:
      return 14;
    case ErrorKind::internal:
    case ErrorKind::io:
    case ErrorKind::corruption:
      return 13;
    default:
      return 3;
  }
}

namespace {

using wire::otlp::Encoding;
using wire::otlp::Signal;

net::HttpResponse otlp_error(Encoding encoding, const Error& error) {
  net::HttpResponse response;
  response.status = net::http_status(error.kind());
  response.content_type = std::string(wire::otlp::content_type(encoding));
  response.body = wire::otlp::encode_status(encoding, rpc_code(error.kind()), error.message());
  add_error_headers(response);
  return response;
}

net::HttpResponse otlp_metrics_export(const Services& services, const net::HttpRequest& request,
                                      Encoding encoding, ProjectId project) {
  const auto outcome = services.ingest.otlp_metrics(project, request.body, encoding);
  if (!outcome) return otlp_error(encoding, outcome.error());
  net::HttpResponse response;
  response.content_type = std::string(wire::otlp::content_type(encoding));
  const std::string reason = outcome->rejected.empty() ? "" : outcome->rejected.front().reason;
  response.body = wire::otlp::encode_response(Signal::metrics, encoding,
                                              static_cast<std::int64_t>(outcome->refused), reason);
  return response;
}

net::HttpResponse otlp_export(const Services& services, const net::HttpRequest& request, Signal signal) {
  const auto encoding = wire::otlp::encoding_from(request.header("content-type"));
  if (!encoding) return otlp_error(Encoding::json, encoding.error());
  const auto principal = authorise(services, request, accounts::Scope::ingest);
  if (!principal) return otlp_error(*encoding, principal.error());
  const auto project = principal->default_project();
  if (signal == Signal::metrics) return otlp_metrics_export(services, request, *encoding, project);
  const auto outcome = signal == Signal::logs ? services.ingest.otlp_logs(project, request.body, *encoding)
                                              : services.ingest.otlp_traces(project, request.body, *encoding);
  if (!outcome) return otlp_error(*encoding, outcome.error());
  net::HttpResponse response;
  response.content_type = std::string(wire::otlp::content_type(*encoding));
  const std::string reason = outcome->rejected.empty() ? "" : outcome->rejected.front().reason;
  response.body = wire::otlp::encode_response(signal, *encoding,
                                              static_cast<std::int64_t>(outcome->rejected.size()), reason);
  return response;
}

}  // namespace

void add_otlp_routes(net::Router& router, const Services& services) {
  for (const auto& [path, signal] :
       {std::pair{"/v1/logs", Signal::logs}, std::pair{"/v1/traces", Signal::traces},
        std::pair{"/v1/metrics", Signal::metrics}, std::pair{"/api/v1/otlp/v1/metrics", Signal::metrics}}) {
    net::RouteOptions options;
    options.bulk = true;
    options.name = signal == Signal::logs     ? "otlp_logs"
                   : signal == Signal::traces ? "otlp_traces"
                                              : "otlp_metrics";
    router.add(
        "POST", path,
        [&services, s = signal](const net::HttpRequest& r, WorkContext&) {
          return otlp_export(services, r, s);
        },
        options);
  }
}

}  // namespace telltale::api
