// Scheduled jobs: how they stand, when they ran, and what people change about them.
#include <algorithm>

#include "api/own/answer.hpp"
#include "api/own/health_routes.hpp"
#include "api/own/json_body.ipp"
#include "api/own/params.hpp"
#include "api/own/rule_routes.hpp"
#include "base/health_limits.hpp"
#include "health/monitors.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using health::MonitorView;

constexpr std::string_view kMonitor = "monitor";
constexpr std::size_t kMaxMonitorNameBytes = 128;
constexpr std::size_t kMaxShownCheckIns = 60;  // with each monitor of the list, newest first

struct ListedMonitor {
  MonitorView view;
  std::vector<storage::KeptCheckIn> check_ins;
};

void write_moment(JsonWriter& w, std::string_view name, const std::optional<UnixNanos>& time) {
  w.key(name);
  if (time) {
    w.string(format_rfc3339(*time));
  } else {
    w.null();
  }
}

void write_check_in(JsonWriter& w, const storage::KeptCheckIn& c) {
  w.begin_object().field("id", c.id).field("environment", c.environment);
  w.field("status", health::check_in_status_name(c.status)).field("started", format_rfc3339(c.started));
  write_moment(w, "finished", c.finished);
  write_moment(w, "expected", c.expected);
  w.key("duration_ms");
  if (c.duration_ms >= 0) {
    w.integer(c.duration_ms);
  } else {
    w.null();
  }
  w.field("release", c.release);
  if (c.trace_id.present()) w.field("trace_id", c.trace_id.hex());
  w.end_object();
}

void write_monitor(JsonWriter& w, const MonitorView& view) {
  const auto& m = view.monitor;
  w.begin_object().field("id", m.id).field("project", std::uint64_t{m.project.value});
  w.field("slug", m.slug).field("name", m.name).field("muted", m.muted).field("disabled", m.disabled);
  w.field("created", format_rfc3339(m.created)).field("updated", format_rfc3339(m.updated));
  w.field("schedule", view.config.schedule_text()).key("config");
  view.config.write(w);
  w.key("environments").begin_array();
  for (const auto& s : view.statuses) {
    w.begin_object().field("name", s.environment).field("state", health::monitor_state_name(s.state));
    write_moment(w, "last_check_in", s.last_check_in);
    write_moment(w, "next_expected", s.next_expected);
    write_moment(w, "next_latest", s.next_latest);
    write_moment(w, "failing_since", s.failing_since);
    w.field("failures", s.failures).end_object();
  }
  w.end_array();
}

void write_check_ins(JsonWriter& w, const std::vector<storage::KeptCheckIn>& list) {
  w.key("check_ins").begin_array();
  for (const auto& check_in : list) write_check_in(w, check_in);
  w.end_array();
}

Result<std::vector<ListedMonitor>> list_monitors(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, query_projects(services, request));
  TT_ASSIGN(auto views, services.monitors->list(projects));
  std::vector<ListedMonitor> out;
  for (auto& view : views) {
    TT_ASSIGN(auto runs, services.records.monitors().check_ins(view.monitor.id, "", {}, kMaxShownCheckIns));
    out.push_back({std::move(view), std::move(runs)});
  }
  return out;
}

Result<MonitorView> find_monitor(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto who, authorise(services, request, scope));
  TT_ASSIGN(const auto id, path_id(request, kMonitor));
  TT_ASSIGN(auto view, services.monitors->get(id));
  TT_TRY(require_in(who, view.monitor.project, scope, kMonitor, id));
  return view;
}

/// Members of `config` that a body may have.
Result<health::MonitorChange> read_monitor(JsonMembers& body) {
  health::MonitorChange change;
  TT_ASSIGN(change.name, body.text("name", kMaxMonitorNameBytes));
  TT_ASSIGN(change.muted, body.boolean("muted"));
  TT_ASSIGN(change.disabled, body.boolean("disabled"));
  change.config = body.raw("config");
  return change;
}

Result<MonitorView> make_monitor(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto asked, project_body(services, request, Scope::write));
  TT_ASSIGN(auto body, JsonBody::parse(asked.rest));
  TT_ASSIGN(const auto slug, body.members().text("slug", limits::kMaxSlugBytes));
  if (!slug || slug->empty()) return fail(ErrorKind::invalid_argument, "slug: missing");
  TT_ASSIGN(const auto change, read_monitor(body.members()));
  TT_ASSIGN(const auto environments, body.members().texts("environments", limits::kMaxMonitorEnvironments,
                                                          limits::kMaxEnvironmentBytes));
  TT_TRY(body.members().finish());
  storage::Monitor monitor;
  monitor.project = asked.project;
  monitor.slug = *slug;
  monitor.name = change.name.value_or("");
  monitor.config = change.config.value_or("{}");
  monitor.muted = change.muted.value_or(false);
  monitor.disabled = change.disabled.value_or(false);
  return services.monitors->add(std::move(monitor), environments.value_or(std::vector<std::string>()));
}

Result<MonitorView> change_monitor(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto view, find_monitor(services, request, Scope::write));
  TT_ASSIGN(auto body, JsonBody::parse(request.body));
  TT_ASSIGN(const auto change, read_monitor(body.members()));
  TT_TRY(body.members().finish());
  return services.monitors->change(view.monitor.id, change);
}

Result<std::vector<storage::KeptCheckIn>> check_ins_of(const Services& services,
                                                       const net::HttpRequest& request) {
  TT_ASSIGN(const auto view, find_monitor(services, request, Scope::read));
  TT_ASSIGN(const auto range, range_params(request));
  TT_ASSIGN(const auto limit, limit_param(request));
  return services.records.monitors().check_ins(view.monitor.id, request.param("environment").value_or(""),
                                               range, limit);
}

net::HttpResponse one_monitor(const Result<MonitorView>& view, int status) {
  if (!view) return error_response(view.error());
  JsonWriter w;
  w.begin_object().key("monitor");
  write_monitor(w, *view);
  w.end_object().end_object();
  return net::HttpResponse::json(w.take(), status);
}

}  // namespace

void add_monitor_routes(net::Router& router, const Services& services) {
  if (services.monitors == nullptr) return;
  const std::string all = "/api/telltale/v1/monitors";
  const std::string one = all + "/{id}";
  router.add("GET", all, [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<ListedMonitor>>(list_monitors(services, r),
                                              [](JsonWriter& w, const auto& list) {
                                                w.key("monitors").begin_array();
                                                for (const auto& monitor : list) {
                                                  write_monitor(w, monitor.view);
                                                  write_check_ins(w, monitor.check_ins);
                                                  w.end_object();
                                                }
                                                w.end_array();
                                              });
  });
  router.add("POST", all, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_monitor(make_monitor(services, r), 201);
  });
  router.add("GET", one, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_monitor(find_monitor(services, r, Scope::read), 200);
  });
  router.add("PUT", one, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_monitor(change_monitor(services, r), 200);
  });
  router.add("DELETE", one, [&services](const net::HttpRequest& r, WorkContext&) {
    const auto view = find_monitor(services, r, Scope::write);
    if (!view) return error_response(view.error());
    const auto done = services.monitors->remove(view->monitor.id);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
  router.add("GET", one + "/check-ins", [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<storage::KeptCheckIn>>(check_ins_of(services, r), write_check_ins);
  });
}

}  // namespace telltale::api
