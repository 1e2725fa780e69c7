#include "eventdb/escaped_needle.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "eventdb/skeleton.hpp"

namespace telltale::eventdb {

namespace {

/// What stands in a JSON string for a character; the character itself where that is it.
std::string escape_of(char c) {
  std::string out;
  append_escaped(std::string_view(&c, 1), false, out);
  return out;
}

}  // namespace

bool EscapedNeedle::can_be(std::string_view needle) {
  return !needle.empty() && std::all_of(needle.begin(), needle.end(), [](char c) {
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
  });
}

EscapedNeedle::EscapedNeedle(std::string needle, bool fold) : needle_(std::move(needle)), fold_(fold) {
  for (int c = 0; c < 0x80; ++c) {
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    const std::string escape = escape_of(static_cast<char>(c));
    inside_ = inside_ || escape.find(needle_) != std::string::npos;
    for (std::size_t k = 1; k < needle_.size() && k < escape.size(); ++k) {
      if (!std::string_view(escape).ends_with(std::string_view(needle_).substr(0, k))) continue;
      if (std::find(prefixes_.begin(), prefixes_.end(), k) == prefixes_.end()) prefixes_.push_back(k);
    }
  }
}

bool EscapedNeedle::ends_an_escape(char c, std::size_t k) const {
  const auto b = static_cast<unsigned char>(c);
  if (b >= 0x20 && c != '"' && c != '\\') return false;
  return std::string_view(escape_of(c)).ends_with(std::string_view(needle_).substr(0, k));
}

bool EscapedNeedle::in(std::string_view raw) const {
  std::string folded;
  if (fold_) {
    folded = to_lower(raw);
    raw = folded;
  }
  bool found = false;
  if (inside_ && needs_escapes(raw, false)) {
    std::string escaped;
    append_escaped(raw, false, escaped);
    return escaped.find(needle_) != std::string::npos;
  }
  each_occurrence(raw, needle_, [&](std::size_t) {
    found = true;
    return false;
  });
  for (std::size_t i = 0; !found && i < prefixes_.size(); ++i) {
    each_occurrence(raw, std::string_view(needle_).substr(prefixes_[i]), [&](std::size_t at) {
      found = at > 0 && ends_an_escape(raw[at - 1], prefixes_[i]);
      return !found;
    });
  }
  return found;
}

}  // namespace telltale::eventdb
