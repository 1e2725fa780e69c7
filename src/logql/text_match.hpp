// The matchers of LogQL's filters: text, addresses, and the patterns of `|>`. All are immutable, cheap to
// copy and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "logql/ast.hpp"

namespace re2 {
class RE2;
}

namespace telltale::logql {

/// A regular expression that is not anchored, with `.` matching newlines, as line filters have it.
class LineRegex {
 public:
  static Result<LineRegex> make(const std::string& pattern);
  bool matches(std::string_view line) const;
  /// Text that every matching line contains, byte for byte; empty when nothing is known. A match of the whole
  /// pattern is the same as finding it when `whole`.
  const std::string& literal() const { return literal_; }
  bool whole() const { return whole_; }

 private:
  std::shared_ptr<const re2::RE2> regex_;
  std::string literal_;
  bool whole_ = false;
};

/// `=`, `!=`, `=~`, `!~` on a label's value; regular expressions are anchored on both sides and `.` does not
/// match newlines.
class TextMatcher {
 public:
  static Result<TextMatcher> make(CompareOp op, const std::string& value);
  bool matches(std::string_view value) const;

 private:
  CompareOp op_ = CompareOp::eq;
  std::string value_;
  std::shared_ptr<const re2::RE2> regex_;
};

/// An address of 16 bytes; IPv4 in its mapped form.
using Address = std::array<std::uint8_t, 16>;
bool parse_address(std::string_view text, Address& out);

/// One address, a range `a-b` or a network `a/bits`, of IPv4 or IPv6.
class IpMatcher {
 public:
  static Result<IpMatcher> make(std::string_view pattern);
  /// The whole text is an address within.
  bool matches(std::string_view text) const;
  /// Some address within stands in the line.
  bool found_in(std::string_view line) const;

 private:
  bool contains(const Address& a) const { return a >= low_ && a <= high_; }
  Address low_{};
  Address high_{};
  bool v6_ = false;
};

/// The pattern of `|>`: literals with `<_>` between them. Each literal is searched behind the one before it;
/// a pattern that starts with a literal does so at the line's start, one that ends with a literal at its end,
/// and a final or leading `<_>` takes the rest. An empty pattern matches empty lines only.
class PatternFilter {
 public:
  static Result<PatternFilter> make(std::string_view pattern);
  bool matches(std::string_view line) const;
  const std::vector<std::string>& literals() const { return literals_; }

 private:
  std::vector<std::string> literals_;
  bool open_start_ = false;
  bool open_end_ = false;
};

}  // namespace telltale::logql
