// Traces: the list of the newest, and one.
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "api/own/search_params.hpp"
#include "base/limits.hpp"
#include "errors/issue_views.hpp"
#include "traces/span_conditions.hpp"
#include "traces/trace_list.hpp"

namespace telltale::api {
namespace {

struct TraceSpans {
  Id128 id;
  Rows spans;
};

Result<TraceSpans> one_trace(const Services& services, const net::HttpRequest& request,
                             WorkContext& context) {
  storage::EventQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  const auto id = Id128::parse(request.path_params.find("trace_id")->second);
  if (!id) return fail(ErrorKind::invalid_argument, "trace_id: 32 hexadecimal digits");
  query.table = Table::spans;
  query.filter = storage::EventFilter::leaf(storage::FilterOp::eq, "trace_id", id->hex());
  query.order = storage::Order::oldest_first;
  query.limit = limits::kMaxSpansPerTrace;
  query.with_payload = true;  // their events and links
  TT_ASSIGN(auto spans, storage::collect(services.events, query, context));
  if (spans.empty()) return fail(ErrorKind::not_found, "trace_id: no span of this trace");
  return TraceSpans{*id, std::move(spans)};
}

Result<std::optional<Nanos>> duration_param(const net::HttpRequest& request, std::string_view name) {
  const auto text = request.param(name);
  if (!text || text->empty()) return std::optional<Nanos>();
  double ms = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), ms);
  if (problem != std::errc() || end != text->data() + text->size() || !(ms >= 0 && ms <= 1e12)) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: a number of milliseconds", name));
  }
  return std::optional<Nanos>(Nanos(static_cast<std::int64_t>(ms * 1e6)));
}

struct ListedTraces {
  traces::TraceList list;
  std::map<Id128, std::set<std::int64_t>> issues;
};

/// Issues of the errors that carry the ids of these traces.
Result<std::map<Id128, std::set<std::int64_t>>> trace_issues(const Services& services,
                                                             const traces::TraceQuery& query,
                                                             const traces::TraceList& list,
                                                             WorkContext& context) {
  std::map<Id128, std::set<std::int64_t>> out;
  if (list.traces.empty()) return out;
  const Nanos slack = std::chrono::seconds(limits::kTraceSlackSeconds);
  storage::EventQuery errors;
  errors.table = Table::errors;
  errors.projects = query.projects;
  errors.range = {query.range.from - slack, query.range.to + slack};
  std::vector<std::string> ids;
  for (const auto& trace : list.traces) ids.push_back(trace.id.hex());
  errors.filter = storage::EventFilter::one_of("trace_id", std::move(ids));
  errors.fields = {"trace_id", std::string(attr::kGroupHashes)};
  errors.limit = limits::kMaxTraceErrors;
  TT_ASSIGN(const auto rows, storage::collect(services.events, errors, context));
  errors::IssueResolver resolver(services.records);
  for (const auto& row : rows) {
    TT_ASSIGN(const auto issue, resolver.issue_of(row));
    if (issue) out[row.ids.trace_id].insert(issue->value);
  }
  return out;
}

Result<ListedTraces> trace_list(const Services& services, const net::HttpRequest& request,
                                WorkContext& context) {
  traces::TraceQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.range, window_params(services, request));
  TT_ASSIGN(query.limit, number_param(request, "limit", 100, 1, limits::kMaxTraces));
  TT_ASSIGN(query.min_duration, duration_param(request, "min_duration_ms"));
  TT_ASSIGN(query.max_duration, duration_param(request, "max_duration_ms"));
  const auto errors_only = request.param("errors_only").value_or("false");
  if (errors_only != "true" && errors_only != "false")
    return fail(ErrorKind::invalid_argument, "errors_only: true or false");
  query.errors_only = errors_only == "true";
  if (const auto before = request.param("before"); before && !before->empty()) {
    query.after = traces::TraceCursor::parse(*before);
    if (!query.after) return fail(ErrorKind::invalid_argument, "before: what `next` of the page before says");
  }
  TT_ASSIGN(auto fields,
            filter_params(request, {"query", "min_duration_ms", "max_duration_ms", "errors_only", "before"}));
  TT_ASSIGN(const auto conditions, conditions_param(services, request, search::Subject::traces));
  query.filter = traces::span_filter(conditions);
  if (!fields.children.empty())
    query.filter = storage::EventFilter::all_of({std::move(fields), std::move(query.filter)});
  ListedTraces out;
  TT_ASSIGN(out.list, traces::list_traces(services.events, query, context));
  TT_ASSIGN(out.issues, trace_issues(services, query, out.list, context));
  return out;
}

void write_trace_list(JsonWriter& w, const ListedTraces& found) {
  w.key("traces").begin_array();
  for (const auto& trace : found.list.traces) {
    w.begin_object().field("trace_id", trace.id.hex()).field("start", format_rfc3339(trace.start));
    w.field("duration_ms", seconds(trace.duration) * 1e3);
    w.field("root_name", trace.root_name).field("root_service", trace.root_service);
    w.field("span_count", trace.span_count).field("error_count", trace.error_count);
    w.key("services").begin_array();
    for (const auto& service : trace.services) w.string(service);
    w.end_array().key("issue_ids").begin_array();
    if (const auto issues = found.issues.find(trace.id); issues != found.issues.end())
      for (const std::int64_t id : issues->second) w.integer(id);
    w.end_array().end_object();
  }
  w.end_array().field("complete", found.list.complete);
  if (found.list.next) w.field("next", found.list.next->text());
}

}  // namespace

void add_trace_routes(net::Router& router, const Services& services) {
  router.add(
      "GET", "/api/telltale/v1/traces",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<ListedTraces>(trace_list(services, r, c), write_trace_list);
      },
      query_route(services));
  router.add(
      "GET", "/api/telltale/v1/traces/{trace_id}",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<TraceSpans>(one_trace(services, r, c), [](JsonWriter& w, const TraceSpans& trace) {
          w.field("trace_id", trace.id.hex());
          write_rows(w, "spans", trace.spans);
        });
      },
      query_route(services));
}

}  // namespace telltale::api
