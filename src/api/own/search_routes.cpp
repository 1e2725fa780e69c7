// Search in logs, spans and errors, their volumes and facets, and everything one request left behind.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "api/own/answer.hpp"
#include "api/own/data_routes.hpp"
#include "api/own/params.hpp"
#include "api/own/row_search.hpp"
#include "base/limits.hpp"
#include "errors/issue_views.hpp"
#include "search/condition.hpp"
#include "search/facets.hpp"
#include "search/histogram.hpp"
#include "traces/span_conditions.hpp"

namespace telltale::api {
namespace {

constexpr std::size_t kMaxRelatedRows = 1'000;  // a table

Result<FoundRows> search_rows(const Services& services, const net::HttpRequest& request, WorkContext& context,
                              Table table) {
  storage::EventQuery query;
  query.table = table;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.range, range_params(request));
  TT_ASSIGN(query.limit, limit_param(request));
  TT_ASSIGN(const auto patience, number_param(request, "patience_ms", 0, 0, limits::kMaxPatienceMs));
  query.patience = std::chrono::milliseconds(patience);
  TT_ASSIGN(auto search, RowSearch::of(request, {"patience_ms"}));
  query.filter = search.filter();
  TT_ASSIGN(query.order, order_param(request));
  query.with_payload = request.param("payload").value_or("") == "true";
  TT_ASSIGN(auto found, collect_rows(services.events, query, search, context));
  // As the `end` that the search goes on with, which is exclusive.
  if (found.reached && query.order == storage::Order::newest_first) found.reached->ns += 1;
  return found;
}

Result<Rows> rows_where(const Services& services, const storage::Projects& projects, Table table,
                        std::string_view field, const std::string& value, WorkContext& context) {
  storage::EventQuery query;
  query.table = table;
  query.projects = projects;
  query.filter = storage::EventFilter::leaf(storage::FilterOp::eq, std::string(field), value);
  query.order = storage::Order::oldest_first;
  query.limit = kMaxRelatedRows;
  return storage::collect(services.events, query, context);
}

struct Related {
  Rows rows[3];  // logs, spans, errors
  std::vector<storage::Issue> issues;
};

void add_distinct(Rows& into, Rows more) {
  for (auto& row : more) {
    if (std::find(into.begin(), into.end(), row) == into.end()) into.push_back(std::move(row));
  }
}

// By request_id first, then by every trace the request took part in, so that rows that know only one of the
// two ids are found, too.
Result<Related> related(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const auto projects, query_projects(services, request));
  const std::string trace(request.param("trace_id").value_or(""));
  const std::string request_id(request.param("request_id").value_or(""));
  if (trace.empty() && request_id.empty()) {
    return fail(ErrorKind::invalid_argument, "trace_id or request_id: one of them is needed");
  }
  std::set<std::string> traces;
  if (!trace.empty()) {
    const auto id = Id128::parse(trace);
    if (!id) return fail(ErrorKind::invalid_argument, "trace_id: 32 hexadecimal digits");
    traces.insert(id->hex());
  }
  Related out;
  for (std::size_t i = 0; i < 3; ++i) {
    if (request_id.empty()) continue;
    TT_ASSIGN(out.rows[i], rows_where(services, projects, kTables[i], "request_id", request_id, context));
    for (const auto& row : out.rows[i]) {
      if (row.ids.trace_id.present()) traces.insert(row.ids.trace_id.hex());
    }
  }
  for (const auto& id : traces) {
    for (std::size_t i = 0; i < 3; ++i) {
      TT_ASSIGN(auto more, rows_where(services, projects, kTables[i], "trace_id", id, context));
      add_distinct(out.rows[i], std::move(more));
    }
  }
  TT_ASSIGN(out.issues, errors::issues_of_rows(services.records, out.rows[2]));
  return out;
}

/// filter_params(), and of spans what `search` says in the search language of traces.
Result<storage::EventFilter> searched(const Services& services, const net::HttpRequest& request, Table table,
                                      std::initializer_list<std::string_view> own) {
  TT_ASSIGN(auto filter, filter_params(request, own));
  const auto text = request.param("search").value_or("");
  if (text.empty()) return filter;
  if (table != Table::spans) return fail(ErrorKind::invalid_argument, "search: of spans only");
  auto conditions = search::understand(text, {search::Subject::traces, services.clock.now(), {}});
  if (!conditions) return tl::unexpected<Error>(std::move(conditions).error().within("search"));
  return storage::EventFilter::all_of({std::move(filter), traces::span_filter(*conditions)});
}

Result<search::Histogram> rows_histogram(const Services& services, const net::HttpRequest& request,
                                         WorkContext& context, Table table) {
  TT_TRY(require_no_logql(request));
  search::HistogramQuery query;
  query.table = table;
  TT_ASSIGN(query.projects, query_projects(services, request));
  TT_ASSIGN(query.range, window_params(services, request));
  TT_ASSIGN(query.buckets, number_param(request, "buckets", 60, 1, limits::kMaxHistogramBuckets));
  TT_ASSIGN(query.filter, searched(services, request, table, {"buckets", "by", "search"}));
  query.by = std::string(request.param("by").value_or("level"));
  return search::histogram(services.events, query, context);
}

void write_histogram(JsonWriter& w, const search::Histogram& found) {
  w.field("step_s", seconds(found.step)).key("buckets").begin_array();
  for (const UnixNanos start : found.buckets) w.number(unix_seconds(start));
  w.end_array().key("series").begin_array();
  for (const auto& series : found.series) {
    w.begin_object().field("value", series.value);
    if (series.others) w.field("others", true);
    w.key("counts").begin_array();
    for (const std::uint64_t n : series.counts) w.unsigned_integer(n);
    w.end_array().end_object();
  }
  w.end_array().field("total", found.total);
}

Result<std::vector<std::string>> field_list(const net::HttpRequest& request) {
  std::vector<std::string> fields;
  const std::string text(request.param("fields").value_or(""));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) fields.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (fields.size() > limits::kMaxFacetFields) {
    return fail(ErrorKind::invalid_argument, fmt::format("fields: at most {}", limits::kMaxFacetFields));
  }
  return fields;
}

Result<search::Facets> rows_facets(const Services& services, const net::HttpRequest& request,
                                   WorkContext& context, Table table) {
  TT_TRY(require_no_logql(request));
  storage::EventQuery rows;
  rows.table = table;
  TT_ASSIGN(rows.projects, query_projects(services, request));
  TT_ASSIGN(rows.range, window_params(services, request));
  TT_ASSIGN(const auto limit, number_param(request, "limit", 10, 1, limits::kMaxFacetAnswers));
  TT_ASSIGN(auto fields, field_list(request));
  TT_ASSIGN(rows.filter, searched(services, request, table, {"fields", "search"}));
  return search::facets(services.events, std::move(rows), std::move(fields), limit, context);
}

void write_facets(JsonWriter& w, const search::Facets& found) {
  w.key("facets").begin_array();
  for (const auto& facet : found.facets) {
    w.begin_object().field("field", facet.field).field("rows", facet.rows).field("distinct", facet.distinct);
    w.key("values").begin_array();
    for (const auto& value : facet.values)
      w.begin_object().field("value", value.value).field("count", value.count).end_object();
    w.end_array().end_object();
  }
  w.end_array().field("sampled_rows", found.sampled_rows).field("exact", found.exact);
}

using FieldNames = std::vector<std::pair<std::string, std::uint64_t>>;

Result<FieldNames> field_names(const Services& services, const net::HttpRequest& request,
                               WorkContext& context) {
  storage::EventQuery query;
  TT_ASSIGN(query.projects, query_projects(services, request));
  const auto table = table_from(request.param("table").value_or("logs"));
  if (!table) return fail(ErrorKind::invalid_argument, "table: logs, spans or errors");
  query.table = *table;
  TT_ASSIGN(query.range, window_params(services, request));
  query.limit = limits::kMaxFieldNames;
  return services.events.fields(query, context);
}

void write_field_names(JsonWriter& w, const FieldNames& fields) {
  w.key("fields").begin_array();
  for (const auto& [name, rows] : fields)
    w.begin_object().field("name", name).field("rows", rows).end_object();
  w.end_array();
}

void add_table_routes(net::Router& router, const Services& services, Table table) {
  const std::string path = fmt::format("/api/telltale/v1/{}", to_string(table));
  const std::string name = fmt::format("own_{}", to_string(table));
  router.add(
      "GET", path,
      [&services, table](const net::HttpRequest& r, WorkContext& c) {
        return answer<FoundRows>(search_rows(services, r, c, table),
                                 [](JsonWriter& w, const FoundRows& found) {
                                   write_rows(w, "rows", found.rows);
                                   if (found.reached) w.field("reached", format_rfc3339(*found.reached));
                                 });
      },
      query_route(services, name));
  router.add(
      "GET", path + "/histogram",
      [&services, table](const net::HttpRequest& r, WorkContext& c) {
        return answer<search::Histogram>(rows_histogram(services, r, c, table), write_histogram);
      },
      query_route(services, name + "_histogram"));
  router.add(
      "GET", path + "/facets",
      [&services, table](const net::HttpRequest& r, WorkContext& c) {
        return answer<search::Facets>(rows_facets(services, r, c, table), write_facets);
      },
      query_route(services, name + "_facets"));
}

}  // namespace

void add_search_routes(net::Router& router, const Services& services) {
  for (const Table table : kTables) add_table_routes(router, services, table);
  router.add(
      "GET", "/api/telltale/v1/fields",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<FieldNames>(field_names(services, r, c), write_field_names);
      },
      query_route(services));
  router.add(
      "GET", "/api/telltale/v1/related",
      [&services](const net::HttpRequest& r, WorkContext& c) {
        return answer<Related>(related(services, r, c), [](JsonWriter& w, const Related& found) {
          for (std::size_t i = 0; i < 3; ++i) write_rows(w, to_string(kTables[i]), found.rows[i]);
          w.key("issues").begin_array();
          for (const auto& issue : found.issues) write_issue(w, issue);
          w.end_array();
        });
      },
      query_route(services));
}

}  // namespace telltale::api
