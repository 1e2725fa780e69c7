// Prometheus' HTTP API, as far as dashboards and promtool ask a server for data: queries, labels, series,
// targets, rules and alerts. Answers are the envelope {status, data, errorType, error, warnings, infos}.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "api/prometheus/answer.hpp"
#include "api/prometheus/info_routes.hpp"
#include "api/prometheus/params.hpp"
#include "api/prometheus/push_routes.hpp"
#include "api/prometheus/read_routes.hpp"
#include "api/prometheus/write_routes.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "promql/parser.hpp"

namespace telltale::api {
namespace {

// As Prometheus says it.
const std::string kTruncated = "results truncated due to limit";
constexpr std::size_t kEnvelopeBytes = 128;

void write_list(JsonWriter& w, std::string_view name, const std::vector<std::string>& list) {
  if (list.empty()) return;
  w.key(name).begin_array();
  for (const auto& item : list) w.string(item);
  w.end_array();
}

bool wants_stats(const net::HttpRequest& request) {
  const auto stats = request.param("stats");
  return stats && !stats->empty();
}

/// resource_exhausted when the JSON is longer than `max_bytes`.
Result<net::HttpResponse> write_query_result(const promql::QueryResult& result, bool stats,
                                             std::size_t max_bytes) {
  using promql::ValueType;
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  w.field("resultType", promql::to_string(result.type)).key("result");
  if (result.type == ValueType::scalar) {
    write_sample(w, {result.scalar.time, result.scalar.value});
  } else if (result.type == ValueType::string) {
    w.begin_array();
    write_time(w, result.scalar.time);
    w.string(result.text).end_array();
  } else {
    w.begin_array();
    for (const auto& series : result.series) {
      w.begin_object().key("metric");
      write_labels(w, series.labels);
      write_series_samples(w, series, result.type == ValueType::vector);
      w.end_object();
      if (w.view().size() > max_bytes) {
        return fail(
            ErrorKind::resource_exhausted,
            fmt::format("the answer is over the memory limit of {} bytes for one request; ask for fewer "
                        "series or a larger step",
                        max_bytes));
      }
    }
    w.end_array();
  }
  if (stats) write_stats(w, result.stats);
  w.end_object();
  write_list(w, "warnings", result.warnings);
  write_list(w, "infos", result.infos);
  w.end_object();
  return net::HttpResponse::json(w.take());
}

Result<Millis> duration_of(const net::HttpRequest& request, std::string_view name) {
  const auto text = request.param(name);
  if (!text || text->empty()) return fail(ErrorKind::invalid_argument, fmt::format("{}: missing", name));
  double seconds = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (problem == std::errc() && end == text->data() + text->size()) {
    if (!(seconds > 0 && seconds < 1e10))
      return fail(ErrorKind::invalid_argument, fmt::format("{}: must be positive", name));
    return Millis(std::llround(seconds * 1000));
  }
  auto d = parse_duration(*text);
  if (!d) return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", name, d.error().message()));
  return std::chrono::duration_cast<Millis>(*d);
}

Result<promql::QueryResult> run_query(const Services& services, const net::HttpRequest& request,
                                      WorkContext& context, bool range) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto projects, readable_projects(services, principal));
  const auto query = request.param("query");
  if (!query || query->empty()) return fail(ErrorKind::invalid_argument, "query: missing");
  promql::QueryOptions options;
  if (request.param("lookback_delta")) {
    TT_ASSIGN(options.lookback, duration_of(request, "lookback_delta"));
  }
  const UnixMillis now = services.clock.now().to_millis();
  if (!range) {
    TT_ASSIGN(const auto time, time_or(request, "time", now));
    return services.promql.instant(*query, projects, time, context, options);
  }
  TT_ASSIGN(const auto start, time_or(request, "start", now));
  TT_ASSIGN(const auto end, time_or(request, "end", now));
  TT_ASSIGN(const auto step, duration_of(request, "step"));
  if (step.count() <= 0) return fail(ErrorKind::invalid_argument, "step: must be positive");
  if (end < start) return fail(ErrorKind::invalid_argument, "end: before start");
  if ((end - start).count() / step.count() > static_cast<std::int64_t>(limits::kMaxQueryPoints)) {
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("step: more than {} points a series; use a larger step", limits::kMaxQueryPoints));
  }
  // As VictoriaMetrics names it: for measurements, and for those who doubt the cache.
  options.may_reuse = request.param("nocache") != "1";
  return services.promql.range(*query, projects, start, end, step, context, options);
}

Result<net::HttpResponse> prometheus_query(const Services& services, const net::HttpRequest& request,
                                           WorkContext& context, bool range) {
  TT_ASSIGN(const std::size_t limit, limit_of(request));
  TT_ASSIGN(auto result, run_query(services, request, context, range));
  if (limit > 0 && result.series.size() > limit) {
    result.series.resize(limit);
    result.warnings.push_back(kTruncated);
  }
  return write_query_result(result, wants_stats(request), services.query_limits.max_memory_bytes);
}

/// What was found, at most as much as the request's `limit`; `more`: it was cut.
template <class List>
struct Found {
  List list;
  bool more = false;
};

template <class List, class Write>
net::HttpResponse write_found(const Result<Found<List>>& found, Write write, std::size_t bytes = 0) {
  if (!found) return prometheus_error(found.error());
  JsonWriter w;
  w.reserve(bytes);
  w.begin_object().field("status", "success").key("data").begin_array();
  for (const auto& item : found->list) write(w, item);
  w.end_array();
  if (found->more) write_list(w, "warnings", {kTruncated});
  w.end_object();
  return net::HttpResponse::json(w.take());
}

void write_string(JsonWriter& w, std::string_view value) { w.string(value); }

/// Of each match[] selector, with one item more than the limit, so that a cut is seen.
Result<std::vector<storage::LabelQuery>> limited_queries(const Services& services,
                                                         const net::HttpRequest& request, std::size_t limit) {
  TT_ASSIGN(auto queries, label_queries(services, request));
  for (auto& query : queries) query.limit = limit == 0 ? 0 : limit + 1;
  return queries;
}

/// The union over every match[] selector of what `ask` returns for one, sorted.
template <class T, class Ask>
Result<Found<std::vector<T>>> over_selectors(const Services& services, const net::HttpRequest& request,
                                             Ask ask) {
  TT_ASSIGN(const std::size_t limit, limit_of(request));
  TT_ASSIGN(const auto queries, limited_queries(services, request, limit));
  std::vector<T> all;
  for (const auto& query : queries) {
    TT_ASSIGN(auto some, ask(query));
    if (all.empty()) {
      all = std::move(some);
    } else {
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
  }
  if (queries.size() > 1) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  const bool more = limit > 0 && all.size() > limit;
  if (more) all.resize(limit);
  return Found<std::vector<T>>{std::move(all), more};
}

net::HttpResponse prometheus_labels(const Services& services, const net::HttpRequest& request,
                                    WorkContext& context) {
  return write_found(
      over_selectors<std::string>(
          services, request, [&](const auto& query) { return services.metrics.label_names(query, context); }),
      write_string);
}

Result<Found<storage::TextList>> label_values_of(const Services& services, const net::HttpRequest& request,
                                                 WorkContext& context) {
  const std::string& name = request.path_params.find("name")->second;
  TT_ASSIGN(const std::size_t limit, limit_of(request));
  TT_ASSIGN(const auto queries, limited_queries(services, request, limit));
  std::vector<storage::TextList> lists;
  for (const auto& query : queries) {
    TT_ASSIGN(lists.emplace_back(), services.metrics.label_values(name, query, context));
  }
  auto all = storage::TextList::united(std::move(lists));
  const bool more = limit > 0 && all.size() > limit;
  return Found<storage::TextList>{std::move(all).first(limit), more};
}

net::HttpResponse prometheus_label_values(const Services& services, const net::HttpRequest& request,
                                          WorkContext& context) {
  const auto found = label_values_of(services, request, context);
  std::size_t bytes = kEnvelopeBytes;
  if (found)
    for (const std::string_view value : found->list) bytes += value.size() + 3;  // two quotes and a comma
  return write_found(found, write_string, bytes);
}

net::HttpResponse prometheus_series(const Services& services, const net::HttpRequest& request,
                                    WorkContext& context) {
  if (request.params("match[]").empty()) {
    return prometheus_error(Error(ErrorKind::invalid_argument, "match[]: at least one selector is needed"));
  }
  return write_found(
      over_selectors<Labels>(services, request,
                             [&](const auto& query) { return services.metrics.series(query, context); }),
      write_labels);
}

}  // namespace

void add_prometheus_routes(net::Router& router, const Services& services) {
  add_rule_list_routes(router, services);
  add_status_routes(router, services);
  add_prometheus_server_routes(router, services);
  add_parse_routes(router, services);
  add_target_routes(router, services);
  add_remote_write_routes(router, services);
  add_read_routes(router, services);
  add_push_routes(router, services);
  add_metric_info_routes(router, services);
  const auto add = [&](const char* methods, const char* path, const char* name, PrometheusHandler handler) {
    add_prometheus_route(router, services, methods, path, name, std::move(handler));
  };
  using Request = const net::HttpRequest&;
  add("GET|POST", "/api/v1/query", "prom_query",
      [](const Services& s, Request r, WorkContext& c) { return prometheus_query(s, r, c, false); });
  add("GET|POST", "/api/v1/query_range", "prom_query_range",
      [](const Services& s, Request r, WorkContext& c) { return prometheus_query(s, r, c, true); });
  add("GET|POST", "/api/v1/labels", "prom_labels", prometheus_labels);
  add("GET", "/api/v1/label/{name}/values", "prom_label_values", prometheus_label_values);
  add("GET|POST", "/api/v1/series", "prom_series", prometheus_series);
}

}  // namespace telltale::api
