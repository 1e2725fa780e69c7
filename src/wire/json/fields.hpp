// A JSON object as a flat list of attributes, for documents that arrive by the thousand: nested names are
// joined by dots, lists stay JSON text, null is nothing. The parser and its buffers live from document to
// document, and a document that has readable bytes behind it is parsed where it stands.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/event_row.hpp"

namespace telltale::wire::json {

/// Not thread-safe.
class FieldReader {
 public:
  FieldReader();
  ~FieldReader();
  FieldReader(FieldReader&&) noexcept;

  /// Appends the object's fields to `out` in their order; of a name that comes twice the later value stands.
  /// `readable_after` bytes behind `json` belong to the same buffer: with kPadding of them nothing is copied.
  /// Text that only needs repair is repaired. invalid_argument when it is no JSON object.
  Result<> read(std::string_view json, std::size_t readable_after, std::vector<Attr>& out);

  static constexpr std::size_t kPadding = 64;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The time in a log's field, as people and libraries write it: RFC 3339 and its near relatives (a space for
/// the T, a comma for the point, no offset), or a number since 1970 in seconds, milliseconds, microseconds or
/// nanoseconds, told apart by size, as number or text. nullopt when it is none of these, or before 1973.
std::optional<UnixNanos> log_time(const AttrValue& value);

}  // namespace telltale::wire::json
