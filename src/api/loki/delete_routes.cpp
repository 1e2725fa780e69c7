// Loki's requests to delete log lines. There is no time in which one may be cancelled: work begins at once.
#include <fmt/format.h>

#include "api/deletions.hpp"
#include "api/loki/params.hpp"
#include "api/loki/routes.hpp"
#include "base/json.hpp"

namespace telltale::api::loki {
namespace {

using accounts::Scope;

Result<> add_deletion(const Services& services, const net::HttpRequest& request) {
  storage::Deletion wanted;
  TT_ASSIGN(wanted.projects, projects_param(services, request, Scope::admin));
  TT_ASSIGN(const auto who, authorise(services, request, Scope::admin));
  wanted.by = who.name;
  wanted.query = request.param("query").value_or("");
  if (wanted.query.empty()) return fail(ErrorKind::invalid_argument, "query: is missing");
  const auto start = request.param("start").value_or("");
  if (start.empty()) return fail(ErrorKind::invalid_argument, "start: is missing");
  TT_ASSIGN(wanted.range.from, parse_time("start", start));
  wanted.range.to = services.clock.now();
  if (const auto end = request.param("end").value_or(""); !end.empty()) {
    TT_ASSIGN(wanted.range.to, parse_time("end", end));
  }
  if (wanted.range.to < wanted.range.from)
    return fail(ErrorKind::invalid_argument, "end: must not be before start");
  TT_TRY(request_deletion(services, std::move(wanted)));
  return {};
}

/// Loki's words: `received`, or `processed`; how far a running one is; ours for what it has no word for.
std::string status_text(const storage::Deletion& d) {
  switch (d.state) {
    case storage::DeletionState::waiting:
      return "received";
    case storage::DeletionState::running:
      return fmt::format("{}% Complete",
                         d.progress.parts == 0 ? 0 : d.progress.done * 100 / d.progress.parts);
    case storage::DeletionState::done:
      return "processed";
    default:
      return std::string(storage::state_name(d.state));
  }
}

Result<std::string> list_deletions(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, projects_param(services, request, Scope::admin));
  TT_ASSIGN(const auto all, visible_deletions(services, projects));
  const auto seconds = [](UnixNanos t) { return static_cast<double>(t.to_millis().ms) / 1e3; };
  JsonWriter w;
  w.begin_array();
  for (const auto& d : all) {
    w.begin_object().field("request_id", std::to_string(d.id));
    w.key("start_time").number(seconds(d.range.from));
    w.key("end_time").number(seconds(UnixNanos{d.range.to.ns - 1}));
    w.field("query", d.query).field("status", status_text(d));
    w.key("created_at").number(seconds(d.created));
    w.field("deleted_lines", d.progress.rows).end_object();
  }
  w.end_array();
  return w.take();
}

Result<> remove_deletion(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, projects_param(services, request, Scope::admin));
  const auto id = request.param("request_id").value_or("");
  if (id.empty()) return fail(ErrorKind::invalid_argument, "request_id: is missing");
  auto done = cancel_deletion(services, projects, id);
  if (done || done.error().kind() != ErrorKind::conflict) return done;
  return fail(ErrorKind::invalid_argument, done.error().message());
}

net::HttpResponse no_content(const Result<>& done) {
  return done ? net::HttpResponse::empty(204) : error(done.error());
}

}  // namespace

void add_delete_routes(net::Router& router, const Services& services) {
  const std::string path = "/loki/api/v1/delete";
  net::RouteOptions options;
  options.name = "loki_delete";
  router.add(
      "POST|PUT", path,
      [&services](const net::HttpRequest& r, WorkContext&) { return no_content(add_deletion(services, r)); },
      options);
  router.add(
      "GET", path,
      [&services](const net::HttpRequest& r, WorkContext&) {
        auto made = list_deletions(services, r);
        return made ? net::HttpResponse::json(*std::move(made)) : error(made.error());
      },
      options);
  router.add(
      "DELETE", path,
      [&services](const net::HttpRequest& r, WorkContext&) {
        return no_content(remove_deletion(services, r));
      },
      options);
}

}  // namespace telltale::api::loki
