// Walks a JSON text and replaces values on the way. For this folder's .cpp files.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "redact/keys.hpp"

namespace telltale::redact {

struct JsonActions {
  /// What a key that is itself a secret is called, nullopt of any other.
  std::function<std::optional<std::string_view>(std::string_view key)> rename;
  std::function<KeyKind(std::string_view key)> kind;
  std::function<bool(std::string_view key, std::string_view text)> keep;  // an id: left as it is
  std::function<bool(std::string& text)> text;  // changes decoded text, says whether
  /// What stands in place of a number token, nullopt when it may stay.
  std::function<std::optional<std::string>(std::string_view digits)> number;
  /// What stands in place of a value that goes because of its key.
  std::function<std::string(std::string_view value)> filtered;
};

/// The new text when `changed` says that it differs; nullopt when `json` is not JSON.
std::optional<std::string> walk_json(std::string_view json, const JsonActions& actions, bool& changed);

/// Appends `raw` without its JSON escapes; broken ones are kept as they are. True when there were any.
bool append_unescaped(std::string& out, std::string_view raw);

}  // namespace telltale::redact
