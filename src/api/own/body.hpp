// Small JSON objects that requests carry: flat, of few known members.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"

namespace telltale::api {

class FlatBody {
 public:
  /// invalid_argument when the text is not an object, or names a member that is not `known`, or one that is
  /// neither a text, a boolean nor a number.
  static Result<FlatBody> parse(std::string_view text, std::initializer_list<std::string_view> known);

  /// invalid_argument names the member when it is missing or of another type.
  Result<std::string> text(std::string_view name) const;
  Result<bool> boolean(std::string_view name) const;
  /// nullopt when it is missing.
  Result<std::optional<std::string>> maybe_text(std::string_view name) const;
  Result<std::optional<bool>> maybe_boolean(std::string_view name) const;

 private:
  using Value = std::variant<std::string, bool, double>;
  template <class T>
  Result<std::optional<T>> maybe(std::string_view name, const char* type) const;
  std::map<std::string, Value, std::less<>> members_;
};

}  // namespace telltale::api
