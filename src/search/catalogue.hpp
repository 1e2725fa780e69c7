// The keys of the search language: what each means, which kind of values it takes and who can answer it. One
// list for issues, one for traces; a key that is on neither is a tag or attribute by its own name.
#pragma once

#include <span>
#include <string_view>

namespace telltale::search {

enum class Subject : unsigned char { issues, traces };

enum class FieldKind : unsigned char {
  word,      // the whole text, stars allowed
  text,      // somewhere in the text, case ignored
  id,        // hexadecimal digits, dashes and case ignored
  number,    // compares; equality is of texts
  duration,  // compares; 300ms, 1.5s, 2m, 1h
  time,      // 2026-01-31, RFC 3339, -24h (since), +24h (before)
  boolean,   // true, false
  level,     // compares by severity
  state,     // one of the field's words
  person,    // a name, me, none
};

enum class FieldSource : unsigned char {
  record,  // of the issue itself
  event,   // a row's columns and attributes
  body,    // the event's own JSON
};

struct KnownField {
  std::string_view name;
  FieldKind kind;
  FieldSource source;
  /// Of rows: names of field_text(), separated by blanks, one of which says it. Of records and bodies: their
  /// reader's own name of it.
  std::string_view reads;
  std::string_view hint;    // what it is, for people
  std::string_view values;  // what it can be, separated by blanks; empty: anything
};

std::span<const KnownField> known_fields(Subject subject);
/// nullptr: not known.
const KnownField* find_field(Subject subject, std::string_view name);

}  // namespace telltale::search
