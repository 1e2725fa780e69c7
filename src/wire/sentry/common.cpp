// Lenient readers: each takes what it understands and leaves the rest at "absent".
#include "wire/sentry/common.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::wire::sentry {
namespace {

constexpr std::string_view kRequestIdNames[] = {"request_id", "request.id", "requestId", "x-request-id"};

std::string_view find_ignoring_case(const TextPairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs)
    if (equal_ignore_case(key, name)) return value;
  return {};
}

std::string find_request_id(const EventCommon& event, json::Value root) {
  for (const auto name : kRequestIdNames)
    if (const auto v = find_ignoring_case(event.tags, name); !v.empty()) return std::string(v);
  if (const auto v = find_ignoring_case(event.request.headers, "X-Request-ID"); !v.empty())
    return std::string(v);
  for (const auto name : kRequestIdNames)
    if (const auto v = find_ignoring_case(event.extra, name); !v.empty()) return std::string(v);
  const auto contexts = json::get_object(root, "contexts");
  if (!contexts) return {};
  for (const auto& [context, value] : *contexts)
    for (const auto name : kRequestIdNames)
      if (auto text = json::get_text(value, name); !text.empty()) return text;
  return {};
}

void read_request(json::Value root, HttpRequest& out) {
  const auto request = json::get(root, "request");
  if (!request) return;
  out.url = json::get_text(*request, "url");
  out.method = json::get_text(*request, "method");
  if (const auto query = json::get(*request, "query_string")) out.query_string = json::text_of(*query);
  out.headers = read_pairs(*request, "headers");
}

void read_contexts(json::Value root, EventCommon& out) {
  const auto contexts = json::get(root, "contexts");
  if (!contexts) return;
  if (const auto trace = json::get(*contexts, "trace")) {
    out.trace.trace_id = read_id128(*trace, "trace_id");
    out.trace.span_id = read_id64(*trace, "span_id");
    out.trace.parent_span_id = read_id64(*trace, "parent_span_id");
    out.trace.op = json::get_text(*trace, "op");
    out.trace.status = json::get_text(*trace, "status");
    out.trace.origin = json::get_text(*trace, "origin");
    out.trace.data = read_attrs(*trace, "data");
  }
  if (const auto response = json::get(*contexts, "response"))
    out.response_status = json::get_int(*response, "status_code");
}

std::size_t count_breadcrumbs(json::Value root) {
  if (const auto list = json::get_array(root, "breadcrumbs")) return list->size();
  if (const auto crumbs = json::get(root, "breadcrumbs"))
    if (const auto list = json::get_array(*crumbs, "values")) return list->size();
  return 0;
}

}  // namespace

std::string_view User::best() const {
  for (const std::string* s : {&id, &email, &username, &ip_address})
    if (!s->empty()) return *s;
  return {};
}

Id128 read_id128(json::Value object, std::string_view key) {
  const auto text = json::get_string(object, key);
  return text ? Id128::parse(*text).value_or(Id128{}) : Id128{};
}

Id64 read_id64(json::Value object, std::string_view key) {
  const auto text = json::get_string(object, key);
  return text ? Id64::parse(*text).value_or(Id64{}) : Id64{};
}

TextPairs read_pairs(json::Value object, std::string_view key) {
  TextPairs out;
  if (const auto map = json::get_object(object, key)) {
    for (const auto& [name, value] : *map)
      if (!value.is_null() && out.size() < limits::kMaxAttributes)
        out.emplace_back(std::string(name), json::text_of(value));
  } else if (const auto list = json::get_array(object, key)) {
    for (const json::Value pair : *list) {
      json::Array a;
      std::string_view name;
      if (pair.get(a) != simdjson::SUCCESS || a.size() < 2 || a.at(0).get(name) != simdjson::SUCCESS)
        continue;
      const json::Value value = a.at(1).value_unsafe();
      if (!value.is_null() && out.size() < limits::kMaxAttributes)
        out.emplace_back(std::string(name), json::text_of(value));
    }
  }
  return out;
}

std::vector<Attr> read_attrs(json::Value object, std::string_view key) {
  std::vector<Attr> out;
  const auto map = json::get_object(object, key);
  if (!map) return out;
  for (const auto& [name, value] : *map) {
    auto v = json::attr_of(value);
    if (v && out.size() < limits::kMaxAttributes) out.push_back({std::string(name), *std::move(v)});
  }
  return out;
}

std::vector<Attr> read_typed_attrs(json::Value object, std::string_view key) {
  std::vector<Attr> out;
  const auto map = json::get_object(object, key);
  if (!map) return out;
  for (const auto& [name, typed] : *map) {
    const auto inner = json::get(typed, "value");
    if (typed.is_object() && !inner) continue;
    const json::Value value = inner.value_or(typed);
    auto v = json::attr_of(value);
    if (!v || out.size() >= limits::kMaxAttributes) continue;
    // A whole number sent as type double stays a double, so that a column keeps one type.
    if (const auto* whole = std::get_if<std::int64_t>(&*v);
        whole && json::get_text(typed, "type") == "double")
      v = static_cast<double>(*whole);
    out.push_back({std::string(name), *std::move(v)});
  }
  return out;
}

void read_common(json::Value root, EventCommon& out) {
  out.event_id = read_id128(root, "event_id");
  out.timestamp = json::get_time(root, "timestamp");
  out.level = level_from(json::get_text(root, "level"));
  out.platform = json::get_text(root, "platform");
  out.logger = json::get_text(root, "logger");
  out.transaction = json::get_text(root, "transaction");
  if (const auto info = json::get(root, "transaction_info"))
    out.transaction_source = json::get_text(*info, "source");
  out.environment = json::get_text(root, "environment");
  out.release = json::get_text(root, "release");
  out.dist = json::get_text(root, "dist");
  out.server_name = json::get_text(root, "server_name");
  if (const auto user = json::get(root, "user")) {
    out.user = {json::get_text(*user, "id"), json::get_text(*user, "email"),
                json::get_text(*user, "username"), json::get_text(*user, "ip_address")};
  }
  read_request(root, out.request);
  read_contexts(root, out);
  out.tags = read_pairs(root, "tags");
  out.extra = read_pairs(root, "extra");
  out.request_id = find_request_id(out, root);
  if (const auto sdk = json::get(root, "sdk")) {
    out.sdk_name = json::get_text(*sdk, "name");
    out.sdk_version = json::get_text(*sdk, "version");
  }
  out.breadcrumb_count = count_breadcrumbs(root);
}

Result<json::Document> read_payload(std::string_view json, std::string_view what, std::size_t max_bytes) {
  if (json.size() > max_bytes)
    return fail(ErrorKind::too_large, std::string(what) + ": " + std::to_string(json.size()) +
                                          " bytes are over the limit of " + std::to_string(max_bytes));
  auto doc = json::Document::parse(json);
  if (!doc) return tl::unexpected(std::move(doc).error().within(what));
  if (!doc->root().is_object())
    return fail(ErrorKind::invalid_argument, std::string(what) + ": expected a JSON object");
  return doc;
}

}  // namespace telltale::wire::sentry
