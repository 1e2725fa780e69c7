// How much room what is kept takes, and how fast the pages of the UI were.
#include <algorithm>

#include <simdjson.h>

#include "api/own/account_routes.hpp"
#include "api/own/answer.hpp"
#include "base/limits.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;

Result<std::optional<UnixNanos>> edge_of(const Services& services, const storage::Projects& projects,
                                         Table table, storage::Order order, WorkContext& context) {
  storage::EventQuery query;
  query.table = table;
  query.projects = projects;
  query.order = order;
  query.limit = 1;
  TT_ASSIGN(const auto rows, storage::collect(services.events, query, context));
  return rows.empty() ? std::optional<UnixNanos>() : rows.front().time;
}

Result<StorageReport> storage_report(const Services& services, const net::HttpRequest& request,
                                     WorkContext& context) {
  TT_ASSIGN(const auto who, authorise(services, request, Scope::read));
  if (who.project.value != 0) return fail(ErrorKind::permission_denied, "storage is shared by every project");
  TT_ASSIGN(const auto projects, readable_projects(services, who));
  TT_ASSIGN(auto report, services.storage());
  if (services.series_use)
    for (const ProjectId project : projects)
      report.series.emplace_back(project, services.series_use(project));
  for (auto& part : report.parts) {
    const auto table = table_from(part.name);
    if (!table) continue;
    TT_ASSIGN(part.oldest, edge_of(services, projects, *table, storage::Order::oldest_first, context));
    TT_ASSIGN(part.newest, edge_of(services, projects, *table, storage::Order::newest_first, context));
    storage::EventCountQuery query;
    query.table = *table;
    query.projects = projects;
    TT_ASSIGN(const auto counts, services.events.count(query, context));
    part.rows = 0;
    for (const auto& count : counts) *part.rows += count.count;
  }
  return report;
}

template <class T, class Write>
void write_or_null(JsonWriter& w, std::string_view name, const std::optional<T>& value, Write write) {
  w.key(name);
  if (value) {
    write(*value);
  } else {
    w.null();
  }
}

void write_storage(JsonWriter& w, const StorageReport& report) {
  std::uint64_t total = 0;
  for (const auto& part : report.parts) total += part.bytes;
  const auto count = [&](std::uint64_t n) { w.unsigned_integer(n); };
  const auto time = [&](UnixNanos t) { w.string(format_rfc3339(t)); };
  w.field("total_bytes", total);
  write_or_null(w, "budget_bytes",
                report.budget_bytes == 0 ? std::optional<std::uint64_t>() : report.budget_bytes, count);
  w.field("disk_free_bytes", report.disk_free_bytes).key("parts").begin_array();
  for (const auto& part : report.parts) {
    w.begin_object().field("name", part.name).field("bytes", part.bytes);
    write_or_null(w, "rows", part.rows, count);
    write_or_null(w, "oldest", part.oldest, time);
    write_or_null(w, "newest", part.newest, time);
    write_or_null(w, "retention_s", part.retention, [&](Nanos keep) {
      w.integer(std::chrono::duration_cast<std::chrono::seconds>(keep).count());
    });
    w.end_object();
  }
  w.end_array().key("series").begin_array();
  for (const auto& [project, used] : report.series) {
    w.begin_object().field("project", std::uint64_t{project.value});
    w.field("series", used.series).field("max_series", used.max_series);
    w.field("new_this_hour", used.new_this_hour).field("max_new_per_hour", used.max_new_per_hour);
    w.end_object();
  }
  w.end_array();
}

/// The UI's pages: whatever a browser sends, there are no other labels.
std::string ui_route(std::string_view sent) {
  static constexpr std::string_view kRoutes[] = {"/",         "/issues",      "/issues/{id}",     "/logs",
                                                 "/traces",   "/traces/{id}", "/metrics",         "/alerts",
                                                 "/settings", "/dashboards",  "/dashboards/{id}", "/sign-in",
                                                 "/setup"};
  if (sent.starts_with("/settings")) sent = "/settings";
  const auto* found = std::find(std::begin(kRoutes), std::end(kRoutes), sent);
  return found == std::end(kRoutes) ? "other" : std::string(*found);
}

struct UiFigures {
  std::string route;
  std::vector<std::pair<const char*, double>> seconds;  // histogram → value
  std::uint64_t long_tasks = 0;
};

tl::unexpected<Error> bad_figure(std::string_view field) {
  return fail(ErrorKind::invalid_argument, std::string(field) + ": a number from 0 on");
}

Result<> read_panels(simdjson::dom::element value, UiFigures& figures) {
  simdjson::dom::array panels;
  if (value.get(panels) != simdjson::SUCCESS || panels.size() > limits::kMaxUiPanels) {
    return fail(ErrorKind::invalid_argument, "panels: a list of at most 200");
  }
  for (const auto panel : panels) {
    std::string_view name;
    double ms = 0;
    if (panel["name"].get(name) != simdjson::SUCCESS) {
      return fail(ErrorKind::invalid_argument, "panels: each has a name");
    }
    if (panel["ms"].get(ms) != simdjson::SUCCESS || ms < 0) return bad_figure("panels.ms");
    figures.seconds.emplace_back("telltale_ui_panel_paint_seconds", ms / 1000);
  }
  return {};
}

Result<UiFigures> read_figures(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(body.data(), body.size()).get(object) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  }
  UiFigures figures;
  for (const auto field : object) {
    std::string_view text;
    double number = 0;
    if (field.key == "route") {
      if (field.value.get(text) != simdjson::SUCCESS) {
        return fail(ErrorKind::invalid_argument, "route: not a string");
      }
      figures.route = ui_route(text);
    } else if (field.key == "panels") {
      TT_TRY(read_panels(field.value, figures));
    } else if (field.key == "lcp_ms" || field.key == "inp_ms") {
      if (field.value.get(number) != simdjson::SUCCESS || number < 0) return bad_figure(field.key);
      figures.seconds.emplace_back(
          field.key == "lcp_ms" ? "telltale_ui_largest_paint_seconds" : "telltale_ui_interaction_seconds",
          number / 1000);
    } else if (field.key == "long_tasks") {
      if (field.value.get(figures.long_tasks) != simdjson::SUCCESS) return bad_figure(field.key);
    } else {
      return fail(ErrorKind::invalid_argument, std::string(field.key) + ": unknown field");
    }
  }
  if (figures.route.empty()) return fail(ErrorKind::invalid_argument, "route: missing");
  return figures;
}

Result<> take_measurements(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto who, authorise(services, request, Scope::read));
  TT_ASSIGN(const auto figures, read_figures(request.body));
  const MetricLabels labels{{"route", figures.route}};
  for (const auto& [name, value] : figures.seconds) {
    services.registry.histogram(name, "As browsers measured it, by the page's route.", labels).observe(value);
  }
  services.registry.counter("telltale_ui_long_tasks_total", "Times a page was stuck for over 50 ms.", labels)
      .add(std::min<std::uint64_t>(figures.long_tasks, limits::kMaxUiLongTasks));
  return {};
}

}  // namespace

void add_upkeep_routes(net::Router& router, const Services& services) {
  router.add(
      "GET", "/api/telltale/v1/storage",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<StorageReport>(storage_report(services, r, c), write_storage);
      },
      query_route(services));
  net::RouteOptions small;
  small.max_body_bytes = small.max_decoded_bytes = limits::kMaxUiBodyBytes;
  router.add(
      "POST", "/api/telltale/v1/ui-measurements",
      [&services](const net::HttpRequest& r, WorkContext&) {
        const auto done = take_measurements(services, r);
        return done ? net::HttpResponse::empty(204) : error_response(done.error());
      },
      small);
}

}  // namespace telltale::api
