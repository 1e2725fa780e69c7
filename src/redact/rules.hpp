// What is looked for, and under which name it is counted. A rule is what an operator sees (`aws_access_key`,
// `card`); it belongs to a group, which says what stands in place of a match. A shape is one pattern of a
// rule. The catalogue is a table: another vendor's token is another row of vendor_shapes.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::redact {

enum class Group : std::uint8_t {
  key,            // the value of a sensitive key
  authorization,  // Bearer, Basic and their like in text
  url_password,   // scheme://user:secret@host
  private_key,    // PEM and its like
  token,          // JWT and vendors' token shapes
  card,           // payment card: issuer's prefix, length and Luhn
  iban,           // mod 97
  ssn,            // US social security number
  email,          // optional
  ip,             // optional
  custom,         // an operator's own pattern
};
inline constexpr std::size_t kGroupCount = 11;
std::string_view to_string(Group group);
/// What stands in place of a match unless a method says otherwise: `[card]`, `[token]`, `[Filtered]`.
std::string_view placeholder_of(Group group);

/// Index into builtin_rules(); a redactor's own patterns come after them.
using RuleId = std::uint16_t;
inline constexpr RuleId kKeyRule = 0;
inline constexpr RuleId kAuthorizationRule = 1;
inline constexpr RuleId kUrlPasswordRule = 2;
inline constexpr RuleId kPrivateKeyRule = 3;
inline constexpr RuleId kCardRule = 4;
inline constexpr RuleId kIbanRule = 5;
inline constexpr RuleId kSsnRule = 6;
inline constexpr RuleId kEmailRule = 7;
inline constexpr RuleId kIpRule = 8;

struct RuleInfo {
  std::string_view name;
  Group group;
  bool enabled;  // by default
};
std::span<const RuleInfo> builtin_rules();
/// The index of a built-in rule; builtin_rules().size() when there is none of that name.
RuleId rule_named(std::string_view name);

/// One pattern of a rule: group 1 of the expression (all of it, when it has none) is what goes.
struct Shape {
  const char* rule;
  const char* regex;  // RE2
  /// What the prefilter looks for, a superset; null: `regex` itself, with long repetitions shortened.
  const char* scan = nullptr;
};
std::span<const Shape> vendor_shapes();

/// Hits by rule of one request; the caller adds them to its counters.
class Counts {
 public:
  void add(RuleId rule, std::uint64_t n = 1) {
    if (rule >= by_rule_.size()) by_rule_.resize(rule + 1u);
    by_rule_[rule] += n;
  }
  std::uint64_t of(RuleId rule) const { return rule < by_rule_.size() ? by_rule_[rule] : 0; }
  std::uint64_t of(std::string_view builtin) const { return of(rule_named(builtin)); }
  std::uint64_t total() const;
  /// One more than the highest rule that struck.
  std::size_t size() const { return by_rule_.size(); }

 private:
  std::vector<std::uint64_t> by_rule_;
};

}  // namespace telltale::redact
