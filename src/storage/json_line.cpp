#include "storage/json_line.hpp"

#include <algorithm>
#include <optional>

#include "storage/event_filter.hpp"

namespace telltale::storage {

void append_json_name(std::string& path, std::string_view key) {
  if (!path.empty()) {
    path += '_';
  } else if (!key.empty() && key[0] >= '0' && key[0] <= '9') {
    path += '_';
  }
  for (const char c : key) {
    const bool sane =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
    path += sane ? c : '_';
  }
}

bool line_says_field(const EventRow& row, std::string_view spelling, bool as_number) {
  std::optional<std::string> found;
  JsonScanner in(row.message);
  std::string path;
  flatten_json(in, path, [&](std::string_view name, JsonType, std::string_view raw, bool escaped) {
    if (found || spelling.empty() || name != spelling) return;
    found.emplace();
    if (escaped) {
      unescape_json(raw, *found);
    } else {
      found->assign(raw);
    }
  });
  if (!in.ok() || !in.at_end()) return false;
  if (!found) return true;  // what a reader does not find, it asks the fields for
  const bool stands_before = std::any_of(row.attributes.begin(), row.attributes.end(), [&](const Attr& a) {
    return a.kind != AttrKind::parsed && has_spelling(a.name, spelling) && !to_string(a.value).empty();
  });
  if (stands_before) return true;
  const std::string stored = spelled_text(row, spelling).value_or("");
  if (*found == stored) return true;
  if (!as_number) return false;
  const auto a = number_of(*found);
  const auto b = number_of(stored);
  return a && b && *a == *b;
}

}  // namespace telltale::storage
