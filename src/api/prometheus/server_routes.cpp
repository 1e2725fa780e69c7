// What Prometheus' API tells of the server itself. Only what is so: fields about Go's runtime are not here.
#include <algorithm>

#include "api/prometheus/answer.hpp"
#include "promql/features.hpp"
#include "promql/functions.hpp"

namespace telltale::api {
namespace {

/// {"status":"success","data":…} around what `write` puts.
template <class Write>
std::string success_of(Write write) {
  JsonWriter w;
  w.begin_object().field("status", "success").key("data");
  write(w);
  w.end_object();
  return w.take();
}

Result<std::string> server_buildinfo(const Services& services, const net::HttpRequest& request,
                                     WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  return success_of([&](JsonWriter& w) {
    w.begin_object().field("application", "Telltale").field("version", services.version).end_object();
  });
}

Result<std::string> server_runtimeinfo(const Services& services, const net::HttpRequest& request,
                                       WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  const ServerState state = services.state();
  return success_of([&](JsonWriter& w) {
    w.begin_object().field("startTime", format_rfc3339(state.started));
    w.field("serverTime", format_rfc3339(services.clock.now())).field("hostname", state.hostname);
    w.field("CWD", state.working_directory).field("reloadConfigSuccess", state.reload_problem.empty());
    w.field("lastConfigTime", format_rfc3339(state.configured));
    w.field("storageRetention", format_duration(state.metrics_retention)).end_object();
  });
}

/// Journals are read before the first request is answered.
Result<std::string> server_walreplay(const Services& services, const net::HttpRequest& request,
                                     WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  return success_of([](JsonWriter& w) {
    w.begin_object().field("min", 0).field("max", 0).field("current", 0).field("state", "done").end_object();
  });
}

/// For administrators of every project.
Result<std::string> server_flags(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto principal, authorise_server_admin(services, request));
  return success_of([&](JsonWriter& w) {
    w.begin_object();
    for (const auto& [name, value] : services.state().settings) w.field(name, value);
    w.end_object();
  });
}

/// The settings in force as a file of settings would have them. Sections that hold secrets are left out.
Result<std::string> server_config(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto principal, authorise_server_admin(services, request));
  std::string yaml;
  for (const auto& [name, value] : services.state().settings) {
    yaml += name + ": ";
    append_json_string(yaml, value);
    yaml += '\n';
  }
  return success_of([&](JsonWriter& w) { w.begin_object().field("yaml", yaml).end_object(); });
}

Result<std::string> server_features(const Services& services, const net::HttpRequest& request, WorkContext&) {
  using promql::Feature;
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  const promql::EngineOptions& on = services.promql.options();
  return success_of([&](JsonWriter& w) {
    w.begin_object().key("api").begin_object().field("admin", true).field("remote_write_receiver", true);
    w.field("otlp_write_receiver", true).field("query_stats", false).end_object();
    w.key("promql").begin_object().field("at_modifier", true).field("negative_offset", true);
    w.field("subqueries", true).field("bool", true).field("duration_expr", true);
    w.field("anchored", on.has(Feature::extended_range_selectors));
    w.field("smoothed", on.has(Feature::extended_range_selectors));
    w.field("fill", on.has(Feature::binop_fill_modifiers));
    w.field("delayed_name_removal", on.has(Feature::delayed_name_removal));
    w.field("type_and_unit_labels", on.has(Feature::type_and_unit_labels));
    w.field("use_start_timestamps", on.has(Feature::start_timestamps));
    w.field("experimental_functions", on.has(Feature::experimental_functions)).end_object();
    w.key("promql_functions").begin_object();
    for (const std::string_view name : promql::function_names())
      w.field(name, !promql::is_experimental_function(name) || on.has(Feature::experimental_functions));
    w.end_object().end_object();
  });
}

/// What an operator should know now: as yet, that a reload failed.
Result<std::string> server_notifications(const Services& services, const net::HttpRequest& request,
                                         WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  const ServerState state = services.state();
  return success_of([&](JsonWriter& w) {
    w.begin_array();
    if (!state.reload_problem.empty()) {
      w.begin_object().field("text", "Configuration reload has failed.");
      w.field("date", format_rfc3339(state.reload_failed)).field("active", true).end_object();
    }
    w.end_array();
  });
}

/// Alerts are told by the server itself: it sends to no Alertmanager.
Result<std::string> server_alertmanagers(const Services& services, const net::HttpRequest& request,
                                         WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  return success_of([](JsonWriter& w) {
    w.begin_object().key("activeAlertmanagers").begin_array().end_array();
    w.key("droppedAlertmanagers").begin_array().end_array().end_object();
  });
}

}  // namespace

void add_prometheus_server_routes(net::Router& router, const Services& services) {
  const auto add = [&](const char* path, const char* name, PrometheusJsonHandler handler) {
    add_prometheus_json_route(router, services, "GET", path, name, std::move(handler));
  };
  add("/api/v1/status/buildinfo", "prom_buildinfo", server_buildinfo);
  add("/api/v1/status/runtimeinfo", "prom_runtimeinfo", server_runtimeinfo);
  add("/api/v1/status/walreplay", "prom_walreplay", server_walreplay);
  add("/api/v1/status/flags", "prom_flags", server_flags);
  add("/api/v1/status/config", "prom_config", server_config);
  add("/api/v1/features", "prom_features", server_features);
  add("/api/v1/notifications", "prom_notifications", server_notifications);
  add("/api/v1/alertmanagers", "prom_alertmanagers", server_alertmanagers);
}

}  // namespace telltale::api
