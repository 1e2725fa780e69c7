// Text around a separator: names are read backwards from it, values forwards. Positions are bytes of `text`,
// and may be its end. For pairs.cpp.
#pragma once

#include <string_view>

#include "redact/shapes.hpp"

namespace telltale::redact {

inline constexpr std::size_t kMaxSpaces = 4;

inline bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool is_key_char(char c) {
  return is_alpha(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}
inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
inline bool is_word_char(char c) { return is_alpha(c) || (c >= '0' && c <= '9'); }
inline bool is_quote(char c) { return c == '"' || c == '\''; }

std::size_t word_end(std::string_view text, std::size_t from);
/// Of a word within a query: an encoded `&` or `"` ends it, too.
std::size_t encoded_word_end(std::string_view text, std::size_t from);
std::string_view key_ending_at(std::string_view text, std::size_t end);
/// Back over a quote before `at`, plain or escaped.
std::size_t before_quote(std::string_view text, std::size_t at);
/// Behind the quote, plain or escaped, at `at`.
std::size_t after_quote(std::string_view text, std::size_t at);
/// `user[password]`, `config['SECRET_KEY']`, `user%5Bpassword%5D`: the name within the bracket that closes at
/// `close`.
std::string_view bracketed_key(std::string_view text, std::size_t close);
/// The name that ends before the separator at `at`, with blanks and a quote or a bracket between them.
std::string_view key_ahead_of(std::string_view text, std::size_t at);
std::size_t skip_spaces(std::string_view text, std::size_t at);
bool is_quoted(std::string_view text, std::size_t at);
/// Behind what an earlier pass put at `at`, `at` when that is nothing.
std::size_t filtered_end(std::string_view text, std::size_t at);
/// The value that starts at `at`: the inside of quotes (plain or escaped), or up to a separator; a scheme
/// word (`Bearer x`) takes the word after it along.
Match value_at(std::string_view text, std::size_t at);
bool ends_with_word(std::string_view key, std::string_view word);
/// `private_key=/etc/ssl/key.pem` names a file.
bool may_name_a_file(std::string_view key);
/// The length of the line's end at `at`, as it is or as a program's print of it (`\r\n`); 0 for none.
std::size_t line_end(std::string_view text, std::size_t at);
/// Behind `str =`, `Optional[str] =`, `str | None =`, when that stands at `at`; `at` otherwise.
std::size_t skip_type(std::string_view text, std::size_t at);

}  // namespace telltale::redact
