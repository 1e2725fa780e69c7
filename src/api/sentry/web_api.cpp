// Who asks, what there is: the caller, the organization, its projects, monitors and newest events. Releases
// and issues have files of their own.
#include "api/sentry/web_api.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "health/monitors.hpp"

namespace telltale::api {
namespace web_api {

using accounts::Scope;

namespace {

constexpr std::size_t kMaxOffset = 1'000'000;

/// What an installation of Sentry would call the rights of a role.
std::vector<std::string_view> scope_names(storage::Role role) {
  std::vector<std::string_view> out;
  if (accounts::allows(role, Scope::read))
    out.insert(out.end(), {"org:read", "project:read", "event:read", "alerts:read"});
  if (accounts::allows(role, Scope::write))
    out.insert(out.end(), {"project:releases", "project:write", "event:write", "alerts:write"});
  if (accounts::allows(role, Scope::admin)) out.insert(out.end(), {"org:admin", "project:admin"});
  return out;
}

net::HttpResponse caller(const Services& services, const net::HttpRequest& request) {
  const auto who = authorise(services, request, Scope::read);
  if (!who) return detail(who.error());
  JsonWriter w;
  w.begin_object().field("version", "0").key("auth").begin_object().key("scopes").begin_array();
  for (const auto scope : scope_names(who->role)) w.string(scope);
  w.end_array().end_object().key("user");
  if (who->user == 0) {
    w.null();
  } else {
    w.begin_object().field("id", fmt::format("{}", who->user)).field("name", who->name);
    w.field("email", who->name).end_object();
  }
  w.end_object();
  return net::HttpResponse::json(w.take());
}

net::HttpResponse organizations(const Services& services, const net::HttpRequest& request) {
  const auto projects = projects_of(services, request, Scope::read);
  if (!projects) return detail(projects.error());
  UnixNanos since = services.clock.now();
  for (const auto& project : *projects) since = std::min(since, project.created);
  JsonWriter w;
  w.begin_array().begin_object().field("id", "1").field("slug", kOrganization).field("name", "Telltale");
  w.field("dateCreated", format_rfc3339(since)).field("isEarlyAdopter", false).field("require2FA", false);
  w.field("requireEmailVerification", false).key("features").begin_array().end_array();
  w.end_object().end_array();
  auto response = net::HttpResponse::json(w.take());
  add_link(response, request, 0, false);
  return response;
}

net::HttpResponse list_projects(const Services& services, const net::HttpRequest& request) {
  const auto projects = projects_of(services, request, Scope::read);
  if (!projects) return detail(projects.error());
  JsonWriter w;
  w.begin_array();
  for (const auto& project : *projects) write_project(w, project);
  w.end_array();
  auto response = net::HttpResponse::json(w.take());
  add_link(response, request, 0, false);
  return response;
}

Result<std::string> monitors_json(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, projects_of(services, request, Scope::read));
  std::vector<ProjectId> ids;
  for (const auto& project : projects) ids.push_back(project.id);
  TT_ASSIGN(const auto views, services.monitors->list(ids));
  JsonWriter w;
  w.begin_array();
  for (const auto& view : views) {
    auto worst = storage::MonitorState::active;
    for (const auto& status : view.statuses) worst = std::max(worst, status.state);
    const auto& m = view.monitor;
    w.begin_object().field("id", fmt::format("{}", m.id)).field("slug", m.slug);
    w.field("name", m.name.empty() ? m.slug : m.name);
    w.field("status", m.disabled ? "disabled" : health::monitor_state_name(worst));
    w.field("isMuted", m.muted).field("dateCreated", format_rfc3339(m.created)).end_object();
  }
  w.end_array();
  return w.take();
}

net::HttpResponse list_monitors(const Services& services, const net::HttpRequest& request) {
  auto json = monitors_json(services, request);
  if (!json) return detail(json.error());
  auto response = net::HttpResponse::json(*std::move(json));
  add_link(response, request, 0, false);
  return response;
}

std::string text_of(const EventRow& row, std::string_view name) {
  const AttrValue* value = row.find(name);
  return value == nullptr ? std::string() : to_string(*value);
}

void write_event(JsonWriter& w, const EventRow& row) {
  w.begin_object().field("eventID", text_of(row, attr::kEventId));
  w.field("dateCreated", format_rfc3339(row.time)).field("title", row.message).field("message", row.message);
  w.field("platform", text_of(row, attr::kPlatform)).key("user");
  const std::string address = text_of(row, "user.email");
  if (row.ids.user_id.empty() && address.empty()) {
    w.null();
  } else {
    w.begin_object().key("id");
    row.ids.user_id.empty() ? w.null() : w.string(row.ids.user_id);
    w.key("email");
    address.empty() ? w.null() : w.string(address);
    w.end_object();
  }
  w.key("tags").begin_array();
  for (const auto& [name, value] : {std::pair{"level", std::string(to_string(row.ids.level))},
                                    {"environment", row.ids.environment},
                                    {"release", row.ids.release},
                                    {"transaction", row.ids.transaction}}) {
    if (!value.empty()) w.begin_object().field("key", name).field("value", value).end_object();
  }
  w.end_array().end_object();
}

struct EventPage {
  std::vector<EventRow> rows;  // kPage of them at most
  bool more = false;
};

/// The rows from `offset` on; those before it are passed over, not kept.
Result<EventPage> event_page(storage::EventStore& store, storage::EventQuery query, std::size_t offset,
                             WorkContext& context) {
  query.limit = offset + kPage + 1;
  TT_ASSIGN(const auto cursor, store.select(query, context));
  EventPage page;
  std::size_t seen = 0;
  for (std::vector<EventRow> some;;) {
    TT_TRY(cursor->next(some));
    if (some.empty()) return page;
    for (EventRow& row : some) {
      if (seen++ < offset) continue;
      page.more = page.rows.size() == kPage;
      if (page.more) return page;
      TT_TRY(context.charge(memory_bytes(row)));
      page.rows.push_back(std::move(row));
    }
  }
}

net::HttpResponse list_events(const Services& services, const net::HttpRequest& request,
                              WorkContext& context) {
  const auto projects = projects_of(services, request, Scope::read);
  if (!projects) return detail(projects.error());
  const auto offset = offset_param(request);
  if (!offset) return detail(offset.error());
  storage::EventQuery query;
  query.table = Table::errors;
  for (const auto& project : *projects) query.projects.push_back(project.id);
  const auto page = event_page(services.events, std::move(query), *offset, context);
  if (!page) return detail(page.error());
  JsonWriter w;
  w.begin_array();
  for (const EventRow& row : page->rows) write_event(w, row);
  w.end_array();
  auto response = net::HttpResponse::json(w.take());
  add_link(response, request, *offset, page->more);
  return response;
}

/// Nothing is known of repositories: commits then come from the build's own clone.
net::HttpResponse no_repositories(const Services& services, const net::HttpRequest& request) {
  const auto who = authorise(services, request, Scope::read);
  if (!who) return detail(who.error());
  auto response = net::HttpResponse::json("[]");
  add_link(response, request, 0, false);
  return response;
}

}  // namespace

net::HttpResponse detail(const Error& error) {
  JsonWriter w;
  w.begin_object().field("detail", error.message()).end_object();
  auto response = net::HttpResponse::json(w.take(), net::http_status(error.kind()));
  add_error_headers(response);
  return response;
}

Result<storage::Project> find_project(const std::vector<storage::Project>& projects, std::string_view name) {
  std::uint32_t id = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), id);
  const bool number = problem == std::errc() && end == name.data() + name.size();
  for (const auto& project : projects) {
    if (project.slug == name || (number && project.id.value == id)) return project;
  }
  return fail(ErrorKind::not_found, fmt::format("project {}: not found", name));
}

Result<std::vector<storage::Project>> projects_of(const Services& services, const net::HttpRequest& request,
                                                  Scope scope) {
  TT_ASSIGN(const auto who, authorise(services, request, scope));
  TT_ASSIGN(auto all, services.records.projects().list());
  if (who.project.value != 0) std::erase_if(all, [&](const auto& p) { return p.id != who.project; });
  const auto named = request.path_params.find("project");
  if (named == request.path_params.end()) return all;
  TT_ASSIGN(auto one, find_project(all, named->second));
  return std::vector<storage::Project>{std::move(one)};
}

Result<std::size_t> offset_param(const net::HttpRequest& request) {
  const std::string_view cursor = request.param("cursor").value_or("");
  if (cursor.empty()) return std::size_t{0};
  std::size_t offset = 0;
  const auto begin = cursor.find(':');
  if (begin == std::string_view::npos) return fail(ErrorKind::invalid_argument, "cursor: not one of ours");
  const auto [end, problem] =
      std::from_chars(cursor.data() + begin + 1, cursor.data() + cursor.size(), offset);
  if (problem != std::errc() || offset > kMaxOffset)
    return fail(ErrorKind::invalid_argument, "cursor: not one of ours");
  return offset;
}

void add_link(net::HttpResponse& response, const net::HttpRequest& request, std::size_t offset, bool more) {
  const std::size_t before = offset < kPage ? 0 : offset - kPage;
  const auto entry = [&](std::string_view rel, bool results, std::size_t to) {
    return fmt::format(R"(<{0}?cursor=0:{1}:0>; rel="{2}"; results="{3}"; cursor="0:{1}:0")", request.path,
                       to, rel, results ? "true" : "false");
  };
  response.headers.emplace_back(
      "Link", entry("previous", offset != 0, before) + ", " + entry("next", more, offset + kPage));
}

void write_project(JsonWriter& w, const storage::Project& project) {
  w.begin_object().field("id", fmt::format("{}", project.id.value)).field("slug", project.slug);
  w.field("name", project.name.empty() ? project.slug : project.name).key("team").null();
  w.key("teams").begin_array().end_array().field("dateCreated", format_rfc3339(project.created));
  w.end_object();
}

void write_when(JsonWriter& w, std::string_view name, const std::optional<UnixNanos>& time) {
  w.key(name);
  if (time) {
    w.string(format_rfc3339(*time));
  } else {
    w.null();
  }
}

}  // namespace web_api

void add_sentry_web_routes(net::Router& router, const Services& services) {
  const auto get = [&router, &services](const std::string& path, auto handler) {
    router.add("GET", "/api/0" + path, [&services, handler](const net::HttpRequest& r, WorkContext&) {
      return handler(services, r);
    });
  };
  get("/", web_api::caller);
  get("/organizations", web_api::organizations);
  get("/projects", web_api::list_projects);
  get("/organizations/{org}/projects", web_api::list_projects);
  get("/organizations/{org}/repos", web_api::no_repositories);
  if (services.monitors != nullptr) get("/organizations/{org}/monitors", web_api::list_monitors);
  router.add(
      "GET", "/api/0/projects/{org}/{project}/events",
      [&services](const net::HttpRequest& r, WorkContext& c) { return web_api::list_events(services, r, c); },
      query_route(services, "sentry_web_events"));
  web_api::add_release_routes(router, services);
  web_api::add_issue_routes(router, services);
  router.add("GET|POST|PUT|DELETE", "/api/0/{rest*}", [](const net::HttpRequest& r, WorkContext&) {
    return web_api::detail(Error(ErrorKind::not_found, r.method + " " + r.path + ": not known here"));
  });
}

}  // namespace telltale::api
