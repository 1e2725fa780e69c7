// JSON as the codecs under wire/ read it: one parsed document and lenient accessors over its elements, where
// a field that is missing or of the wrong type is simply absent. For .cpp files of wire/ and logs/ only,
// since it brings in simdjson.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/event_row.hpp"

namespace telltale::wire::json {

using Value = simdjson::dom::element;
using Array = simdjson::dom::array;
using Object = simdjson::dom::object;

/// Owns the tape that its values point into.
class Document {
 public:
  /// Parses `bytes`; text that only needs repair (repair()) is repaired first. invalid_argument otherwise,
  /// too_large with over limits::kMaxJsonValues values.
  static Result<Document> parse(std::string_view bytes);
  Value root() const { return root_; }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  Value root_;
};

/// Makes nearly-JSON valid: bad UTF-8 and lone surrogate escapes become U+FFFD, raw control characters in
/// strings are escaped, NaN, Infinity and numbers beyond int64/uint64/double become strings. Other faults
/// stay.
std::string repair(std::string_view bytes);

/// `bytes` when it is valid, its repaired form when that is valid, else invalid_argument.
Result<std::string> normalise(std::string_view bytes);

std::optional<Value> get(Value object, std::string_view key);
std::optional<Object> get_object(Value object, std::string_view key);
std::optional<Array> get_array(Value object, std::string_view key);
std::optional<std::string_view> get_string(Value object, std::string_view key);

/// Strings as they are, null as nothing, anything else as JSON text.
std::string text_of(Value value);
/// text_of() for strings, numbers and booleans; empty for the rest and for absent fields.
std::string get_text(Value object, std::string_view key);

/// Numbers, and strings that hold a whole number.
std::optional<std::int64_t> int_of(Value value);
std::optional<std::uint64_t> uint_of(Value value);
std::optional<double> double_of(Value value);
std::optional<bool> bool_of(Value value);
std::optional<std::int64_t> get_int(Value object, std::string_view key);
std::optional<bool> get_bool(Value object, std::string_view key);

/// nullopt for null; lists and maps as JSON text.
std::optional<AttrValue> attr_of(Value value);

/// RFC 3339, or seconds since 1970 as a number (kept to the microsecond) or as its text.
std::optional<UnixNanos> time_of(Value value);
std::optional<UnixNanos> get_time(Value object, std::string_view key);

/// Shortest form that reads back; NaN and infinities as strings.
void append_number(std::string& out, double value);

}  // namespace telltale::wire::json
