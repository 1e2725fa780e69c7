// Walks a JSON text and copies it, replacing values on the way. For this folder's .cpp files.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "redact/keys.hpp"

namespace telltale::redact {

struct JsonActions {
  std::function<KeyKind(std::string_view key)> kind;
  std::function<bool(std::string_view key, std::string_view text)> keep;  // an id: left as it is
  std::function<bool(std::string& text)> text;          // changes decoded text, says whether
  std::function<bool(std::string_view digits)> number;  // whether a number token must be hidden as a card
  std::function<void()> filtered;                       // a value went because of its key
};

/// The new text, nullopt when `json` is not JSON. `changed` says whether it differs.
std::optional<std::string> walk_json(std::string_view json, const JsonActions& actions, bool& changed);

}  // namespace telltale::redact
