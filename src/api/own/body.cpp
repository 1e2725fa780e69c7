#include "api/own/body.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

namespace telltale::api {

Result<FlatBody> FlatBody::parse(std::string_view text, std::initializer_list<std::string_view> known) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS) {
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  }
  FlatBody body;
  for (const auto field : object) {
    if (std::find(known.begin(), known.end(), field.key) == known.end()) {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: unknown field", field.key));
    }
    std::string_view string;
    bool boolean = false;
    double number = 0;
    Value value;
    if (field.value.get(string) == simdjson::SUCCESS) {
      value = std::string(string);
    } else if (field.value.get(boolean) == simdjson::SUCCESS) {
      value = boolean;
    } else if (field.value.get(number) == simdjson::SUCCESS) {
      value = number;
    } else {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: a text, true or false, or a number", field.key));
    }
    body.members_.insert_or_assign(std::string(field.key), std::move(value));
  }
  return body;
}

template <class T>
Result<std::optional<T>> FlatBody::maybe(std::string_view name, const char* type) const {
  const auto found = members_.find(name);
  if (found == members_.end()) return std::optional<T>();
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) return fail(ErrorKind::invalid_argument, fmt::format("{}: not a {}", name, type));
  return std::optional<T>(*value);
}

Result<std::optional<std::string>> FlatBody::maybe_text(std::string_view name) const {
  return maybe<std::string>(name, "string");
}

Result<std::optional<bool>> FlatBody::maybe_boolean(std::string_view name) const {
  return maybe<bool>(name, "boolean");
}

Result<std::string> FlatBody::text(std::string_view name) const {
  TT_ASSIGN(auto value, maybe_text(name));
  if (!value) return fail(ErrorKind::invalid_argument, fmt::format("{}: missing", name));
  return *std::move(value);
}

Result<bool> FlatBody::boolean(std::string_view name) const {
  TT_ASSIGN(const auto value, maybe_boolean(name));
  if (!value) return fail(ErrorKind::invalid_argument, fmt::format("{}: missing", name));
  return *value;
}

}  // namespace telltale::api
