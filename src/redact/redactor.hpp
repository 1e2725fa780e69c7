// Secrets and personal data leave every signal here, before anything is written. Two kinds of rules: a key
// whose name says "secret" loses its whole value ("[Filtered]"), and a value that looks like a secret loses
// that part of its text
// ("[card]", "[token]", …). A literal prefilter decides in one pass which shapes are worth looking for; most
// text has none and costs only that pass. Trace ids, UUIDs, timestamps and plain numbers are left alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::redact {

enum class Rule : std::uint8_t {
  key,            // the value of a sensitive key: [Filtered]
  authorization,  // Bearer/Basic credentials in text: [Filtered]
  url_password,   // scheme://user:secret@host
  private_key,    // PEM block: [private-key]
  token,          // JWT and well-known token shapes: [token]
  card,           // payment card with brand prefix and Luhn: [card]
  iban,           // mod 97: [iban]
  ssn,            // US social security number: [ssn]
  email,          // optional: [email]
};
inline constexpr std::size_t kRuleCount = 9;
std::string_view to_string(Rule rule);

/// How often each rule struck, indexed by Rule. The caller adds them to its counters.
using Counts = std::array<std::uint64_t, kRuleCount>;

struct Options {
  bool keys = true;
  bool tokens = true;  // authorization, url_password, private_key, token
  bool cards = true;
  bool ibans = true;
  bool ssns = true;
  bool emails = false;
  std::vector<std::string> sensitive_keys;  // more of them; contained in the key, any case
  std::vector<std::string> safe_keys;       // never filtered by name; equal to the key, any case
};

/// Immutable and thread-safe once made. Each function returns whether it changed anything.
class Redactor {
 public:
  /// invalid_argument when a configured key is empty.
  static Result<std::unique_ptr<const Redactor>> create(Options options);
  ~Redactor();
  Redactor(const Redactor&) = delete;
  Redactor& operator=(const Redactor&) = delete;

  /// Free text: shapes, and `key=value`, `key: value`, `"key": "value"` pairs with sensitive keys.
  bool redact_text(std::string& text, Counts* counts = nullptr) const;
  /// A named value: filtered whole when the key is sensitive, left alone when key and value are those of a
  /// trace, span or event id, as text otherwise.
  bool redact_value(std::string_view key, std::string& value, Counts* counts = nullptr) const;
  /// A JSON document: every value under its key, strings as text, at any depth; also lists of [key, value]
  /// pairs and JSON held in strings. Valid JSON stays valid, numbers and layout untouched elsewhere. What is
  /// not JSON is treated as text.
  bool redact_json(std::string& json, Counts* counts = nullptr) const;

  bool is_sensitive_key(std::string_view key) const;

 private:
  struct Impl;
  explicit Redactor(std::unique_ptr<Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace telltale::redact
