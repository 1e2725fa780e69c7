// A line of JSON whose values stand in the row's attributes already is kept as its skeleton: the line with
// every such value replaced by a reference to its attribute. Lines of one program share a few skeletons, so a
// block keeps a number a row, and the line is written anew, byte for byte, when somebody asks for it.
//
// A skeleton is the line's bytes; a reference is 0x01, a mode, the attribute's name, 0x01. Modes: `s` text
// with JSON's necessary escapes, `a` text with everything beyond ASCII escaped, too, `r` the value as text,
// `f` a real whose text has no point gets `.0`, `1` to `9` a real with so many digits behind the point, zeros
// put behind, `t` the row's time, the name being the notation's number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/event_row.hpp"

namespace telltale::eventdb {

/// The row's message as a skeleton; nullopt when it is not such a line. The row's attribute names are unique.
std::optional<std::string> make_skeleton(const EventRow& row);

/// A skeleton taken apart: literal, value, literal, value, …, literal.
struct Skeleton {
  struct Reference {
    char mode = 0;
    std::string name;
  };
  std::vector<std::string> literals;  // one more than references
  std::vector<Reference> references;
  /// nullopt when the bytes are no skeleton.
  static std::optional<Skeleton> parse(std::string_view bytes);
};

/// Tells whether a row's line is what a skeleton gives with that row's values, for rows whose attributes have
/// the names and types of the row it was made for, in the same order.
class SkeletonMatcher {
 public:
  /// nullopt when the skeleton refers to what the row does not have.
  static std::optional<SkeletonMatcher> make(std::string_view skeleton, const EventRow& row);
  /// False also for some rows that make_skeleton() would give this skeleton. `scratch` keeps its memory.
  bool fits(const EventRow& row, std::string& scratch) const;

 private:
  struct Value {
    char mode = 0;
    std::uint8_t time_style = 0;
    std::size_t attribute = 0;
  };
  std::vector<std::string> literals_;  // one more than values
  std::vector<Value> values_;
};

/// Appends the text as it stands between a JSON string's quotes. With `ascii`, as \uXXXX beyond ASCII.
void append_escaped(std::string_view text, bool ascii, std::string& out);
/// True when append_escaped() would change the text.
bool needs_escapes(std::string_view text, bool ascii);
/// Appends a value as `mode` shows it.
void append_value(char mode, std::string_view text, std::string& out);

}  // namespace telltale::eventdb
