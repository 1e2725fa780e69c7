// Loki's push endpoints, and where the read side is put together. Errors are plain text, as Loki's clients
// expect.
#include "api/loki/routes.hpp"

#include <fmt/format.h>

#include "api/loki/params.hpp"
#include "api/services.hpp"
#include "base/text.hpp"

namespace telltale::api {
namespace {

net::HttpResponse loki_error(const Error& error) {
  auto response = net::HttpResponse::text(error.message() + "\n", net::http_status(error.kind()));
  add_error_headers(response);
  return response;
}

net::HttpResponse loki_push(const Services& services, const net::HttpRequest& request,
                            ingest::LokiFormat json) {
  const auto principal = authorise(services, request, accounts::Scope::ingest);
  if (!principal) return loki_error(principal.error());
  const std::string type = to_lower(request.header("content-type"));
  const bool is_json = type.starts_with("application/json");
  if (!is_json && !type.empty() && !type.starts_with("application/x-protobuf")) {
    return loki_error(
        Error(ErrorKind::unsupported, "Content-Type: application/json or application/x-protobuf"));
  }
  const auto outcome = services.ingest.loki_push(principal->default_project(), request.body,
                                                 is_json ? json : ingest::LokiFormat::snappy_protobuf);
  if (!outcome) return loki_error(outcome.error());
  if (!outcome->rejected.empty()) {
    const auto& first = outcome->rejected.front();
    return loki_error(
        Error(ErrorKind::invalid_argument,
              fmt::format("{} of {} entries refused, the others were stored; entry {}: {}",
                          outcome->rejected.size(), outcome->rejected.size() + outcome->accepted, first.index,
                          first.reason)));
  }
  return net::HttpResponse::empty(204);
}

}  // namespace

void loki::add_json_route(net::Router& router, const Services& services, std::string path, std::string name,
                          JsonHandler handler) {
  net::RouteOptions options;
  options.name = std::move(name);
  options.work = services.query_limits;
  router.add(
      "GET|POST", path,
      [&services, handler = std::move(handler)](const net::HttpRequest& r, WorkContext& c) {
        auto made = handler(services, r, c);
        return made ? net::HttpResponse::json(*std::move(made)) : error(made.error());
      },
      options);
}

void add_loki_routes(net::Router& router, const Services& services) {
  loki::add_query_routes(router, services);
  loki::add_label_routes(router, services);
  loki::add_field_routes(router, services);
  loki::add_status_routes(router, services);
  loki::add_delete_routes(router, services);
  net::RouteOptions options;
  options.bulk = true;
  options.name = "loki_push";
  router.add(
      "POST", "/loki/api/v1/push",
      [&services](const net::HttpRequest& r, WorkContext&) {
        return loki_push(services, r, ingest::LokiFormat::json);
      },
      options);
  options.name = "loki_push_legacy";
  router.add(
      "POST", "/api/prom/push",
      [&services](const net::HttpRequest& r, WorkContext&) {
        return loki_push(services, r, ingest::LokiFormat::legacy_json);
      },
      options);
}

}  // namespace telltale::api
