// JSON lines, under VictoriaLogs' path and with its parameters. The answer counts what was stored and lists
// refused lines by number. A request of which something was stored is a success: sent again, its good lines
// would be stored twice.
#include "api/document_shape.hpp"
#include "api/own/row_json.hpp"
#include "api/services.hpp"

namespace telltale::api {
namespace {

net::HttpResponse lines_outcome(const ingest::Outcome& outcome) {
  JsonWriter w;
  w.begin_object().field("accepted", static_cast<std::uint64_t>(outcome.accepted));
  w.field("rejected", static_cast<std::uint64_t>(outcome.rejected.size()));
  w.key("errors").begin_array();
  for (const auto& e : outcome.rejected)
    w.begin_object().field("line", static_cast<std::uint64_t>(e.index)).field("error", e.reason).end_object();
  w.end_array().end_object();
  const bool nothing = outcome.accepted == 0 && outcome.duplicates == 0 && !outcome.rejected.empty();
  return net::HttpResponse::json(w.take(), nothing ? 400 : 200);
}

/// `debug=1`: how the lines would be stored.
net::HttpResponse lines_preview(const std::vector<EventRow>& rows) {
  JsonWriter w;
  w.begin_object().field("stored", false).key("rows").begin_array();
  for (const EventRow& row : rows) write_row(w, row);
  w.end_array().end_object();
  return net::HttpResponse::json(w.take());
}

net::HttpResponse insert_lines(const Services& services, const net::HttpRequest& request) {
  const auto principal = authorise(services, request, accounts::Scope::ingest);
  if (!principal) return error_response(principal.error());
  const auto shape = document_shape(request);
  if (!shape) return error_response(shape.error());
  const auto project = principal->default_project();
  const auto debug = request.param("debug").value_or(request.header("VL-Debug"));
  if (!debug.empty() && debug != "0" && debug != "false") {
    const auto rows = services.ingest.json_lines_preview(project, request.body, *shape);
    return rows ? lines_preview(*rows) : error_response(rows.error());
  }
  const auto outcome = services.ingest.json_lines(project, request.body, *shape);
  return outcome ? lines_outcome(*outcome) : error_response(outcome.error());
}

}  // namespace

void add_json_lines_routes(net::Router& router, const Services& services) {
  net::RouteOptions options;
  options.name = "json_lines";
  options.bulk = true;
  router.add(
      "POST", "/insert/jsonline",
      [&services](const net::HttpRequest& request, WorkContext&) { return insert_lines(services, request); },
      options);
}

}  // namespace telltale::api
