// Detected fields: found by reading the newest lines of a query, as Loki does.
#include <fmt/format.h>

#include "api/loki/field_detector.hpp"
#include "api/loki/params.hpp"
#include "api/loki/routes.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"

namespace telltale::api::loki {
namespace {

constexpr std::size_t kDefaultFields = 1'000;
constexpr std::size_t kDefaultLines = 1'000;

/// Reads the newest lines that pass the query.
Result<FieldDetector> detect(const Services& services, const net::HttpRequest& request, WorkContext& context,
                             std::size_t keep_values) {
  storage::EventQuery rows;
  TT_ASSIGN(rows.projects, projects_param(services, request));
  const std::string text(request.param("query").value_or(""));
  TT_ASSIGN(const auto expr, logql::parse(text.empty() ? "{}" : text));
  if (!expr.is_log()) return fail(ErrorKind::invalid_argument, "query: fields are those of a log query");
  TT_ASSIGN(auto pipeline, logql::Pipeline::compile(expr.log));
  TT_ASSIGN(const auto window, window_param(services, request));
  rows.range = window.range();
  rows.filter = pipeline.necessary();
  TT_ASSIGN(const std::size_t lines,
            count_param(request, "line_limit", kDefaultLines, limits::kMaxDetectedLines));
  TT_ASSIGN(auto detector, FieldDetector::make(keep_values));
  TT_ASSIGN(const auto cursor, services.events.select(rows, context));
  std::vector<EventRow> batch;
  logql::LogEntry entry;
  std::size_t read = 0;
  while (read < lines) {
    TT_TRY(cursor->next(batch));
    if (batch.empty()) break;
    for (const EventRow& row : batch) {
      if (read == lines) break;
      if (!pipeline.process(row, entry)) continue;
      detector.add(entry, row);
      ++read;
    }
  }
  return detector;
}

void write_texts(JsonWriter& w, std::string_view name, const std::vector<std::string>& texts) {
  w.key(name).begin_array();
  for (const auto& text : texts) w.string(text);
  w.end_array();
}

Result<std::string> fields(const Services& services, const net::HttpRequest& request, WorkContext& context) {
  TT_ASSIGN(const std::size_t limit,
            count_param(request, "limit", kDefaultFields, limits::kMaxDetectedFields));
  TT_ASSIGN(const auto detector, detect(services, request, context, 0));
  JsonWriter w;
  w.begin_object().key("fields").begin_array();
  std::size_t written = 0;
  for (const auto& [name, field] : detector.fields()) {
    if (written++ == limit) break;
    w.begin_object().field("label", name).field("type", to_string(field.type));
    w.field("cardinality", field.values.estimate());
    if (field.parsers.empty()) {
      w.key("parsers").null();
    } else {
      write_texts(w, "parsers", field.parsers);
    }
    if (!field.json_path.empty()) write_texts(w, "jsonPath", field.json_path);
    w.end_object();
  }
  w.end_array().field("limit", std::uint64_t{limit}).end_object();
  return w.take();
}

Result<std::string> field_values(const Services& services, const net::HttpRequest& request,
                                 WorkContext& context) {
  TT_ASSIGN(const std::size_t limit,
            count_param(request, "limit", kDefaultFields, limits::kMaxDetectedFields));
  TT_ASSIGN(const auto detector, detect(services, request, context, limit));
  const std::string& name = request.path_params.find("name")->second;
  const auto found = detector.fields().find(name);
  JsonWriter w;
  w.begin_object();
  write_texts(w, "values",
              found == detector.fields().end() ? std::vector<std::string>{} : found->second.seen);
  w.field("limit", std::uint64_t{limit}).end_object();
  return w.take();
}

}  // namespace

void add_field_routes(net::Router& router, const Services& services) {
  add_json_route(router, services, "/loki/api/v1/detected_fields", "loki_detected_fields", fields);
  add_json_route(router, services, "/loki/api/v1/detected_field/{name}/values", "loki_detected_field_values",
                 field_values);
}

}  // namespace telltale::api::loki
