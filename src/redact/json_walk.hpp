// Walks a JSON text and replaces values on the way; what has nothing to hide is not copied. For this folder's
// .cpp files.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "redact/keys.hpp"
#include "redact/meta.hpp"
#include "redact/redactor.hpp"

namespace telltale::redact {

struct JsonActions {
  std::function<const KeyFacts&(std::string_view key)> facts;             // hold until the next call
  std::function<bool(std::string_view key, std::string_view text)> keep;  // an id: left as it is
  /// What stands in place of a decoded text goes to `out`; false when it may stay.
  std::function<bool(std::string_view text, std::string& out)> text;
  /// What stands in place of a number token, nullopt when it may stay.
  std::function<std::optional<std::string>(std::string_view digits)> number;
  /// What stands in place of a value that goes because of its key.
  std::function<std::string(std::string_view value)> filtered;
  /// Where the functions above put remarks about the value they change; null: nobody wants any. With it, the
  /// root's `_meta` is left as it is.
  std::vector<Remark>* remarks = nullptr;
  std::vector<ValueRemarks>* remarked = nullptr;
  JsonPlaces* places = nullptr;
};

enum class Walked : unsigned char { invalid, unchanged, changed };
/// `out` becomes the new text where that is another one. invalid: `json` is not JSON.
Walked walk_json(std::string_view json, const JsonActions& actions, std::string& out);

/// Appends `raw` without its JSON escapes; broken ones are kept as they are. True when there were any.
bool append_unescaped(std::string& out, std::string_view raw);

}  // namespace telltale::redact
