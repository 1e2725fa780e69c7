#include "api/own/json_body.ipp"

#include <algorithm>

#include <fmt/format.h>

#include "api/services.hpp"

namespace telltale::api {

std::optional<simdjson::dom::element> JsonMembers::take(std::string_view name) {
  asked_.emplace_back(name);
  simdjson::dom::element value;
  if (object_.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

tl::unexpected<Error> JsonMembers::wrong(std::string_view name, std::string_view what) const {
  return fail(ErrorKind::invalid_argument, fmt::format("{}{}: {}", where_, name, what));
}

bool JsonMembers::has(std::string_view name) const {
  simdjson::dom::element value;
  return object_.at_key(name).get(value) == simdjson::SUCCESS;
}

Result<std::optional<std::string>> JsonMembers::text(std::string_view name, std::size_t max_bytes) {
  const auto value = take(name);
  if (!value) return std::optional<std::string>();
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS) return wrong(name, "not a text");
  if (text.size() > max_bytes) return wrong(name, fmt::format("over {} bytes", max_bytes));
  return std::optional(std::string(text));
}

Result<std::optional<bool>> JsonMembers::boolean(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::optional<bool>();
  bool out = false;
  if (value->get(out) != simdjson::SUCCESS) return wrong(name, "not true or false");
  return std::optional(out);
}

Result<std::optional<UnixNanos>> JsonMembers::time(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::optional<UnixNanos>();
  std::string_view text;
  const std::string number = value->get(text) == simdjson::SUCCESS ? "" : simdjson::minify(*value);
  TT_ASSIGN(const UnixNanos time,
            parse_time_param(where_ + std::string(name), number.empty() ? text : number));
  return std::optional(time);
}

Result<std::optional<std::vector<std::string>>> JsonMembers::texts(std::string_view name, std::size_t most,
                                                                   std::size_t max_bytes) {
  const auto value = take(name);
  if (!value) return std::optional<std::vector<std::string>>();
  simdjson::dom::array array;
  if (value->get(array) != simdjson::SUCCESS) return wrong(name, "not a list");
  if (array.size() > most) return wrong(name, fmt::format("more than {}", most));
  std::vector<std::string> out;
  for (const auto item : array) {
    std::string_view text;
    if (item.get(text) != simdjson::SUCCESS) return wrong(name, "not a list of texts");
    if (text.size() > max_bytes) return wrong(name, fmt::format("over {} bytes", max_bytes));
    out.emplace_back(text);
  }
  return std::optional(std::move(out));
}

Result<std::optional<std::vector<JsonMembers>>> JsonMembers::objects(std::string_view name,
                                                                     std::size_t most) {
  const auto value = take(name);
  if (!value) return std::optional<std::vector<JsonMembers>>();
  simdjson::dom::array array;
  if (value->get(array) != simdjson::SUCCESS) return wrong(name, "not a list");
  if (array.size() > most) return wrong(name, fmt::format("more than {}", most));
  std::vector<JsonMembers> out;
  for (const auto item : array) {
    simdjson::dom::object object;
    if (item.get(object) != simdjson::SUCCESS) return wrong(name, "not a list of objects");
    out.emplace_back(object, fmt::format("{}{}[{}].", where_, name, out.size()));
  }
  return std::optional(std::move(out));
}

std::optional<std::string> JsonMembers::raw(std::string_view name) {
  const auto value = take(name);
  return value ? std::optional<std::string>(simdjson::minify(*value)) : std::nullopt;
}

Result<> JsonMembers::finish() const {
  for (const auto field : object_) {
    if (std::find(asked_.begin(), asked_.end(), field.key) == asked_.end())
      return fail(ErrorKind::invalid_argument, fmt::format("{}{}: unknown field", where_, field.key));
  }
  return {};
}

Result<JsonBody> JsonBody::parse(std::string_view text) {
  JsonBody out;
  out.parser_ = std::make_unique<simdjson::dom::parser>();
  simdjson::dom::object object;
  if (out.parser_->parse(text.data(), text.size()).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "body: not a JSON object");
  out.members_.emplace(object, "");
  return out;
}

}  // namespace telltale::api
