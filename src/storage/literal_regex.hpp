// Regular expressions that are texts in disguise: `a|b|c`, `abc.*`, `.*abc`, `.+abc.*`. Most of what people
// write in matchers is one of these, and comparing bytes is many times quicker than an automaton.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::storage {

/// Fully anchored, `.` matches everything.
class LiteralRegex {
 public:
  /// nullopt when the expression is anything else.
  static std::optional<LiteralRegex> parse(std::string_view expression);

  bool matches(std::string_view text) const;
  /// What it matches, sorted, where that is a list of texts; empty otherwise.
  const std::vector<std::string>& alternatives() const { return alternatives_; }

 private:
  /// Anything, at least so much, at either end of the literal; closed: nothing.
  enum class End : unsigned char { closed, any, some };

  std::vector<std::string> alternatives_;
  std::string literal_;
  End before_ = End::closed;
  End after_ = End::closed;
};

}  // namespace telltale::storage
