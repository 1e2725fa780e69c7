// Cuts PromQL text into tokens. Durations and numbers are one kind of token, because the language lets either
// stand for the other (`5m` is 300, `[300]` is five minutes).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::promql {

enum class TokenKind : unsigned char { end, identifier, number, string, symbol };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // as written
  std::string value;      // strings: decoded; identifiers: lower-cased
  double number = 0;      // numbers; durations in seconds
  std::size_t begin = 0;
  std::size_t end = 0;

  bool is(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
  bool is_word(std::string_view word) const { return kind == TokenKind::identifier && value == word; }
};

/// The tokens with an end token last. Errors start with "line:column: parse error: ".
Result<std::vector<Token>> lex(std::string_view text);

Error parse_error(std::string_view text, std::size_t offset, const std::string& message);

/// The decoded content of a quoted string (", ' or `) including its quotes; empty optional-like error text if
/// bad.
Result<std::string> unquote(std::string_view quoted);

}  // namespace telltale::promql
