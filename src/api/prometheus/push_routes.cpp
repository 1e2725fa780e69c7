// Text that is pushed: Pushgateway's paths, and VictoriaMetrics' import of the same format.
#include "api/prometheus/push_routes.hpp"

#include <charconv>

#include "api/prometheus/answer.hpp"
#include "base/metric_limits.hpp"
#include "ingest/push_groups.hpp"
#include "wire/prometheus/negotiation.hpp"

namespace telltale::api {
namespace {

using wire::prometheus::TextFormat;

net::HttpResponse push_error(const Error& error) {
  auto response = net::HttpResponse::text(error.message() + "\n", net::http_status(error.kind()));
  add_error_headers(response);
  return response;
}

Result<TextFormat> format_of(const net::HttpRequest& request) {
  const std::string_view type = request.header("content-type");
  // What `curl --data-binary` says of a body it knows nothing about.
  if (type.starts_with("application/x-www-form-urlencoded")) return TextFormat::prometheus;
  using wire::prometheus::ScrapeProtocol;
  TT_ASSIGN(const auto protocol, wire::prometheus::content_protocol(type, ScrapeProtocol::text_0_0_4));
  if (protocol == ScrapeProtocol::protobuf)
    return fail(ErrorKind::unsupported, "content-type: only text can be pushed, not protobuf");
  const bool open =
      protocol == ScrapeProtocol::openmetrics_0_0_1 || protocol == ScrapeProtocol::openmetrics_1_0_0;
  return open ? TextFormat::openmetrics : TextFormat::prometheus;
}

Result<Labels> group_of(const net::HttpRequest& request) {
  const auto rest = request.path_params.find("rest");
  return ingest::group_from_path(rest == request.path_params.end() ? std::string_view() : rest->second);
}

Result<int> push_group(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::ingest));
  TT_ASSIGN(const Labels group, group_of(request));
  const ProjectId project = principal.default_project();
  if (request.method == "DELETE") {
    TT_TRY(services.push_groups->remove(project, group));
    return 202;
  }
  TT_ASSIGN(const TextFormat format, format_of(request));
  TT_TRY(services.push_groups->push(project, group, request.body, format, request.method == "PUT"));
  return 200;
}

Result<std::optional<UnixMillis>> time_of_import(const net::HttpRequest& request) {
  const auto text = request.param("timestamp");
  if (!text || text->empty()) return std::optional<UnixMillis>();
  UnixMillis time;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), time.ms);
  if (code != std::errc() || end != text->data() + text->size())
    return fail(ErrorKind::invalid_argument, "timestamp: expected milliseconds since 1970");
  return std::optional<UnixMillis>(time);
}

Result<ingest::MetricOutcome> import_text(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::ingest));
  Labels labels;
  if (request.path_params.count("rest") > 0) {
    TT_ASSIGN(labels, group_of(request));
  }
  // `extra_label=name=value`, as often as wanted.
  for (const auto pair : request.params("extra_label")) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return fail(ErrorKind::invalid_argument, "extra_label: expected name=value");
    labels.set(pair.substr(0, equals), pair.substr(equals + 1));
  }
  TT_ASSIGN(const TextFormat format, format_of(request));
  TT_ASSIGN(const auto time, time_of_import(request));
  return services.ingest.text_import(principal.default_project(), request.body, format, labels, time);
}

net::HttpResponse answer_import(const Result<ingest::MetricOutcome>& outcome) {
  if (!outcome) return push_error(outcome.error());
  if (outcome->refused > 0) return net::HttpResponse::text(refusal_text(*outcome), 400);
  return net::HttpResponse::empty(204);
}

}  // namespace

void add_push_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.bulk = true;
  options.max_decoded_bytes = limits::kMaxWriteBytes;
  const Services* s = &services;
  options.name = "prom_import";
  const auto import = [s](const net::HttpRequest& r, WorkContext&) {
    return answer_import(import_text(*s, r));
  };
  router.add("POST|PUT", "/api/v1/import/prometheus", import, options);
  router.add("POST|PUT", "/api/v1/import/prometheus/metrics/{rest*}", import, options);
  options.name = "pushgateway";
  router.add(
      "POST|PUT|DELETE", "/metrics/{rest*}",
      [s](const net::HttpRequest& r, WorkContext&) {
        if (s->push_groups == nullptr)
          return push_error(Error(ErrorKind::unavailable, "nothing is pushed here"));
        const auto status = push_group(*s, r);
        return status ? net::HttpResponse::empty(*status) : push_error(status.error());
      },
      options);
}

}  // namespace telltale::api
