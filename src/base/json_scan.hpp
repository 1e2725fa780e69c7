// Reads JSON in one pass over its bytes, checking all of it and keeping what is asked for. Numbers stay as
// they were written, which LogQL's labels show; that, and one meaning for whole and partial extraction, is
// why it is not simdjson, whose DOM forgets the text of numbers and whose On-Demand reader does not check
// what it skips.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telltale {

enum class JsonType : unsigned char { null, boolean, number, string, array, object };

/// A cursor over one document. After a failure every call fails; error() says where.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  /// What comes next; false at anything that starts no value.
  bool peek(JsonType& type);
  /// A string's content without quotes; `escaped` when unescape() is needed.
  bool string(std::string_view& raw, bool& escaped);
  /// Checks and passes over one value of any type; `raw` is its text.
  bool value(std::string_view& raw);
  /// `{` or `[`: then member()/element() until it is false, while ok().
  bool open(char bracket);
  /// Next member's key, or false at the end.
  bool member(std::string_view& key, bool& escaped);
  /// Whether another element follows.
  bool element();
  /// Nothing but space is left.
  bool at_end();

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  void space();
  bool failed(std::string_view what);
  bool number();
  bool literal(std::string_view word);
  bool nested(int depth);

  std::string_view text_;
  std::size_t at_ = 0;
  bool first_ = false;  // no comma before the next member or element
  std::string error_;
};

/// Appends the text of a string's raw content; lone surrogates become U+FFFD.
void unescape_json(std::string_view raw, std::string& out);

/// `a.b[0]["c d"]` as steps; a number step is an index.
struct JsonStep {
  std::string key;
  std::size_t index = 0;
  bool is_index = false;
};
/// False: not a path.
bool parse_json_path(std::string_view text, std::vector<JsonStep>& out);

}  // namespace telltale
