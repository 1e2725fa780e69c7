// What a reader of JSON lines finds in a row's line, beside what the row's fields say already. A reader takes
// every string, number and boolean of the line's object under its sanitised path (`a.b` is `a_b`), the first
// of two with one name, and a label or metadata of that name stands before it. Where both say the same, the
// fields answer for the line, and nobody has to read it.
#pragma once

#include <string>
#include <string_view>

#include "base/json_scan.hpp"
#include "model/event_row.hpp"

namespace telltale::storage {

/// Objects inside of more than so many are passed over.
inline constexpr int kJsonLineDepth = 64;

/// Appends a member's name to the path of its object.
void append_json_name(std::string& path, std::string_view key);

/// Goes over one object. visit(path, type, raw, escaped) for each string, number and boolean; strings without
/// their quotes, and `escaped` when they need unescape_json(). Look at in.ok() behind it.
template <class Visit>
void flatten_json(JsonScanner& in, std::string& path, const Visit& visit, int depth = 0) {
  std::string_view key;
  std::string unescaped;
  bool escaped = false;
  if (!in.open('{')) return;
  while (in.member(key, escaped)) {
    const std::size_t outer = path.size();
    if (escaped) {
      unescaped.clear();
      unescape_json(key, unescaped);
      key = unescaped;
    }
    append_json_name(path, key);
    JsonType type = JsonType::null;
    if (!in.peek(type)) return;
    std::string_view raw;
    bool raw_escaped = false;
    if (type == JsonType::object && depth < kJsonLineDepth) {
      flatten_json(in, path, visit, depth + 1);
    } else if (type == JsonType::string) {
      if (in.string(raw, raw_escaped)) visit(std::string_view(path), type, raw, raw_escaped);
    } else if (in.value(raw) && (type == JsonType::number || type == JsonType::boolean)) {
      visit(std::string_view(path), type, raw, false);
    }
    path.resize(outer);
  }
}

/// True when the row's line is one JSON object, and a reader finds under `spelling` what spelled_text() says:
/// the same text, or with `as_number` at least the same number. An empty spelling: is it such a line at all.
bool line_says_field(const EventRow& row, std::string_view spelling, bool as_number);

}  // namespace telltale::storage
