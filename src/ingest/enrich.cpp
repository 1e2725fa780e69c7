#include "ingest/enrich.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::ingest {
namespace {

// The names by which the conventions (OpenTelemetry, ECS, Datadog, Python's loggers) call each id; the first
// that is present wins.
constexpr std::string_view kTraceNames[] = {"trace_id", "traceId",     "trace.id",
                                            "traceID",  "otelTraceID", "dd.trace_id"};
constexpr std::string_view kSpanNames[] = {"span_id", "spanId",     "span.id",
                                           "spanID",  "otelSpanID", "dd.span_id"};
constexpr std::string_view kRequestNames[] = {
    "request_id",      "requestId",       "request.id",
    "x-request-id",    "x_request_id",    "requestID",
    "http.request.id", "http.request_id", "http.request.header.x-request-id"};
constexpr std::string_view kUserNames[] = {"user_id", "userId", "user.id", "enduser.id", "usr.id", "user"};
constexpr std::string_view kServiceNames[] = {"service.name", "service_name", "service", "app",
                                              "application"};
constexpr std::string_view kEnvironmentNames[] = {
    "deployment.environment.name", "deployment.environment", "environment", "env",
    "service.environment",         "sentry.environment"};
constexpr std::string_view kReleaseNames[] = {"service.version", "release", "version", "sentry.release"};
constexpr std::string_view kHostNames[] = {"host.name", "hostname", "host", "service.instance.id"};
constexpr std::string_view kTransactionNames[] = {"transaction", "http.route", "transaction.name",
                                                  "sentry.transaction", "endpoint"};
constexpr std::string_view kLevelNames[] = {"level",         "log.level", "severity", "levelname",
                                            "severity_text", "loglevel",  "lvl",      "detected_level"};

template <std::size_t N>
std::string first_text(const EventRow& row, const std::string_view (&names)[N]) {
  for (const auto name : names) {
    if (const AttrValue* value = row.find(name)) {
      std::string text = to_string(*value);
      if (!text.empty()) return text;
    }
  }
  return {};
}

template <std::size_t N>
void fill_text(const EventRow& row, std::string& column, const std::string_view (&names)[N]) {
  if (column.empty()) column = first_text(row, names);
}

void add_json(EventRow& row, const std::string& name, simdjson::dom::element value, int depth);

void add_object(EventRow& row, const std::string& prefix, simdjson::dom::object object, int depth) {
  for (const auto field : object) {
    if (row.attributes.size() >= limits::kMaxAttributes) return;
    const std::string key(field.key);
    add_json(row, prefix.empty() ? key : prefix + "." + key, field.value, depth);
  }
}

// What came with the row is not replaced by what its text says.
void set_parsed(EventRow& row, const std::string& name, AttrValue value) {
  if (row.find(name) == nullptr) row.set(name, std::move(value), AttrKind::parsed);
}

void add_json(EventRow& row, const std::string& name, simdjson::dom::element value, int depth) {
  constexpr int kMaxDepth = 8;
  using Type = simdjson::dom::element_type;
  switch (value.type()) {
    case Type::OBJECT:
      if (depth < kMaxDepth) return add_object(row, name, simdjson::dom::object(value), depth + 1);
      return set_parsed(row, name, std::string(simdjson::minify(value)));
    case Type::ARRAY:
      return set_parsed(row, name, std::string(simdjson::minify(value)));
    case Type::STRING:
      return set_parsed(row, name, std::string(std::string_view(value)));
    case Type::INT64:
      return set_parsed(row, name, std::int64_t(value));
    case Type::UINT64:
      return set_parsed(row, name, fmt::format("{}", std::uint64_t(value)));
    case Type::DOUBLE:
      return set_parsed(row, name, double(value));
    case Type::BOOL:
      return set_parsed(row, name, bool(value));
    case Type::NULL_VALUE:
      return;
  }
}

void cut(std::string& text, std::size_t max_bytes) {
  if (text.size() > max_bytes) text = std::string(truncate_utf8(text, max_bytes));
}

template <class Visit>
void for_each_text_id(EventIds& ids, Visit visit) {
  for (std::string* id : {&ids.environment, &ids.release, &ids.service, &ids.host, &ids.request_id,
                          &ids.user_id, &ids.transaction}) {
    visit(*id);
  }
}

}  // namespace

void fill_ids(EventRow& row) {
  EventIds& ids = row.ids;
  if (!ids.trace_id.present()) {
    if (const auto id = Id128::parse(first_text(row, kTraceNames))) ids.trace_id = *id;
  }
  if (!ids.span_id.present()) {
    if (const auto id = Id64::parse(first_text(row, kSpanNames))) ids.span_id = *id;
  }
  fill_text(row, ids.request_id, kRequestNames);
  fill_text(row, ids.user_id, kUserNames);
  fill_text(row, ids.service, kServiceNames);
  fill_text(row, ids.environment, kEnvironmentNames);
  fill_text(row, ids.release, kReleaseNames);
  fill_text(row, ids.host, kHostNames);
  fill_text(row, ids.transaction, kTransactionNames);
  if (ids.level == Level::unknown) ids.level = level_from(first_text(row, kLevelNames));
}

void parse_json_line(EventRow& row) {
  const std::size_t start = row.message.find_first_not_of(" \t");
  if (start == std::string::npos || row.message[start] != '{') return;
  // A parser keeps its buffers from line to line; one a thread.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(row.message.data(), row.message.size()).get(object) != simdjson::SUCCESS) return;
  add_object(row, "", object, 0);
}

std::size_t bound_row(EventRow& row) {
  cut(row.message, limits::kMaxLogLineBytes);
  std::size_t dropped = 0;
  if (row.attributes.size() > limits::kMaxAttributes) {
    dropped = row.attributes.size() - limits::kMaxAttributes;
    row.attributes.resize(limits::kMaxAttributes);
  }
  for (Attr& a : row.attributes) {
    cut(a.name, limits::kMaxAttributeNameBytes);
    if (auto* text = std::get_if<std::string>(&a.value)) cut(*text, limits::kMaxAttributeValueBytes);
  }
  for_each_text_id(row.ids, [](std::string& id) { cut(id, limits::kMaxAttributeNameBytes); });
  return dropped;
}

void redact_row(EventRow& row, const redact::Redactor& redactor, redact::Counts& counts,
                std::size_t first_parsed) {
  using redact::FieldForm;
  thread_local std::vector<redact::Field> fields;  // keeps its memory from row to row
  fields.clear();
  fields.push_back({{}, &row.message, FieldForm::text});
  for (std::size_t i = 0; i < row.attributes.size(); ++i) {
    Attr& a = row.attributes[i];
    if (auto name = redactor.redact_name(a.name, &counts)) a.name = *std::move(name);
    if (auto* text = std::get_if<std::string>(&a.value)) {
      fields.push_back({a.name, text, i >= first_parsed ? FieldForm::derived : FieldForm::text});
    } else if (const auto* number = std::get_if<std::int64_t>(&a.value)) {
      if (auto hidden = redactor.redact_number(a.name, *number, &counts)) a.value = *std::move(hidden);
    } else if (std::holds_alternative<double>(a.value) && redactor.hides_any_value(a.name)) {
      a.value = redactor.replacement(redact::kKeyRule, to_string(a.value));
      counts.add(redact::kKeyRule);
    }
  }
  for_each_text_id(row.ids, [&](std::string& id) { fields.push_back({{}, &id, FieldForm::id}); });
  redactor.redact_fields(fields, &counts);
}

}  // namespace telltale::ingest
