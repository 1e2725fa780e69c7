// A project's policy as JSON: what the API takes and gives, and what the records keep.
#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "redact/projects.hpp"

namespace telltale::redact {
namespace {

using simdjson::dom::element;

tl::unexpected<Error> wrong(std::string_view member, std::string_view wanted) {
  return fail(ErrorKind::invalid_argument, fmt::format("{}: wants {}", member, wanted));
}

Result<std::vector<std::string>> texts(std::string_view member, element value) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS || list.size() > limits::kMaxRedactionEntries)
    return wrong(member, "a list of at most 1000 texts");
  std::vector<std::string> out;
  for (const element one : list) {
    std::string_view text;
    if (one.get(text) != simdjson::SUCCESS) return wrong(member, "a list of texts");
    out.emplace_back(text);
  }
  return out;
}

Result<std::vector<CustomPattern>> patterns_of(element value) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS || list.size() > limits::kMaxRedactionPatterns)
    return wrong("patterns", "a list of at most 100 objects");
  std::vector<CustomPattern> out;
  for (const element one : list) {
    std::string_view name;
    std::string_view regex;
    simdjson::dom::object object;
    if (one.get(object) != simdjson::SUCCESS || object.size() != 2 ||
        object["name"].get(name) != simdjson::SUCCESS || object["regex"].get(regex) != simdjson::SUCCESS)
      return wrong("patterns", "objects of a name and a regex");
    out.push_back({std::string(name), std::string(regex)});
  }
  return out;
}

Result<std::map<std::string, Method>> methods_of(element value) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return wrong("methods", "an object");
  std::map<std::string, Method> out;
  for (const auto field : object) {
    std::string_view name;
    const auto method = field.value.get(name) == simdjson::SUCCESS ? method_from(name) : std::nullopt;
    if (!method) return wrong(fmt::format("methods.{}", field.key), "replace, mask, remove or hash");
    out[std::string(field.key)] = *method;
  }
  return out;
}

void write_texts(JsonWriter& w, std::string_view name, const std::vector<std::string>& list) {
  w.key(name).begin_array();
  for (const auto& text : list) w.string(text);
  w.end_array();
}

}  // namespace

Result<Options> parse_policy(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "redaction: wants a JSON object");
  Options out;
  for (const auto field : object) {
    const std::string_view key = field.key;
    std::vector<std::string>* list = key == "enable"           ? &out.enable
                                     : key == "disable"        ? &out.disable
                                     : key == "sensitive_keys" ? &out.sensitive_keys
                                     : key == "safe_keys"      ? &out.safe_keys
                                     : key == "safe_values"    ? &out.safe_values
                                                               : nullptr;
    if (list != nullptr) {
      TT_ASSIGN(*list, texts(key, field.value));
    } else if (key == "patterns") {
      TT_ASSIGN(out.patterns, patterns_of(field.value));
    } else if (key == "methods") {
      TT_ASSIGN(out.methods, methods_of(field.value));
    } else {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: no such member", key));
    }
  }
  return out;
}

std::string policy_json(const Options& policy) {
  JsonWriter w;
  w.begin_object();
  write_texts(w, "enable", policy.enable);
  write_texts(w, "disable", policy.disable);
  write_texts(w, "sensitive_keys", policy.sensitive_keys);
  write_texts(w, "safe_keys", policy.safe_keys);
  write_texts(w, "safe_values", policy.safe_values);
  w.key("patterns").begin_array();
  for (const auto& p : policy.patterns)
    w.begin_object().field("name", p.name).field("regex", p.regex).end_object();
  w.end_array().key("methods").begin_object();
  for (const auto& [name, method] : policy.methods) w.field(name, to_string(method));
  w.end_object().end_object();
  return w.take();
}

}  // namespace telltale::redact
