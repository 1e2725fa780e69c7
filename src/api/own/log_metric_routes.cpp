// Metrics out of log lines. What they say is read through PromQL, as of any other metric.
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/own/answer.hpp"
#include "api/own/params.hpp"
#include "api/own/rule_routes.hpp"
#include "logmetrics/log_metrics.hpp"

namespace telltale::api {
namespace {

using accounts::Scope;
using logmetrics::MetricStatus;

constexpr std::string_view kLogMetric = "log metric";

void write_log_metric(JsonWriter& w, const MetricStatus& m) {
  w.begin_object().field("id", m.id).field("project", std::uint64_t{m.project.value});
  write_members(w, m.definition);
  w.field("created", format_rfc3339(m.created)).key("series").begin_array();
  for (const auto& name : logmetrics::series_names(m.definition)) w.string(name);
  w.end_array().field("example", logmetrics::example_query(m.definition)).key("state").begin_object();
  w.field("series", std::uint64_t{m.series}).field("matched", m.counts.counted).field("late", m.counts.late);
  w.field("without_value", m.counts.unusable).field("over_limit", m.counts.over_limit).key("last_match");
  if (m.last_match) {
    w.string(format_rfc3339(*m.last_match));
  } else {
    w.null();
  }
  w.end_object().end_object();
}

net::HttpResponse one_log_metric(const Result<MetricStatus>& metric, int status) {
  if (!metric) return error_response(metric.error());
  JsonWriter w;
  w.begin_object().key("metric");
  write_log_metric(w, *metric);
  w.end_object();
  return net::HttpResponse::json(w.take(), status);
}

Result<MetricStatus> make_log_metric(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto body, project_body(services, request, Scope::write));
  TT_ASSIGN(auto definition, logmetrics::parse_definition(body.rest));
  return services.log_metrics->add(body.project, std::move(definition));
}

Result<MetricStatus> find_log_metric(const Services& services, const net::HttpRequest& request, Scope scope) {
  TT_ASSIGN(const auto who, authorise(services, request, scope));
  TT_ASSIGN(const auto id, path_id(request, kLogMetric));
  TT_ASSIGN(auto metric, services.log_metrics->get(id));
  TT_TRY(require_in(who, metric.project, scope, kLogMetric, id));
  return metric;
}

Result<> remove_log_metric(const Services& services, const net::HttpRequest& request) {
  TT_ASSIGN(const auto metric, find_log_metric(services, request, Scope::write));
  return services.log_metrics->remove(metric.id);
}

Result<std::vector<MetricStatus>> list_log_metrics(const Services& services,
                                                   const net::HttpRequest& request) {
  TT_ASSIGN(const auto projects, query_projects(services, request));
  return services.log_metrics->list(projects);
}

}  // namespace

Result<ProjectBody> project_body(const Services& services, const net::HttpRequest& request, Scope scope) {
  ProjectBody out;
  TT_ASSIGN(out.who, authorise(services, request, scope));
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(request.body).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  out.project = out.who.default_project();
  JsonWriter rest;
  rest.begin_object();
  for (const auto field : object) {
    if (field.key != "project") {
      rest.key(field.key).raw(simdjson::minify(field.value));
      continue;
    }
    std::uint64_t id = 0;
    if (field.value.get(id) != simdjson::SUCCESS || id == 0 || id > UINT32_MAX)
      return fail(ErrorKind::invalid_argument, "project: not a project id");
    out.project = ProjectId{static_cast<std::uint32_t>(id)};
  }
  out.rest = rest.end_object().take();
  TT_TRY(out.who.require(scope, out.project));
  if (!services.records.projects().get(out.project))
    return fail(ErrorKind::invalid_argument,
                fmt::format("project: there is no project {}", out.project.value));
  return out;
}

Result<std::int64_t> path_id(const net::HttpRequest& request, std::string_view what) {
  const std::string& text = request.path_params.find("id")->second;
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (problem != std::errc() || end != text.data() + text.size())
    return fail(ErrorKind::not_found, fmt::format("{} {}: not found", what, text));
  return id;
}

Result<> require_in(const accounts::Principal& who, ProjectId project, Scope scope, std::string_view what,
                    std::int64_t id) {
  if (!who.require(Scope::read, project))
    return fail(ErrorKind::not_found, fmt::format("{} {}: not found", what, id));
  return who.require(scope, project);
}

void add_log_metric_routes(net::Router& router, const Services& services) {
  if (services.log_metrics == nullptr) return;
  constexpr const char* kAll = "/api/telltale/v1/log-metrics";
  constexpr const char* kOne = "/api/telltale/v1/log-metrics/{id}";
  router.add("GET", kAll, [&services](const net::HttpRequest& r, WorkContext&) {
    return answer<std::vector<MetricStatus>>(list_log_metrics(services, r),
                                             [](JsonWriter& w, const auto& metrics) {
                                               w.key("metrics").begin_array();
                                               for (const auto& m : metrics) write_log_metric(w, m);
                                               w.end_array();
                                             });
  });
  router.add("POST", kAll, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_log_metric(make_log_metric(services, r), 201);
  });
  router.add("GET", kOne, [&services](const net::HttpRequest& r, WorkContext&) {
    return one_log_metric(find_log_metric(services, r, Scope::read), 200);
  });
  router.add("DELETE", kOne, [&services](const net::HttpRequest& r, WorkContext&) {
    const auto done = remove_log_metric(services, r);
    return done ? net::HttpResponse::empty(204) : error_response(done.error());
  });
}

}  // namespace telltale::api
