// Names with their values in free text: `key=value`, `key: value`, `"key": "value"`, `key%3Dvalue`,
// `--key value`, `<key>value</key>`. For this folder's .cpp files.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "redact/keys.hpp"
#include "redact/shapes.hpp"

namespace telltale::redact {

using KindOf = std::function<KeyKind(std::string_view key)>;

/// The values of sensitive keys that are not harmless.
void find_pairs(std::string_view text, const KindOf& kind, std::vector<Match>& out);

/// The name in front of a value that begins at `at`: `name=`, `name: `, `"name":"`. Empty when there is none.
std::string_view key_before(std::string_view text, std::size_t at);

/// "Bearer authentication" is prose; a credential has digits, marks or length.
bool looks_like_credential(std::string_view s);

}  // namespace telltale::redact
