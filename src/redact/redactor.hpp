// Secrets and personal data leave every signal here, before anything is written. Two kinds of rules: a key
// whose name says "secret" loses its whole value ("[Filtered]"), and a value that looks like a secret loses
// that part of its text ("[card]", "[token]", …). A literal prefilter decides in one pass, over all texts of
// a row together, which shapes are worth looking for; most text has none and costs only that pass. Trace ids,
// UUIDs, timestamps and plain numbers are left alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "redact/keys.hpp"
#include "redact/rules.hpp"

namespace telltale::redact {

/// What becomes of a match.
enum class Method : std::uint8_t {
  replace,  // the group's placeholder: [card]
  mask,     // asterisks; of a card the last four digits stay
  remove,   // nothing is left
  hash,     // a keyed hash ([card#9f86d081884c7d65]): equal values stay equal and cannot be read back
};
std::string_view to_string(Method method);
std::optional<Method> method_from(std::string_view name);

/// What Method::hash makes of a match of the group: `[card#9f86d081884c7d65]`.
std::string hashed(Group group, std::string_view value, std::string_view hash_key);

struct CustomPattern {
  std::string name;   // of the rule: letters, digits and _
  std::string regex;  // RE2; group 1, if it has one, is what goes
  bool operator==(const CustomPattern&) const = default;
};

/// What one project wants. A name is a rule's or a group's.
struct Options {
  std::vector<std::string> enable;  // of those that are off by default: email, ip
  std::vector<std::string> disable;
  std::vector<std::string> sensitive_keys;  // more of them; contained in the key, any case
  std::vector<std::string> safe_keys;       // never filtered by name; equal to the key, any case
  std::vector<CustomPattern> patterns;
  std::vector<std::string> safe_values;   // RE2; a match that is one of them as a whole stays
  std::map<std::string, Method> methods;  // by rule or group, or "all"
  std::string hash_key;                   // of Method::hash
};

/// What is known of a name; remembered by thread, because names repeat from row to row.
struct KeyFacts {
  KeyKind kind = KeyKind::plain;
  bool secret = false;  // the name itself holds one
  std::string renamed;  // what stands in its place then
};

/// Part of a row.
enum class FieldForm : std::uint8_t {
  text,
  id,       // of an id column: left alone when it has the shape of an id
  derived,  // read out of the first field: looked at only when that was struck
  event,    // an event's JSON: what was masked is told in its `_meta`
};
struct Field {
  std::string_view key;  // empty: no name that could say "secret"
  std::string* value;
  FieldForm form = FieldForm::text;
  std::optional<KeyKind> kind = std::nullopt;  // of the key, where facts() said it already
};

/// Immutable and thread-safe once made. Each function returns whether it changed anything.
class Redactor {
 public:
  /// invalid_argument names the option that is wrong.
  static Result<std::unique_ptr<const Redactor>> create(Options options);
  ~Redactor();
  Redactor(const Redactor&) = delete;
  Redactor& operator=(const Redactor&) = delete;

  /// Free text: shapes, and `key=value`, `key: value`, `"key": "value"` pairs with sensitive keys.
  bool redact_text(std::string& text, Counts* counts = nullptr) const;
  /// A named value: filtered whole when the key is sensitive, left alone when key and value are those of a
  /// trace, span or event id, as text (or JSON, when it is some) otherwise.
  bool redact_value(std::string_view key, std::string& value, Counts* counts = nullptr) const;
  /// A JSON document: every value under its key, strings as text, at any depth; also lists of [key, value]
  /// pairs and JSON held in strings. Valid JSON stays valid, numbers and layout untouched elsewhere. What is
  /// not JSON is treated as text.
  bool redact_json(std::string& json, Counts* counts = nullptr) const;
  /// redact_json() of an event: what was done is told in its `_meta` (meta.hpp).
  bool redact_event(std::string& json, Counts* counts = nullptr) const;
  /// The fields of one row, with one pass of the prefilter over all of them: what one by one
  /// redact_text(), redact_value() and redact_json() would do.
  bool redact_fields(std::span<const Field> fields, Counts* counts = nullptr) const;
  /// What stands in place of a number under a key of this kind; nullopt when it may stay.
  std::optional<std::string> redact_number(KeyKind kind, std::int64_t number, Counts* counts = nullptr) const;
  /// Valid until this thread asks again. `place` is where the name stands in its row: the next row has the
  /// same one there.
  const KeyFacts& facts(std::string_view key, std::size_t place = SIZE_MAX) const;

  bool is_sensitive_key(std::string_view key) const;
  std::string_view rule_name(RuleId rule) const;
  /// What a value of the rule becomes, as far as it is a match of it.
  std::string replacement(RuleId rule, std::string_view value) const;

 private:
  struct Impl;
  explicit Redactor(std::unique_ptr<Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace telltale::redact
