// A text looked for in JSON strings that are kept without their escapes: `nb` stands in `a\nb` although a
// line break and a `b` do not have it. Looked for is the text itself, and what is left of it behind an escape
// that its beginning may be the end of; so no value is escaped to be searched.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/find.hpp"

namespace telltale::eventdb {

/// Calls f(offset) for each occurrence until it returns false.
template <class F>
void each_occurrence(std::string_view text, std::string_view needle, F f) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  for (const char* at = begin; at < end; ++at) {
    at = find_bytes({at, static_cast<std::size_t>(end - at)}, needle);
    if (at == nullptr || !f(static_cast<std::size_t>(at - begin))) return;
  }
}

/// Immutable.
class EscapedNeedle {
 public:
  /// Not empty; printable ASCII without `"` and `\`. With `fold`, in lower case, as texts are that it is
  /// looked for in.
  EscapedNeedle(std::string needle, bool fold);
  static bool can_be(std::string_view needle);

  const std::string& text() const { return needle_; }
  bool fold() const { return fold_; }
  /// Whether the escaped form of `raw` has it.
  bool in(std::string_view raw) const;
  /// The same of texts one behind the other: f(offset of a byte of the text that has it) for each place,
  /// texts with several of them more than once. `one_text(a, b)`: both offsets are in one text. Not for
  /// needs_whole_texts().
  template <class OneText, class F>
  void each_in(std::string_view texts, OneText one_text, F f) const {
    each_occurrence(texts, needle_, [&](std::size_t at) {
      if (one_text(at, at + needle_.size() - 1)) f(at);
      return true;
    });
    for (const std::size_t k : prefixes_) {
      const std::string_view rest = std::string_view(needle_).substr(k);
      each_occurrence(texts, rest, [&](std::size_t at) {
        if (at > 0 && ends_an_escape(texts[at - 1], k) && one_text(at - 1, at + rest.size() - 1)) f(at);
        return true;
      });
    }
  }
  /// It may stand inside of a single escape.
  bool needs_whole_texts() const { return inside_; }

 private:
  bool ends_an_escape(char c, std::size_t k) const;

  std::string needle_;
  bool fold_;
  bool inside_ = false;
  std::vector<std::size_t> prefixes_;  // lengths of beginnings that may be the end of an escape
};

}  // namespace telltale::eventdb
