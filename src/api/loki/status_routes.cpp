// What a client asks about the server before it asks for logs.
#include "api/loki/params.hpp"
#include "api/loki/routes.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"

namespace telltale::api::loki {
namespace {

// The release of Loki whose interface this is; clients switch features by it.
constexpr std::string_view kLokiLevel = "3.5.0";

Result<std::string> buildinfo(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto projects, projects_param(services, request));
  JsonWriter w;
  w.begin_object().field("version", kLokiLevel).field("revision", "telltale-" + services.version);
  w.field("branch", "").field("buildUser", "").field("buildDate", "").field("goVersion", "").end_object();
  return w.take();
}

Result<std::string> drilldown_limits(const Services& services, const net::HttpRequest& request,
                                     WorkContext&) {
  TT_ASSIGN(const auto projects, projects_param(services, request));
  const Nanos timeout = services.query_limits.timeout;
  JsonWriter w;
  w.begin_object().key("limits").begin_object();
  w.field("discover_log_levels", true).key("discover_service_name").begin_array();
  for (const char* name : {"service", "app", "application", "name", "container", "component", "job"}) {
    w.string(name);
  }
  w.end_array().key("log_level_fields").begin_array();
  for (const char* name : {"level", "LEVEL", "Level", "severity", "lvl", "log.level"}) w.string(name);
  w.end_array();
  w.field("max_entries_limit_per_query", std::uint64_t{limits::kMaxLogEntries});
  w.field("max_line_size_truncate", false).field("max_query_bytes_read", "0B");
  w.field("max_query_length", "0s").field("max_query_lookback", "0s").field("max_query_range", "0s");
  w.field("max_query_series", std::uint64_t{limits::kMaxQuerySeries});
  w.field("metric_aggregation_enabled", false).field("pattern_persistence_enabled", false);
  w.field("query_timeout", format_duration(timeout)).field("retention_period", "0s");
  w.field("volume_enabled", true).field("volume_max_series", std::uint64_t{limits::kMaxLabelAnswers});
  w.end_object();
  // Patterns are mined when they are asked for; to a client that is the same as having them.
  w.field("pattern_ingester_enabled", true).field("version", kLokiLevel).end_object();
  return w.take();
}

}  // namespace

void add_status_routes(net::Router& router, const Services& services) {
  add_json_route(router, services, "/loki/api/v1/status/buildinfo", "loki_buildinfo", buildinfo);
  add_json_route(router, services, "/loki/api/v1/drilldown-limits", "loki_drilldown_limits",
                 drilldown_limits);
  net::RouteOptions options;
  options.name = "loki_ready";
  router.add(
      "GET", "/ready",
      [&services](const net::HttpRequest&, WorkContext&) {
        return services.ready() ? net::HttpResponse::text("ready\n")
                                : net::HttpResponse::text("not ready\n", 503);
      },
      options);
}

}  // namespace telltale::api::loki
