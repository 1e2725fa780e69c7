#include "redact/pair_text.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "redact/keys.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kMaxTypeBytes = 64;  // of `Optional[str]`
constexpr std::size_t kMaxPlaceholderBytes = 64;

bool is_value_end(char c) {
  return is_blank(c) || c == ',' || c == ';' || c == '&' || c == '"' || c == '\'' || c == '}' || c == ')' ||
         c == ']' || c == '<' || c == '>' || c == '\\';
}

/// The length of what stands before a literal's quote at `at`: `b'…'`, `u"…"`, `rb'…'`.
std::size_t literal_prefix(std::string_view text, std::size_t at) {
  constexpr std::string_view kLetters = "bBuUrRfF";
  std::size_t n = 0;
  while (n < 2 && at + n < text.size() && kLetters.find(text[at + n]) != std::string_view::npos) ++n;
  std::size_t quote = at + n;
  if (n > 0 && quote + 1 < text.size() && text[quote] == '\\') ++quote;
  return quote < text.size() && is_quote(text[quote]) ? n : 0;
}

}  // namespace

std::size_t word_end(std::string_view text, std::size_t from) {
  while (from < text.size() && !is_value_end(text[from])) ++from;
  return from;
}

std::size_t encoded_word_end(std::string_view text, std::size_t from) {
  for (; from < text.size() && !is_value_end(text[from]); ++from) {
    if (text[from] != '%') continue;
    const std::string_view code = text.substr(from, 3);
    if (code == "%26" || code == "%22") break;
  }
  return from;
}

std::string_view key_ending_at(std::string_view text, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && is_key_char(text[begin - 1])) --begin;
  while (begin < end && !is_alpha(text[begin]) && text[begin] != '_') ++begin;
  return text.substr(begin, end - begin);
}

std::size_t before_quote(std::string_view text, std::size_t at) {
  if (at > 0 && is_quote(text[at - 1])) --at;
  while (at > 0 && text[at - 1] == '\\') --at;
  return at;
}
std::size_t after_quote(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == '\\') ++at;
  return at < text.size() && is_quote(text[at]) ? at + 1 : at;
}

std::string_view bracketed_key(std::string_view text, std::size_t close) {
  const std::size_t end = before_quote(text, close);
  std::size_t begin = end;
  while (begin > 0 && is_key_char(text[begin - 1])) --begin;
  if (begin > 0 && text[begin - 1] == '%' && equal_ignore_case(text.substr(begin, 2), "5b"))
    return text.substr(begin + 2, end - begin - 2);
  const std::size_t open = before_quote(text, begin);
  return open > 0 && text[open - 1] == '[' ? text.substr(begin, end - begin) : std::string_view();
}

std::string_view key_ahead_of(std::string_view text, std::size_t at) {
  const bool assigned = text[at] != ':';
  for (std::size_t n = 0; n < kMaxSpaces && at > 0 && is_blank(text[at - 1]); ++n) --at;
  if (assigned) {
    if (text.substr(0, at).ends_with("[]")) at -= 2;
    if (at > 0 && text[at - 1] == ']') return bracketed_key(text, at - 1);
    if (at >= 3 && equal_ignore_case(text.substr(at - 3, 3), "%5d")) return bracketed_key(text, at - 3);
  }
  return key_ending_at(text, before_quote(text, at));
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  for (std::size_t n = 0; n < kMaxSpaces && at < text.size() && is_blank(text[at]); ++n) ++at;
  return at;
}

bool is_quoted(std::string_view text, std::size_t at) {
  at += literal_prefix(text, at);
  while (at < text.size() && text[at] == '\\') ++at;
  return at < text.size() && is_quote(text[at]);
}

std::size_t filtered_end(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != '[') return at;
  const std::size_t close = text.substr(at, kMaxPlaceholderBytes).find(']');
  return close != std::string_view::npos && is_filtered(text.substr(at, close + 1)) ? at + close + 1 : at;
}

Match value_at(std::string_view text, std::size_t at) {
  std::size_t slashes = 0;
  at += literal_prefix(text, at);
  while (at + slashes < text.size() && text[at + slashes] == '\\') ++slashes;
  const std::size_t quote_at = at + slashes;
  if (quote_at < text.size() && is_quote(text[quote_at])) {
    const char quote = text[quote_at];
    std::size_t end = quote_at + 1;
    while (end < text.size()) {
      std::size_t before = 0;
      while (end + before < text.size() && text[end + before] == '\\') ++before;
      if (end + before < text.size() && text[end + before] == quote && before <= slashes) break;
      end += before + 1;
    }
    return {quote_at + 1, std::min(end, text.size()), 0};
  }
  std::size_t end = filtered_end(text, at);
  if (end == at || (end < text.size() && is_word_char(text[end]))) end = word_end(text, end);
  for (const std::string_view scheme :
       {"bearer", "basic", "token", "digest", "sentry", "apikey", "negotiate"})
    if (equal_ignore_case(text.substr(at, end - at), scheme) && end < text.size() && text[end] == ' ')
      end = word_end(text, end + 1);
  return {at, end, 0};
}

bool ends_with_word(std::string_view key, std::string_view word) {
  return key.size() >= word.size() && equal_ignore_case(key.substr(key.size() - word.size()), word);
}

bool may_name_a_file(std::string_view key) {
  return ends_with_word(key, "key") || ends_with_word(key, "file") || ends_with_word(key, "path") ||
         ends_with_word(key, "credentials");
}

std::size_t line_end(std::string_view text, std::size_t at) {
  for (const std::string_view end : {"\r\n", "\n", "\\r\\n", "\\n"})
    if (text.substr(at).starts_with(end)) return end.size();
  return 0;
}

std::size_t skip_type(std::string_view text, std::size_t at) {
  constexpr std::string_view kTypes[] = {"str",   "string", "bytes", "secretstr", "optional",
                                         "union", "none",   "null",  "undefined", "any"};
  const std::string_view near = text.substr(at, kMaxTypeBytes);
  for (std::size_t i = 0; i < near.size();) {
    if (near[i] == '=') return i > 0 && near.substr(i + 1, 1) != "=" ? at + i + 1 : at;
    if (std::string_view(" []|,?").find(near[i]) != std::string_view::npos && i > 0) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < near.size() && is_key_char(near[i])) ++i;
    const std::string_view word = near.substr(begin, i - begin);
    if (std::none_of(std::begin(kTypes), std::end(kTypes),
                     [&](std::string_view type) { return equal_ignore_case(word, type); }))
      return at;
  }
  return at;
}

}  // namespace telltale::redact
