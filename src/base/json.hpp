// Writing JSON: JsonWriter puts commas and escapes, so that a handler reads like the document it makes.
// Output is always valid UTF-8: invalid input bytes become U+FFFD, and numbers JSON cannot say (NaN,
// infinities) become null.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace telltale {

/// `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);
/// The shortest form that reads back; null for NaN and infinities.
void append_json_number(std::string& out, double value);

/// Not thread-safe. Nesting is the caller's duty; take() returns the document.
class JsonWriter {
 public:
  /// Room for a document of so many bytes, so that a large one is not moved while it grows.
  JsonWriter& reserve(std::size_t bytes);
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view v);
  JsonWriter& integer(std::int64_t v);
  JsonWriter& unsigned_integer(std::uint64_t v);
  JsonWriter& number(double v);
  JsonWriter& boolean(bool v);
  JsonWriter& null();
  /// Text that is already JSON.
  JsonWriter& raw(std::string_view json);

  JsonWriter& field(std::string_view name, std::string_view v) { return key(name).string(v); }
  JsonWriter& field(std::string_view name, const char* v) { return key(name).string(v); }
  JsonWriter& field(std::string_view name, std::int64_t v) { return key(name).integer(v); }
  JsonWriter& field(std::string_view name, std::uint64_t v) { return key(name).unsigned_integer(v); }
  JsonWriter& field(std::string_view name, int v) { return key(name).integer(v); }
  JsonWriter& field(std::string_view name, double v) { return key(name).number(v); }
  JsonWriter& field(std::string_view name, bool v) { return key(name).boolean(v); }

  const std::string& view() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char c);
  JsonWriter& close(char c);
  void separate();
  std::string out_;
  bool comma_ = false;
};

}  // namespace telltale
