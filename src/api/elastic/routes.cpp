// Elasticsearch's ingest API, under /elasticsearch and on the root: shippers take a host and append their own
// paths, and not all of them let a path stand in front. On the root, `GET /` is the web UI's; an
// Elasticsearch client is known there by what it sends (handshake.hpp).
#include <fmt/format.h>

#include "api/document_shape.hpp"
#include "api/elastic/answer.hpp"
#include "api/elastic/handshake.hpp"
#include "api/services.hpp"
#include "base/json.hpp"

namespace telltale::api {
namespace {

using EsHandler = net::HttpResponse (*)(const Services&, ProjectId, const net::HttpRequest&);

net::HttpResponse es_json(std::string body) { return net::HttpResponse::json(std::move(body)); }

std::string es_path_param(const net::HttpRequest& request, std::string_view name) {
  const auto it = request.path_params.find(name);
  return it == request.path_params.end() ? std::string() : it->second;
}

Result<> es_media_type(const net::HttpRequest& request) {
  const std::string_view type = request.header("content-type");
  // No type at all is what older shippers send; a form is what curl calls it.
  if (type.empty() || type.find("json") != std::string_view::npos ||
      type.starts_with("application/x-www-form"))
    return {};
  return fail(ErrorKind::unsupported,
              fmt::format("Content-Type header [{}] is not supported", type.substr(0, 100)));
}

net::HttpResponse es_bulk(const Services& services, ProjectId project, const net::HttpRequest& request) {
  const auto shape = document_shape(request);
  if (!shape) return elastic::error_answer(shape.error());
  const UnixNanos begin = services.clock.now();
  const auto outcome =
      services.ingest.elastic_bulk(project, request.body, es_path_param(request, "index"), *shape);
  if (!outcome) return elastic::error_answer(outcome.error());
  const auto took = std::chrono::duration_cast<Millis>(services.clock.now() - begin).count();
  return es_json(elastic::bulk_answer(*outcome, took, request.param("filter_path").value_or("")));
}

net::HttpResponse es_document(const Services& services, ProjectId project, const net::HttpRequest& request,
                              bool create) {
  const auto shape = document_shape(request);
  if (!shape) return elastic::error_answer(shape.error());
  const auto outcome = services.ingest.elastic_document(
      project, request.body, es_path_param(request, "index"), es_path_param(request, "id"), create, *shape);
  if (!outcome) return elastic::error_answer(outcome.error());
  return elastic::document_answer(*outcome, create);
}

net::HttpResponse es_index_document(const Services& services, ProjectId project,
                                    const net::HttpRequest& request) {
  return es_document(services, project, request, request.param("op_type").value_or("") == "create");
}
net::HttpResponse es_create_document(const Services& services, ProjectId project,
                                     const net::HttpRequest& request) {
  return es_document(services, project, request, true);
}

net::HttpResponse es_banner(const Services&, ProjectId, const net::HttpRequest& request) {
  return es_json(elastic::banner(elastic::version_for(request)));
}
net::HttpResponse es_license(const Services&, ProjectId, const net::HttpRequest&) {
  return es_json(elastic::license());
}
net::HttpResponse es_xpack(const Services&, ProjectId, const net::HttpRequest&) {
  return es_json(elastic::xpack());
}
net::HttpResponse es_health(const Services&, ProjectId, const net::HttpRequest&) {
  return es_json(elastic::cluster_health());
}
net::HttpResponse es_cat_health(const Services& services, ProjectId, const net::HttpRequest& request) {
  return elastic::cat_health(request, format_rfc3339(services.clock.now()));
}
net::HttpResponse es_nodes(const Services&, ProjectId, const net::HttpRequest& request) {
  return es_json(elastic::nodes(request, elastic::version_for(request)));
}
net::HttpResponse es_acknowledge(const Services&, ProjectId, const net::HttpRequest&) {
  return es_json(R"({"acknowledged":true})");
}
net::HttpResponse es_create_index(const Services&, ProjectId, const net::HttpRequest& request) {
  JsonWriter w;
  w.begin_object().field("acknowledged", true).field("shards_acknowledged", true);
  w.field("index", es_path_param(request, "index")).end_object();
  return es_json(w.take());
}
net::HttpResponse es_refresh(const Services&, ProjectId, const net::HttpRequest&) {
  return es_json(R"({"_shards":{"total":1,"successful":1,"failed":0}})");
}
net::HttpResponse es_absent(const Services&, ProjectId, const net::HttpRequest& request) {
  return elastic::error_answer(
      404, "resource_not_found_exception",
      fmt::format("[{}] is not kept here: what comes in needs no mapping", request.path));
}

struct EsRoute {
  std::string_view methods;
  std::string_view pattern;
  EsHandler handler;
  std::string_view name;
};

constexpr EsRoute kEsRoutes[] = {
    {"POST|PUT", "/_bulk", es_bulk, "elastic_bulk"},
    {"POST|PUT", "/{index}/_bulk", es_bulk, "elastic_bulk"},
    {"POST|PUT", "/{index}/{type}/_bulk", es_bulk, "elastic_bulk"},
    {"POST", "/{index}/_doc", es_index_document, "elastic_document"},
    {"POST|PUT", "/{index}/_doc/{id}", es_index_document, "elastic_document"},
    {"POST|PUT", "/{index}/_create/{id}", es_create_document, "elastic_document"},
    {"GET", "/_license", es_license, "elastic_handshake"},
    {"GET", "/_xpack", es_xpack, "elastic_handshake"},
    {"GET", "/_xpack/license", es_license, "elastic_handshake"},
    {"GET", "/_cluster/health", es_health, "elastic_handshake"},
    {"GET", "/_cat/health", es_cat_health, "elastic_handshake"},
    {"GET", "/_nodes", es_nodes, "elastic_handshake"},
    {"GET", "/_nodes/http", es_nodes, "elastic_handshake"},
    {"GET", "/_nodes/_all/http", es_nodes, "elastic_handshake"},
    {"POST|PUT|DELETE", "/_index_template/{name}", es_acknowledge, "elastic_setup"},
    {"GET", "/_index_template/{name}", es_absent, "elastic_setup"},
    {"POST|PUT|DELETE", "/_component_template/{name}", es_acknowledge, "elastic_setup"},
    {"GET", "/_component_template/{name}", es_absent, "elastic_setup"},
    {"POST|PUT|DELETE", "/_template/{name}", es_acknowledge, "elastic_setup"},
    {"GET", "/_template/{name}", es_absent, "elastic_setup"},
    {"POST|PUT", "/_data_stream/{name}", es_acknowledge, "elastic_setup"},
    {"PUT", "/_data_stream/{name}/_lifecycle", es_acknowledge, "elastic_setup"},
    {"GET", "/_data_stream/{name}", es_absent, "elastic_setup"},
    {"PUT|DELETE", "/_ilm/policy/{name}", es_acknowledge, "elastic_setup"},
    {"GET", "/_ilm/policy/{name}", es_absent, "elastic_setup"},
    {"PUT|DELETE", "/_ingest/pipeline/{name}", es_acknowledge, "elastic_setup"},
    {"GET", "/_ingest/pipeline/{name}", es_absent, "elastic_setup"},
    {"GET", "/_alias/{name}", es_absent, "elastic_setup"},
    {"GET|POST", "/{index}/_refresh", es_refresh, "elastic_setup"},
};

net::HttpResponse es_answer(const Services& services, const net::HttpRequest& request, EsHandler handler) {
  const auto principal = authorise(services, request, accounts::Scope::ingest);
  if (!principal) return elastic::finished(elastic::error_answer(principal.error()), request);
  if (const auto known = es_media_type(request); !known)
    return elastic::finished(elastic::error_answer(known.error()), request);
  return elastic::finished(handler(services, principal->default_project(), request), request);
}

void es_add(net::Router& router, const Services& services, const EsRoute& route, const std::string& prefix) {
  net::RouteOptions options;
  options.name = route.name;
  options.bulk = route.name == "elastic_bulk" || route.name == "elastic_document";
  router.add(
      route.methods, prefix + std::string(route.pattern),
      [&services, handler = route.handler](const net::HttpRequest& request, WorkContext&) {
        return es_answer(services, request, handler);
      },
      options);
}

}  // namespace

void add_elastic_routes(net::Router& router, const Services& services) {
  for (const EsRoute& route : kEsRoutes) {
    es_add(router, services, route, "/elasticsearch");
    es_add(router, services, route, "");
  }
  // Not on the root: `/{index}` is where the UI's pages are.
  for (const EsRoute& route : {EsRoute{"GET", "", es_banner, "elastic_handshake"},
                               EsRoute{"PUT", "/{index}", es_create_index, "elastic_setup"},
                               EsRoute{"GET", "/{rest*}", es_absent, "elastic_setup"}})
    es_add(router, services, route, "/elasticsearch");
  net::RouteOptions options;
  options.name = "web";
  router.add(
      "GET", "/",
      [&services](const net::HttpRequest& request, WorkContext&) {
        return elastic::is_elastic_client(request) ? es_answer(services, request, es_banner)
                                                   : web_answer(services, request);
      },
      options);
}

}  // namespace telltale::api
