// Log records that a LogQL query selects are deleted; what became of such requests.
#include "api/deletions.hpp"
#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "api/own/body.hpp"
#include "api/own/params.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using storage::Deletion;

void write_deletion(JsonWriter& w, const Deletion& d) {
  const auto time = [&](std::string_view name, bool known, UnixNanos t) {
    w.key(name);
    if (known) {
      w.string(format_rfc3339(t));
    } else {
      w.null();
    }
  };
  w.begin_object().field("id", d.id).field("query", d.query).key("projects").begin_array();
  for (const ProjectId project : d.projects) w.unsigned_integer(project.value);
  w.end_array();
  time("start", d.range.from.ns != INT64_MIN, d.range.from);
  time("end", d.range.to.ns != INT64_MAX, UnixNanos{d.range.to.ns - 1});
  w.field("state", storage::state_name(d.state)).field("rows", d.progress.rows);
  w.field("parts", std::uint64_t{d.progress.parts}).field("parts_done", std::uint64_t{d.progress.done});
  w.field("problem", d.problem).field("by", d.by).field("created", format_rfc3339(d.created));
  time("finished", d.finished.has_value(), d.finished.value_or(UnixNanos{}));
  w.end_object();
}

struct Asked {
  std::optional<std::uint64_t> counted;  // only asked how many
  Deletion made;
};

Result<Asked> ask_for_deletion(const Services& services, const net::HttpRequest& request,
                               WorkContext& context) {
  Deletion wanted;
  TT_ASSIGN(wanted.projects, query_projects(services, request, Scope::admin));
  TT_ASSIGN(const auto who, authorise(services, request, Scope::admin));
  wanted.by = who.name;
  TT_ASSIGN(const auto body, FlatBody::parse(request.body, {"query", "start", "end", "dry_run"}));
  TT_ASSIGN(wanted.query, body.text("query"));
  const auto time = [&](std::string_view name, UnixNanos& into) -> Result<> {
    TT_ASSIGN(const auto text, body.maybe_text(name));
    if (text && !text->empty()) {
      TT_ASSIGN(into, parse_time_param(name, *text));
    }
    return {};
  };
  wanted.range.to = services.clock.now();
  TT_TRY(time("start", wanted.range.from));
  TT_TRY(time("end", wanted.range.to));
  if (wanted.range.to < wanted.range.from)
    return fail(ErrorKind::invalid_argument, "end: must not be before start");
  TT_ASSIGN(const auto dry_run, body.maybe_boolean("dry_run"));
  Asked asked;
  if (dry_run.value_or(false)) {
    TT_ASSIGN(asked.counted, count_deletion(services, wanted, context));
  } else {
    TT_ASSIGN(asked.made, request_deletion(services, std::move(wanted)));
  }
  return asked;
}

Result<std::vector<Deletion>> list_own_deletions(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, query_projects(services, request, Scope::admin));
  return visible_deletions(services, projects);
}

Result<> cancel_own_deletion(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, query_projects(services, request, Scope::admin));
  return cancel_deletion(services, projects, request.path_params.find("id")->second);
}

net::HttpResponse deletion_answer(const Result<Asked>& asked) {
  if (!asked) return error_response(asked.error());
  JsonWriter w;
  w.begin_object();
  if (asked->counted) {
    w.field("rows", *asked->counted);
  } else {
    w.key("deletion");
    write_deletion(w, asked->made);
  }
  w.end_object();
  return net::HttpResponse::json(w.take(), asked->counted ? 200 : 202);
}

}  // namespace

void add_deletion_routes(net::Router& router, const Services& services) {
  const std::string path = "/api/telltale/v1/deletions";
  router.add(
      "POST", path,
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return deletion_answer(ask_for_deletion(services, r, c));
      },
      query_route(services));
  router.add("GET", path, [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<Deletion>>(list_own_deletions(services, r),
                                         [](JsonWriter& w, const std::vector<Deletion>& all) {
                                           w.key("deletions").begin_array();
                                           for (const auto& d : all) write_deletion(w, d);
                                           w.end_array();
                                         });
  });
  router.add("DELETE", path + "/{id}", [&services](const net::HttpRequest& r, WorkContext&) {
    const auto done = cancel_own_deletion(services, r);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
}

}  // namespace telltale::api
