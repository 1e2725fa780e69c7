// Cuts LogQL text into tokens. Numbers with a unit are durations or byte sizes; what stands in brackets is
// one token, a range. Words are not told apart from keywords here: which they are depends on where they
// stand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace telltale::logql {

enum class TokenKind : unsigned char { end, word, number, duration, bytes, string, symbol, flag, range };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // as written
  std::string value;      // strings: decoded; words: lower-cased
  double number = 0;      // number, bytes; duration in nanoseconds
  Nanos duration{0};      // duration, range
  std::size_t begin = 0;

  bool is(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
  bool is_word(std::string_view word) const { return kind == TokenKind::word && value == word; }
};

/// The tokens with an end token last. Errors as of parse_error().
Result<std::vector<Token>> lex(std::string_view text);

/// `parse error at line 1, col 7: …`; columns count bytes from 1.
Error parse_error(std::string_view text, std::size_t offset, std::string_view message);

/// A string as LogQL quotes it.
std::string quote(std::string_view text);

}  // namespace telltale::logql
