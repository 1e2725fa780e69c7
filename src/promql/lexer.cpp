#include "promql/lexer.hpp"

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/promql_limits.hpp"
#include "base/text.hpp"
#include "promql/parser.hpp"

namespace telltale::promql {

std::string position(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  }
  return std::to_string(line) + ":" + std::to_string(offset - line_start + 1);
}

Error parse_error(std::string_view text, std::size_t offset, const std::string& message) {
  // A message may quote what was asked, and that may be long; what is cut of a character JSON replaces.
  const bool cut = message.size() > limits::kMaxParseMessageBytes;
  return {ErrorKind::invalid_argument,
          position(text, offset) + ": parse error: " + message.substr(0, limits::kMaxParseMessageBytes) +
              (cut ? "…" : "")};
}

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}
bool is_name_char(char c) { return is_name_start(c) || is_digit(c); }

/// Reads `count` digits of `base` at `i`; -1 when they are not there.
std::int64_t read_digits(std::string_view s, std::size_t i, int count, int base) {
  if (i + count > s.size()) return -1;
  std::int64_t value = 0;
  for (int k = 0; k < count; ++k) {
    const char c = s[i + k];
    int digit = 99;
    if (is_digit(c)) digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit >= base) return -1;
    value = value * base + digit;
  }
  return value;
}

/// One escape sequence after a backslash at s[i]; false if there is no such escape. Moves i behind it.
bool read_escape(std::string_view s, std::size_t& i, char quote, std::string& out) {
  const char c = s[i];
  static constexpr std::string_view kFrom = "abfnrtv\\";
  static constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\";
  if (const auto at = kFrom.find(c); at != std::string_view::npos) {
    out += kTo[at];
    ++i;
    return true;
  }
  if (c == quote) {
    out += c;
    ++i;
    return true;
  }
  int digits = 0;
  int base = 16;
  std::size_t skip = 1;
  if (c == 'x') digits = 2;
  if (c == 'u') digits = 4;
  if (c == 'U') digits = 8;
  if (c >= '0' && c <= '7') {
    digits = 3;
    base = 8;
    skip = 0;
  }
  if (digits == 0) return false;
  const std::int64_t value = read_digits(s, i + skip, digits, base);
  if (value < 0) return false;
  if (base == 8 || c == 'x') {
    if (value > 255) return false;
    out += static_cast<char>(value);
  } else {
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return false;
    append_utf8(out, static_cast<std::uint32_t>(value));
  }
  i += skip + digits;
  return true;
}

/// `1h30m` in seconds, or nothing if the text is not of that form.
bool read_duration(std::string_view s, double& seconds) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  static constexpr Unit kUnits[] = {{"y", 31536000}, {"w", 604800}, {"d", 86400}, {"h", 3600},
                                    {"m", 60},       {"s", 1},      {"ms", 0.001}};
  seconds = 0;
  std::size_t i = 0;
  std::size_t next_unit = 0;
  double millis = 0;
  while (i < s.size()) {
    const std::size_t digits_at = i;
    double n = 0;
    while (i < s.size() && is_digit(s[i])) n = n * 10 + (s[i++] - '0');
    if (i == digits_at) return false;
    const std::size_t unit_at = i;
    while (i < s.size() && !is_digit(s[i])) ++i;
    const std::string_view unit = s.substr(unit_at, i - unit_at);
    while (next_unit < std::size(kUnits) && kUnits[next_unit].name != unit) ++next_unit;
    if (next_unit == std::size(kUnits)) return false;
    if (unit == "ms") {
      millis += n;
    } else {
      millis += n * kUnits[next_unit].seconds * 1000;
    }
    ++next_unit;
  }
  seconds = millis / 1000;
  return !s.empty();
}

bool read_number(std::string_view word, double& out) {
  std::string s;
  for (char c : word) {
    if (c != '_') s += c;
  }
  const std::string lower = to_lower(s);
  if (lower == "inf" || lower == "nan") {
    out = lower == "inf" ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  int base = 10;
  std::size_t skip = 0;
  if (lower.size() > 2 && lower[0] == '0' && (lower[1] == 'x' || lower[1] == 'b' || lower[1] == 'o')) {
    base = lower[1] == 'x' ? 16 : lower[1] == 'b' ? 2 : 8;
    skip = 2;
  } else if (lower.size() > 1 && lower[0] == '0' &&
             lower.find_first_not_of("01234567") == std::string::npos) {
    base = 8;  // Go reads a leading zero as octal
  }
  if (base != 10) {
    char* stop = nullptr;
    out = static_cast<double>(std::strtoull(lower.c_str() + skip, &stop, base));
    if (*stop == '\0') return true;
    if (base != 16) return false;
  }
  char* stop = nullptr;
  out = std::strtod(lower.c_str(), &stop);
  return stop != lower.c_str() && *stop == '\0';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    while (true) {
      skip_space();
      if (at_ >= text_.size()) break;
      TT_TRY(scan_one());
    }
    Token last;
    last.begin = last.end = text_.size();
    tokens_.push_back(last);
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_space() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else if (text_[at_] == '#') {
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
    token.end = at_;
    token.text = text_.substr(begin, at_ - begin);
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  Result<> scan_one() {
    const char c = peek();
    if (c == '"' || c == '\'' || c == '`') return scan_string();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return scan_number();
    if (is_name_start(c) && !(c == ':' && in_brackets_)) return scan_word();
    return scan_symbol();
  }

  Result<> scan_string() {
    const std::size_t begin = at_;
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\n' && quote != '`') break;
      if (text_[at_] == '\\' && quote != '`') ++at_;
      ++at_;
    }
    if (at_ >= text_.size() || text_[at_] != quote) {
      at_ = text_.size();
      return tl::unexpected(parse_error(text_, begin, "unterminated quoted string"));
    }
    ++at_;
    Token& token = push(TokenKind::string, begin);
    auto value = unquote(token.text);
    if (!value) return tl::unexpected(parse_error(text_, begin, value.error().message()));
    token.value = *std::move(value);
    return {};
  }

  Result<> scan_number() {
    const std::size_t begin = at_;
    const bool hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool exponent_sign =
          (c == '+' || c == '-') && !hex && at_ > begin && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      if (!exponent_sign && std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_') break;
      ++at_;
    }
    Token& token = push(TokenKind::number, begin);
    if (read_duration(token.text, token.number) || read_number(token.text, token.number)) return {};
    return tl::unexpected(
        parse_error(text_, begin, "bad number or duration syntax: \"" + std::string(token.text) + "\""));
  }

  Result<> scan_word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    Token& token = push(TokenKind::identifier, begin);
    token.value = to_lower(token.text);
    if ((token.value == "inf" || token.value == "nan") && !in_braces_) {
      token.kind = TokenKind::number;
      (void)read_number(token.text, token.number);
    }
    return {};
  }

  Result<> scan_symbol() {
    static constexpr std::string_view kTwo[] = {"==", "!=", "<=", ">=", "=~", "!~", "</", ">/"};
    static constexpr std::string_view kOne = "+-*/%^<>=@(){}[],:";
    const std::size_t begin = at_;
    for (std::string_view two : kTwo) {
      if (text_.substr(at_, 2) != two) continue;
      at_ += 2;
      push(TokenKind::symbol, begin);
      return {};
    }
    const char c = peek();
    if (kOne.find(c) == std::string_view::npos) {
      const std::string_view shown = truncate_utf8(text_.substr(at_), 4);
      return tl::unexpected(
          parse_error(text_, at_, "unexpected character: '" + std::string(shown.substr(0, 1)) + "'"));
    }
    in_brackets_ = c == '[' ? true : (c == ']' ? false : in_brackets_);
    in_braces_ = c == '{' ? true : (c == '}' ? false : in_braces_);
    ++at_;
    push(TokenKind::symbol, begin);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_brackets_ = false;
  bool in_braces_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::string> unquote(std::string_view quoted) {
  const char quote = quoted.front();
  const std::string_view body = quoted.substr(1, quoted.size() - 2);
  if (quote == '`') return std::string(body);
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    if (body[i] != '\\') {
      out += body[i++];
      continue;
    }
    ++i;
    if (i >= body.size() || !read_escape(body, i, quote, out)) {
      return fail(ErrorKind::invalid_argument, "unknown escape sequence in string");
    }
  }
  return out;
}

Result<std::vector<Token>> lex(std::string_view text) { return Scanner(text).run(); }

}  // namespace telltale::promql
