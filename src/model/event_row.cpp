#include "model/event_row.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace telltale {

namespace {

struct LevelSpelling {
  std::string_view text;  // lower case
  Level level;
};

// Python, Go, Java, .NET, syslog, glog, journald, OpenTelemetry's short names and their numbered variants.
constexpr LevelSpelling kLevelSpellings[] = {
    {"trace", Level::trace},      {"trc", Level::trace},
    {"verbose", Level::trace},    {"finest", Level::trace},
    {"finer", Level::trace},      {"t", Level::trace},
    {"trace2", Level::trace},     {"trace3", Level::trace},
    {"trace4", Level::trace},     {"debug", Level::debug},
    {"dbg", Level::debug},        {"fine", Level::debug},
    {"config", Level::debug},     {"d", Level::debug},
    {"debug2", Level::debug},     {"debug3", Level::debug},
    {"debug4", Level::debug},     {"info", Level::info},
    {"information", Level::info}, {"informational", Level::info},
    {"inf", Level::info},         {"notice", Level::info},
    {"i", Level::info},           {"n", Level::info},
    {"log", Level::info},         {"info2", Level::info},
    {"info3", Level::info},       {"info4", Level::info},
    {"warning", Level::warning},  {"warn", Level::warning},
    {"wrn", Level::warning},      {"w", Level::warning},
    {"warn2", Level::warning},    {"warn3", Level::warning},
    {"warn4", Level::warning},    {"error", Level::error},
    {"err", Level::error},        {"eror", Level::error},
    {"e", Level::error},          {"severe", Level::error},
    {"exception", Level::error},  {"error2", Level::error},
    {"error3", Level::error},     {"error4", Level::error},
    {"fatal", Level::fatal},      {"ftl", Level::fatal},
    {"critical", Level::fatal},   {"crit", Level::fatal},
    {"c", Level::fatal},          {"f", Level::fatal},
    {"panic", Level::fatal},      {"dpanic", Level::fatal},
    {"alert", Level::fatal},      {"emerg", Level::fatal},
    {"emergency", Level::fatal},  {"a", Level::fatal},
    {"fatal2", Level::fatal},     {"fatal3", Level::fatal},
    {"fatal4", Level::fatal},
};

std::optional<std::string> text_if_any(const std::string& s) {
  if (s.empty()) return std::nullopt;
  return s;
}

}  // namespace

std::string_view to_string(Table table) {
  switch (table) {
    case Table::logs:
      return "logs";
    case Table::spans:
      return "spans";
    case Table::errors:
      return "errors";
  }
  return "unknown";
}

std::optional<Table> table_from(std::string_view name) {
  for (const Table table : kTables)
    if (to_string(table) == name) return table;
  return std::nullopt;
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::unknown:
      return "unknown";
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
    case Level::fatal:
      return "fatal";
  }
  return "unknown";
}

Level level_from(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  if (text.empty() || text.size() > 16) return Level::unknown;
  for (const LevelSpelling& s : kLevelSpellings)
    if (equal_ignore_case(text, s.text)) return s.level;
  return Level::unknown;
}

std::string to_string(const AttrValue& value) {
  switch (value.index()) {
    case 0:
      return std::get<std::string>(value);
    case 1:
      return std::to_string(std::get<std::int64_t>(value));
    case 2:
      return fmt::format("{}", std::get<double>(value));
    default:
      return std::get<bool>(value) ? "true" : "false";
  }
}

std::size_t memory_bytes(const EventRow& row) {
  const auto heap = [](const std::string& s) { return s.capacity() > 15 ? s.capacity() + 17 : 0; };
  const EventIds& ids = row.ids;
  std::size_t bytes = sizeof row + heap(row.message) + heap(row.payload) + heap(ids.environment) +
                      heap(ids.release) + heap(ids.service) + heap(ids.host) + heap(ids.request_id) +
                      heap(ids.user_id) + heap(ids.transaction) + row.attributes.capacity() * sizeof(Attr);
  for (const Attr& a : row.attributes) {
    bytes += heap(a.name);
    if (const auto* s = std::get_if<std::string>(&a.value)) bytes += heap(*s);
  }
  return bytes;
}

const AttrValue* EventRow::find(std::string_view name) const {
  for (const Attr& a : attributes)
    if (a.name == name) return &a.value;
  return nullptr;
}

void EventRow::set(std::string name, AttrValue value, AttrKind kind) {
  for (Attr& a : attributes) {
    if (a.name != name) continue;
    a.value = std::move(value);
    a.kind = kind;
    return;
  }
  attributes.push_back({std::move(name), std::move(value), kind});
}

std::optional<std::string> field_text(const EventRow& row, std::string_view field) {
  const EventIds& ids = row.ids;
  if (field == "message") return text_if_any(row.message);
  if (field == "payload") return text_if_any(row.payload);
  if (field == "project") return std::to_string(row.project.value);
  if (field == "level") {
    if (ids.level == Level::unknown) return std::nullopt;
    return std::string(to_string(ids.level));
  }
  if (field == "environment") return text_if_any(ids.environment);
  if (field == "release") return text_if_any(ids.release);
  if (field == "service") return text_if_any(ids.service);
  if (field == "host") return text_if_any(ids.host);
  if (field == "request_id") return text_if_any(ids.request_id);
  if (field == "user_id") return text_if_any(ids.user_id);
  if (field == "transaction") return text_if_any(ids.transaction);
  if (field == "trace_id") return ids.trace_id.present() ? std::optional(ids.trace_id.hex()) : std::nullopt;
  if (field == "span_id") return ids.span_id.present() ? std::optional(ids.span_id.hex()) : std::nullopt;
  if (const AttrValue* value = row.find(field)) return to_string(*value);
  return std::nullopt;
}

namespace {

bool stays_in_spelling(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
}
bool leads_with_digit(std::string_view name) {
  return !name.empty() && name.front() >= '0' && name.front() <= '9';
}

}  // namespace

bool has_spelling(std::string_view name, std::string_view spelling) {
  if (leads_with_digit(name)) {
    if (!spelling.starts_with('_')) return false;
    spelling.remove_prefix(1);
  }
  return std::equal(name.begin(), name.end(), spelling.begin(), spelling.end(),
                    [](char n, char s) { return (stays_in_spelling(n) ? n : '_') == s; });
}

std::string sanitised_name(std::string_view name) {
  std::string out = leads_with_digit(name) ? "_" : "";
  for (const char c : name) out += stays_in_spelling(c) ? c : '_';
  return out;
}

std::string_view fixed_field_spelled(std::string_view spelling) {
  if (spelling == "service_name") return "service";
  if (spelling == "detected_level") return "level";
  static constexpr std::string_view kIdFields[] = {"level",    "environment", "release", "service",
                                                   "host",     "request_id",  "user_id", "transaction",
                                                   "trace_id", "span_id"};
  const auto* known = std::find(std::begin(kIdFields), std::end(kIdFields), spelling);
  return known == std::end(kIdFields) ? std::string_view() : *known;
}

std::optional<std::string> spelled_text(const EventRow& row, std::string_view spelling) {
  for (const AttrKind kind : {AttrKind::label, AttrKind::metadata, AttrKind::parsed}) {
    for (const Attr& a : row.attributes) {
      if (a.kind != kind || !has_spelling(a.name, spelling)) continue;
      std::string text = to_string(a.value);
      if (!text.empty()) return text;
    }
  }
  const std::string_view fixed = fixed_field_spelled(spelling);
  if (fixed.empty()) return std::nullopt;
  // Not field_text(): an attribute may have the column's name.
  EventRow ids;
  ids.ids = row.ids;
  return field_text(ids, fixed);
}

}  // namespace telltale
