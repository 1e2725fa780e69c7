// Queries: instant, over a range, written anew, and their patterns.
#include <algorithm>

#include <fmt/format.h>

#include "api/loki/encode.hpp"
#include "api/loki/params.hpp"
#include "api/loki/routes.hpp"
#include "base/limits.hpp"
#include "logs/pattern_query.hpp"
#include "wire/loki/discover.hpp"

namespace telltale::api::loki {
namespace {

constexpr std::size_t kDefaultLimit = 100;
constexpr Nanos kLeastPatternStep = std::chrono::seconds(10);

Result<logql::Expr> query_param(const net::HttpRequest& request) {
  const auto text = request.param("query");
  if (!text || text->empty()) return fail(ErrorKind::invalid_argument, "query: missing");
  return logql::parse(*text);
}

/// Leaves out entries that are nearer than `interval` to the one before.
void thin_out(logql::QueryResult& result, Nanos interval, std::size_t limit) {
  std::vector<logql::LogEntry> kept;
  for (auto& entry : result.entries) {
    if (!kept.empty()) {
      const Nanos apart =
          entry.time > kept.back().time ? entry.time - kept.back().time : kept.back().time - entry.time;
      if (apart < interval) continue;
    }
    if (kept.size() == limit) break;
    kept.push_back(std::move(entry));
  }
  result.entries = std::move(kept);
}

Result<std::string> range_query(const Services& services, const net::HttpRequest& request,
                                WorkContext& context) {
  logql::QueryRequest query;
  TT_ASSIGN(query.projects, projects_param(services, request));
  TT_ASSIGN(const auto expr, query_param(request));
  TT_ASSIGN(const auto window, window_param(services, request));
  query.start = window.start;
  query.end = window.end;
  TT_ASSIGN(query.step, step_param(request, window));
  TT_ASSIGN(query.direction, direction_param(request));
  TT_ASSIGN(query.limit, count_param(request, "limit", kDefaultLimit, limits::kMaxLogEntries));
  TT_ASSIGN(const Nanos interval, span_param(request, "interval", Nanos{0}));
  const std::size_t limit = query.limit;
  if (interval.count() > 0) query.limit = limits::kMaxLogEntries;
  TT_ASSIGN(auto result, logql::run(services.events, expr, query, context));
  if (interval.count() > 0) thin_out(result, interval, limit);
  return query_answer(result, wants_categories(request));
}

Result<std::string> instant_query(const Services& services, const net::HttpRequest& request,
                                  WorkContext& context) {
  logql::QueryRequest query;
  TT_ASSIGN(query.projects, projects_param(services, request));
  TT_ASSIGN(const auto expr, query_param(request));
  if (expr.is_log()) {
    return fail(ErrorKind::invalid_argument,
                "query: a log query has no value at one time; ask for it with /loki/api/v1/query_range");
  }
  query.end = services.clock.now();
  if (const auto time = request.param("time"); time && !time->empty()) {
    TT_ASSIGN(query.end, parse_time("time", *time));
  }
  query.start = query.end;
  TT_ASSIGN(const auto result, logql::run(services.events, expr, query, context));
  return query_answer(result, false);
}

net::HttpResponse format_query(const Services& services, const net::HttpRequest& request) {
  if (const auto projects = projects_param(services, request); !projects) return error(projects.error());
  const auto expr = query_param(request);
  JsonWriter w;
  w.begin_object().field("status", expr ? "success" : "invalid-query");
  w.field("data", expr ? logql::format(*expr) : std::string());
  if (!expr) w.field("error", expr.error().message());
  w.end_object();
  return net::HttpResponse::json(w.take(), expr ? 200 : 400);
}

void write_pattern(JsonWriter& w, const logs::PatternReport& report, const logs::PatternEntry& entry) {
  for (const auto& [level, counts] : entry.counts) {
    w.begin_object().field("pattern", entry.pattern).field("level", wire::loki::detected_level_name(level));
    w.key("samples").begin_array();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      w.begin_array().integer(report.buckets[i].ns / 1'000'000'000).unsigned_integer(counts[i]).end_array();
    }
    w.end_array().end_object();
  }
}

Result<std::string> patterns(const Services& services, const net::HttpRequest& request,
                             WorkContext& context) {
  logs::PatternQuery query;
  TT_ASSIGN(query.projects, projects_param(services, request));
  TT_ASSIGN(const auto expr, query_param(request));
  if (!expr.is_log()) return fail(ErrorKind::invalid_argument, "query: patterns are those of a log query");
  TT_ASSIGN(auto pipeline, logql::Pipeline::compile(expr.log));
  query.filter = pipeline.necessary();
  logql::LogEntry shown;
  if (!expr.log.stages.empty()) {
    query.keep = [&](EventRow& row) {
      if (!pipeline.process(row, shown)) return false;
      row.message = shown.line;
      return true;
    };
  }
  TT_ASSIGN(const auto window, window_param(services, request));
  query.range = window.range();
  TT_ASSIGN(const Nanos step, step_param(request, window));
  query.step = std::max(step, kLeastPatternStep);
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_array();
  if (window.start < window.end) {
    TT_ASSIGN(const auto report, logs::find_patterns(services.events, query, context));
    for (const auto& entry : report.patterns) write_pattern(w, report, entry);
  }
  w.end_array().end_object();
  return w.take();
}

}  // namespace

void add_query_routes(net::Router& router, const Services& services) {
  add_json_route(router, services, "/loki/api/v1/query_range", "loki_query_range", range_query);
  add_json_route(router, services, "/loki/api/v1/query", "loki_query", instant_query);
  add_json_route(router, services, "/loki/api/v1/patterns", "loki_patterns", patterns);
  net::RouteOptions options;
  options.name = "loki_format_query";
  router.add(
      "GET|POST", "/loki/api/v1/format_query",
      [&services](const net::HttpRequest& r, WorkContext&) { return format_query(services, r); }, options);
}

}  // namespace telltale::api::loki
