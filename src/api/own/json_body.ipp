// Bodies with lists and objects in them: members by name, each read once, what is left over is unknown.
// Errors name the member.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::api {

/// A JSON object within a document. For .cpp files of this folder only, since it brings in simdjson.
class JsonMembers {
 public:
  JsonMembers(simdjson::dom::object object, std::string where) : object_(object), where_(std::move(where)) {}

  /// Absent and null: nullopt.
  Result<std::optional<std::string>> text(std::string_view name, std::size_t max_bytes);
  Result<std::optional<bool>> boolean(std::string_view name);
  /// RFC 3339, or Unix seconds as text or number.
  Result<std::optional<UnixNanos>> time(std::string_view name);
  Result<std::optional<std::vector<std::string>>> texts(std::string_view name, std::size_t most,
                                                        std::size_t max_bytes);
  Result<std::optional<std::vector<JsonMembers>>> objects(std::string_view name, std::size_t most);
  /// The member as JSON text.
  std::optional<std::string> raw(std::string_view name);
  bool has(std::string_view name) const;
  /// invalid_argument when there is a member that nobody asked for.
  Result<> finish() const;

 private:
  std::optional<simdjson::dom::element> take(std::string_view name);
  tl::unexpected<Error> wrong(std::string_view name, std::string_view what) const;

  simdjson::dom::object object_;
  std::string where_;  // `commits[3].`
  std::vector<std::string> asked_;
};

/// Owns what its members point into.
class JsonBody {
 public:
  /// invalid_argument when it is no JSON object.
  static Result<JsonBody> parse(std::string_view text);
  JsonMembers& members() { return *members_; }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  std::optional<JsonMembers> members_;
};

}  // namespace telltale::api
