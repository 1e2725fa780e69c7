#include "api/prometheus/info_routes.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "api/prometheus/answer.hpp"
#include "promql/engine.hpp"
#include "promql/parser.hpp"
#include "wire/metric/metric_write.hpp"

namespace telltale::api {
namespace {

using Selectors = std::vector<std::vector<storage::LabelMatcher>>;

/// Of every selector that stands in the expression.
void collect_selectors(const promql::Expr& expr, Selectors& out) {
  if (!expr.matchers.empty()) out.push_back(expr.matchers);
  for (const auto& arg : expr.args) collect_selectors(*arg, out);
  for (const auto* part : {&expr.param, &expr.range, &expr.step, &expr.offset}) {
    if (*part) collect_selectors(**part, out);
  }
}

/// Seconds or RFC 3339, as everywhere; and milliseconds, which Grafana sends when it asks whether there are
/// exemplars at all.
Result<UnixMillis> exemplar_time(const net::HttpRequest& request, std::string_view name,
                                 UnixMillis fallback) {
  constexpr double kNoSeconds = 1e11;  // the year 5138
  const auto text = request.param(name);
  if (!text || text->empty()) return fallback;
  double number = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (code == std::errc() && end == text->data() + text->size() && number >= kNoSeconds && number < 1e17)
    return UnixMillis{static_cast<std::int64_t>(number)};
  TT_ASSIGN(const auto time, parse_time_param(name, *text));
  return time.to_millis();
}

Result<std::string> exemplars_json(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto projects, readable_projects(services, principal));
  const auto query = request.param("query");
  if (!query || query->empty()) return fail(ErrorKind::invalid_argument, "query: missing");
  TT_ASSIGN(const auto expr, promql::parse(*query));
  TT_ASSIGN(const UnixMillis min, exemplar_time(request, "start", UnixMillis{0}));
  TT_ASSIGN(const UnixMillis max, exemplar_time(request, "end", UnixMillis{INT64_MAX}));
  if (max < min) return fail(ErrorKind::invalid_argument, "end: before start");
  Selectors selectors;
  collect_selectors(*expr, selectors);
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_array();
  for (const auto& series : services.metric_info->exemplars(projects, selectors, min, max)) {
    w.begin_object().key("seriesLabels");
    write_labels(w, series.series);
    w.key("exemplars").begin_array();
    for (const auto& e : series.exemplars) {
      w.begin_object().key("labels");
      write_labels(w, e.labels);
      w.field("value", promql::format_value(e.value)).key("timestamp");
      w.raw(fmt::format("{:.3f}", static_cast<double>(e.time.ms) / 1000)).end_object();
    }
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return w.take();
}

Result<std::int64_t> count_param(const net::HttpRequest& request, std::string_view name) {
  const auto text = request.param(name);
  if (!text || text->empty()) return -1;
  std::int64_t n = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (code != std::errc() || end != text->data() + text->size())
    return fail(ErrorKind::invalid_argument, fmt::format("{}: expected a whole number", name));
  return n;
}

Result<std::string> metadata_json(const Services& services, const net::HttpRequest& request, WorkContext&) {
  TT_ASSIGN(const auto principal, authorise(services, request, accounts::Scope::read));
  TT_ASSIGN(const auto projects, readable_projects(services, principal));
  TT_ASSIGN(const std::int64_t limit, count_param(request, "limit"));
  TT_ASSIGN(const std::int64_t per_metric, count_param(request, "limit_per_metric"));
  const auto families = services.metric_info->families(projects, request.param("metric").value_or(""));
  JsonWriter w;
  w.begin_object().field("status", "success").key("data").begin_object();
  std::int64_t names = 0;
  for (std::size_t i = 0; i < families.size() && (limit < 0 || names < limit); ++names) {
    w.key(families[i].family).begin_array();
    std::int64_t told = 0;
    const std::string& name = families[i].family;
    for (; i < families.size() && families[i].family == name; ++i) {
      if (per_metric > 0 && ++told > per_metric) continue;
      w.begin_object().field("type", to_string(static_cast<wire::MetricKind>(families[i].kind)));
      w.field("help", families[i].help).field("unit", families[i].unit).end_object();
    }
    w.end_array();
  }
  w.end_object().end_object();
  return w.take();
}

}  // namespace

void add_metric_info_routes(net::Router& router, const Services& services) {
  add_prometheus_json_route(router, services, "GET|POST", "/api/v1/query_exemplars", "prom_exemplars",
                            exemplars_json);
  add_prometheus_json_route(router, services, "GET", "/api/v1/metadata", "prom_metadata", metadata_json);
}

}  // namespace telltale::api
