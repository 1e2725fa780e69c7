// Separators are looked for, and the name is read backwards from each: text has few separators.
#include "redact/pairs.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace telltale::redact {
namespace {

constexpr std::size_t kMaxSpaces = 4;
constexpr std::size_t kMaxTagBytes = 256;

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_key_char(char c) { return is_alpha(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

bool is_value_end(char c) {
  return is_blank(c) || c == ',' || c == ';' || c == '&' || c == '"' || c == '\'' || c == '}' || c == ')' ||
         c == ']' || c == '<' || c == '>' || c == '\\';
}

std::size_t word_end(std::string_view text, std::size_t from) {
  while (from < text.size() && !is_value_end(text[from])) ++from;
  return from;
}

std::string_view key_ending_at(std::string_view text, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && is_key_char(text[begin - 1])) --begin;
  while (begin < end && !is_alpha(text[begin]) && text[begin] != '_') ++begin;
  return text.substr(begin, end - begin);
}

/// The name that ends before the separator at `at`, with blanks and a quote between them.
std::string_view key_ahead_of(std::string_view text, std::size_t at) {
  for (std::size_t n = 0; n < kMaxSpaces && at > 0 && is_blank(text[at - 1]); ++n) --at;
  if (at > 0 && (text[at - 1] == '"' || text[at - 1] == '\'')) --at;
  while (at > 0 && text[at - 1] == '\\') --at;
  return key_ending_at(text, at);
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  for (std::size_t n = 0; n < kMaxSpaces && at < text.size() && is_blank(text[at]); ++n) ++at;
  return at;
}

/// The value that starts at `at`: the inside of quotes (plain or escaped), or up to a separator; a scheme
/// word (`Bearer x`) takes the word after it along.
Match value_at(std::string_view text, std::size_t at) {
  std::size_t slashes = 0;
  while (at + slashes < text.size() && text[at + slashes] == '\\') ++slashes;
  const std::size_t quote_at = at + slashes;
  if (quote_at < text.size() && (text[quote_at] == '"' || text[quote_at] == '\'')) {
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
  std::size_t end = word_end(text, at);
  for (const std::string_view scheme :
       {"bearer", "basic", "token", "digest", "sentry", "apikey", "negotiate"})
    if (equal_ignore_case(text.substr(at, end - at), scheme) && end < text.size() && text[end] == ' ')
      end = word_end(text, end + 1);
  return {at, end, 0};
}

bool ends_with_word(std::string_view key, std::string_view word) {
  return key.size() >= word.size() && equal_ignore_case(key.substr(key.size() - word.size()), word);
}

/// `private_key=/etc/ssl/key.pem` names a file.
bool may_name_a_file(std::string_view key) {
  return ends_with_word(key, "key") || ends_with_word(key, "file") || ends_with_word(key, "path") ||
         ends_with_word(key, "credentials");
}

class PairFinder {
 public:
  PairFinder(std::string_view text, const KindOf& kind, std::vector<Match>& out)
      : text_(text), kind_(kind), out_(out) {}

  void run() {
    for (std::size_t at = text_.find_first_of(kMarks); at < text_.size();
         at = text_.find_first_of(kMarks, at)) {
      switch (text_[at]) {
        case '=':
        case ':':
          at = assigned(at);
          break;
        case '%':
          at = encoded(at);
          break;
        case '>':
          at = element(at);
          break;
        default:
          at = flag(at);
      }
    }
  }

 private:
  static constexpr std::string_view kMarks = "=:%>-";

  std::size_t keep(KeyKind kind, Match value, std::size_t otherwise) {
    const std::string_view v = text_.substr(value.begin, value.end - value.begin);

    if (is_harmless_value(kind, v)) return otherwise;
    out_.push_back(value);
    return value.end;
  }

  std::size_t assigned(std::size_t at) {
    const char separator = text_[at];
    const std::string_view key = key_ahead_of(text_, at);
    std::size_t next = at + 1;
    if (key.empty()) return next;
    const KeyKind kind = kind_(key);
    if (kind == KeyKind::plain) return next;
    if (separator == '=' && next < text_.size() && text_[next] == '>') ++next;
    const std::size_t from = skip_spaces(text_, next);
    Match value = value_at(text_, from);
    const bool bare = value.begin == from;
    const std::string_view v = text_.substr(value.begin, value.end - value.begin);
    if (bare) {
      // "Unexpected token: identifier" is prose.
      if (kind == KeyKind::soft && separator == ':' && !looks_like_credential(v)) return next;
      if (!v.empty() && (v.front() == '{' || v.front() == '[')) return next;
      if (!v.empty() && v.front() == '/' && may_name_a_file(key)) return next;
      // A cookie header holds several secrets.
      if (ends_with_word(key, "cookie") && separator == ':')
        value.end = std::min(text_.find_first_of("\r\n\"", from), text_.size());
    }
    return keep(kind, value, next);
  }

  /// `password%3Dhunter2%26`: a query inside a query.
  std::size_t encoded(std::size_t at) {
    const std::size_t next = at + 1;
    const std::string_view code = text_.substr(at, 3);
    if (!equal_ignore_case(code, "%3d") && !equal_ignore_case(code, "%3a")) return next;
    const std::string_view key = key_ending_at(text_, at);
    const KeyKind kind = key.empty() ? KeyKind::plain : kind_(key);
    if (kind == KeyKind::plain) return next;
    const std::size_t from = at + 3;
    std::size_t end = word_end(text_, from);
    end = std::min({end, text_.find("%26", from), text_.find("%22", from)});
    return keep(kind, {from, end, 0}, next);
  }

  /// `<password>hunter2</password>`.
  std::size_t element(std::size_t at) {
    const std::size_t next = at + 1;
    const std::size_t open = text_.rfind('<', at);
    if (open == std::string_view::npos || at - open > kMaxTagBytes) return next;
    std::size_t end = open + 1;
    while (end < at && (is_key_char(text_[end]) || text_[end] == ':')) ++end;
    std::string_view key = text_.substr(open + 1, end - open - 1);
    if (const auto colon = key.rfind(':'); colon != std::string_view::npos) key.remove_prefix(colon + 1);
    if (key.empty() || text_[at - 1] == '/') return next;
    const KeyKind kind = kind_(key);
    if (kind == KeyKind::plain) return next;
    const std::size_t close = text_.find('<', next);
    if (close == std::string_view::npos || close == next) return next;
    return keep(kind, {next, close, 0}, next);
  }

  /// `--password hunter2`.
  std::size_t flag(std::size_t at) {
    if (at + 2 >= text_.size() || text_[at + 1] != '-' || !is_alpha(text_[at + 2])) return at + 1;
    if (at > 0 && !is_blank(text_[at - 1]) && text_[at - 1] != '"' && text_[at - 1] != '\'') return at + 1;
    std::size_t end = at + 2;
    while (end < text_.size() && is_key_char(text_[end])) ++end;
    if (end >= text_.size() || !is_blank(text_[end])) return end;
    const std::string_view key = text_.substr(at + 2, end - at - 2);
    const KeyKind kind = kind_(key);
    if (kind == KeyKind::plain) return end;
    const std::size_t from = skip_spaces(text_, end);
    if (from >= text_.size() || text_[from] == '-') return end;
    return keep(kind, value_at(text_, from), end);
  }

  const std::string_view text_;
  const KindOf& kind_;
  std::vector<Match>& out_;
};

}  // namespace

void find_pairs(std::string_view text, const KindOf& kind, std::vector<Match>& out) {
  PairFinder(text, kind, out).run();
}

std::string_view key_before(std::string_view text, std::size_t at) {
  const auto skip = [&](std::string_view marks) {
    while (at > 0 && marks.find(text[at - 1]) != std::string_view::npos) --at;
  };
  skip(" \"'\\");
  if (at == 0 || (text[at - 1] != '=' && text[at - 1] != ':')) return {};
  --at;
  skip(" \"'\\");
  return key_ending_at(text, at);
}

bool looks_like_credential(std::string_view s) {
  return s.find_first_of("0123456789") != std::string_view::npos || s.size() >= 16 ||
         s.find_first_of("._~+/=") != std::string_view::npos;
}

}  // namespace telltale::redact
