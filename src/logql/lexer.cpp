#include "logql/lexer.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "logql/units.hpp"

namespace telltale::logql {

Error parse_error(std::string_view text, std::size_t offset, std::string_view message) {
  std::size_t line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] != '\n') continue;
    ++line;
    line_start = i + 1;
  }
  return {ErrorKind::invalid_argument,
          fmt::format("parse error at line {}, col {}: {}", line, offset - line_start + 1, message)};
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (u < 0x20 || u == 0x7F) {
      out += fmt::format("\\x{:02x}", u);
    } else {
      out += c;
    }
  }
  return out + '"';
}

namespace {

bool lex_digit(char c) { return c >= '0' && c <= '9'; }
bool word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool word_char(char c) { return word_start(c) || lex_digit(c) || c == ':'; }

std::optional<std::uint32_t> escape_number(std::string_view digits, unsigned base) {
  std::uint32_t value = 0;
  for (const char c : digits) {
    unsigned digit = 99;
    if (lex_digit(c)) digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

/// One escape of Go's interpreted strings, `s` being what follows the backslash. Its length; 0: there is no
/// such one.
std::size_t decode_escape(std::string_view s, std::string& out) {
  if (s.empty()) return 0;
  static constexpr std::string_view kFrom = "abfnrtv\\\"'";
  static constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\\"'";
  if (const auto at = kFrom.find(s[0]); at != std::string_view::npos) {
    out += kTo[at];
    return 1;
  }
  std::size_t digits = 0;
  std::size_t skip = 1;
  unsigned base = 16;
  if (s[0] == 'x') digits = 2;
  if (s[0] == 'u') digits = 4;
  if (s[0] == 'U') digits = 8;
  if (s[0] >= '0' && s[0] <= '7') {
    digits = 3;
    skip = 0;
    base = 8;
  }
  if (digits == 0 || s.size() < skip + digits) return 0;
  const auto value = escape_number(s.substr(skip, digits), base);
  if (!value) return 0;
  if (digits <= 3) {
    if (*value > 255) return 0;
    out += static_cast<char>(*value);
  } else {
    if (*value > 0x10FFFF || (*value >= 0xD800 && *value < 0xE000)) return 0;
    append_utf8(out, *value);
  }
  return skip + digits;
}

class LogqlScanner {
 public:
  explicit LogqlScanner(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    while (true) {
      skip_space();
      if (at_ >= text_.size()) break;
      TT_TRY(scan_one());
    }
    Token last;
    last.begin = text_.size();
    tokens_.push_back(last);
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  tl::unexpected<Error> error(std::size_t offset, std::string_view message) const {
    return tl::unexpected(parse_error(text_, offset, message));
  }

  void skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++at_;
      } else if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  Token& push(TokenKind kind, std::size_t begin) {
    Token token;
    token.kind = kind;
    token.begin = begin;
    token.text = text_.substr(begin, at_ - begin);
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  Result<> scan_one() {
    const char c = peek();
    if (c == '"' || c == '`') return scan_string();
    if (lex_digit(c) || (c == '.' && lex_digit(peek(1)))) return scan_number();
    if (word_start(c)) return scan_word();
    if (c == '[') return scan_range();
    if (c == '-' && peek(1) == '-' && word_start(peek(2))) return scan_flag();
    return scan_symbol();
  }

  Result<> scan_string() {
    const std::size_t begin = at_;
    const char quote_mark = text_[at_++];
    std::string value;
    while (true) {
      if (at_ >= text_.size() || (text_[at_] == '\n' && quote_mark == '"'))
        return error(begin, "a string that is not closed");
      const char c = text_[at_++];
      if (c == quote_mark) break;
      if (c != '\\' || quote_mark == '`') {
        if (c != '\r' || quote_mark == '"') value += c;  // as Go: raw strings lose their carriage returns
        continue;
      }
      const std::size_t length = decode_escape(text_.substr(at_), value);
      if (length == 0)
        return error(at_ - 1, "an unknown escape in a string; a raw string stands in backticks");
      at_ += length;
    }
    push(TokenKind::string, begin).value = std::move(value);
    return {};
  }

  Result<> scan_number() {
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const char before = at_ > begin ? text_[at_ - 1] : ' ';
      const bool exponent_sign = (c == '+' || c == '-') && (before == 'e' || before == 'E') &&
                                 lex_digit(peek(1)) && text_.substr(begin, 2) != "0x";
      const bool micro = static_cast<unsigned char>(c) >= 0x80;
      if (!exponent_sign && !micro && !lex_digit(c) && !word_start(c) && c != '.') break;
      ++at_;
    }
    const std::string_view written = text_.substr(begin, at_ - begin);
    if (const auto number = parse_go_float(written)) {
      push(TokenKind::number, begin).number = *number;
      return {};
    }
    if (const auto duration = parse_any_duration(written)) {
      Token& token = push(TokenKind::duration, begin);
      token.duration = *duration;
      token.number = static_cast<double>(duration->count());
      return {};
    }
    if (const auto bytes = parse_byte_size(written)) {
      push(TokenKind::bytes, begin).number = static_cast<double>(*bytes);
      return {};
    }
    return error(begin, fmt::format("not a number, duration or byte size: {}", truncate_utf8(written, 40)));
  }

  Result<> scan_word() {
    const std::size_t begin = at_;
    // Ours: names may be written as their source gave them, with dots.
    while (at_ < text_.size() && (word_char(text_[at_]) || (text_[at_] == '.' && word_start(peek(1))))) ++at_;
    Token& token = push(TokenKind::word, begin);
    token.value = to_lower(token.text);
    return {};
  }

  Result<> scan_range() {
    const std::size_t begin = at_;
    const std::size_t close = text_.find(']', at_);
    if (close == std::string_view::npos) return error(begin, "a range that is not closed: missing ]");
    std::string_view inside = text_.substr(begin + 1, close - begin - 1);
    while (!inside.empty() && inside.front() == ' ') inside.remove_prefix(1);
    while (!inside.empty() && inside.back() == ' ') inside.remove_suffix(1);
    const auto duration = parse_any_duration(inside);
    if (!duration || duration->count() <= 0)
      return error(begin + 1,
                   fmt::format("not a range: [{}], wanted a duration as in [5m]", truncate_utf8(inside, 40)));
    at_ = close + 1;
    push(TokenKind::range, begin).duration = *duration;
    return {};
  }

  Result<> scan_flag() {
    const std::size_t begin = at_;
    at_ += 2;
    while (at_ < text_.size() && (word_char(text_[at_]) || text_[at_] == '-')) ++at_;
    push(TokenKind::flag, begin);
    return {};
  }

  Result<> scan_symbol() {
    static constexpr std::string_view kTwo[] = {"|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<="};
    static constexpr std::string_view kOne = "|=<>+-*/%^(){},";
    const std::size_t begin = at_;
    for (const std::string_view two : kTwo) {
      if (text_.substr(at_, 2) != two) continue;
      at_ += 2;
      push(TokenKind::symbol, begin);
      return {};
    }
    if (kOne.find(peek()) == std::string_view::npos) {
      std::size_t length = 1;
      while (at_ + length < text_.size() && (static_cast<unsigned char>(text_[at_ + length]) & 0xC0) == 0x80)
        ++length;
      return error(at_,
                   fmt::format("unexpected character {}", quote(repair_utf8(text_.substr(at_, length)))));
    }
    ++at_;
    push(TokenKind::symbol, begin);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> lex(std::string_view text) { return LogqlScanner(text).run(); }

}  // namespace telltale::logql
