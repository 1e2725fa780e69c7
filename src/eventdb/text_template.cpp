#include "eventdb/text_template.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t kMostDigits = 18;     // fit 64 bits
constexpr std::size_t kLeastHexDigits = 6;  // shorter ones are words or numbers
constexpr std::size_t kMostHexDigits = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_letter(char c) { return c >= 'a' && c <= 'f'; }
bool is_of_token(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_hex_id(std::string_view token) {
  if (token.size() < kLeastHexDigits || token.size() > kMostHexDigits) return false;
  bool digit = false;
  bool letter = false;
  for (const char c : token) {
    digit = digit || is_digit(c);
    letter = letter || is_hex_letter(c);
    if (!is_digit(c) && !is_hex_letter(c)) return false;
  }
  return digit && letter;
}

}  // namespace

bool find_tokens(std::string_view text, std::vector<Token>& out) {
  if (text.size() > limits::kTemplateTextBytes) return false;
  const std::size_t before = out.size();
  const auto none = [&] {
    out.resize(before);
    return false;
  };
  for (std::size_t i = 0; i < text.size();) {
    if (!is_of_token(text[i])) {
      if (text[i] == kVariableMark) return none();
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && is_of_token(text[end])) ++end;
    const std::string_view token = text.substr(i, end - i);
    const auto at = static_cast<std::uint16_t>(i);
    const auto size = static_cast<std::uint16_t>(token.size());
    i = end;
    if (out.size() - before + 2 > limits::kTemplateTokens) return none();
    if (is_hex_id(token)) {
      out.push_back({at, size, VariableKind::hex});
      continue;
    }
    // `user_71` is a word and a number.
    std::size_t digits = 0;
    while (digits < token.size() && is_digit(token[token.size() - 1 - digits])) ++digits;
    const bool has_number = digits > 0 && digits <= kMostDigits;
    const auto word = static_cast<std::uint16_t>(has_number ? token.size() - digits : token.size());
    if (word > 0) out.push_back({at, word, VariableKind::word});
    if (has_number)
      out.push_back({static_cast<std::uint16_t>(at + word), static_cast<std::uint16_t>(size - word),
                     VariableKind::number});
  }
  return true;
}

std::optional<TextTemplate> TextTemplate::parse(std::string_view bytes) {
  TextTemplate out;
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t mark = std::min(bytes.find(kVariableMark, i), bytes.size());
    if (mark > i) out.pieces.push_back({std::string(bytes.substr(i, mark - i)), {}, 0});
    if (mark == bytes.size()) break;
    i = mark + 2;
    if (i > bytes.size()) return std::nullopt;
    Piece variable;
    variable.kind = static_cast<VariableKind>(bytes[i - 1]);
    if (variable.kind == VariableKind::hex) {
      if (i == bytes.size()) return std::nullopt;
      variable.width = static_cast<std::uint8_t>(bytes[i++]);
      if (variable.width == 0 || variable.width > kMostHexDigits) return std::nullopt;
    } else if (variable.kind != VariableKind::word && variable.kind != VariableKind::number) {
      return std::nullopt;
    }
    out.pieces.push_back(std::move(variable));
  }
  return out;
}

std::size_t TextTemplate::variables() const {
  return static_cast<std::size_t>(
      std::count_if(pieces.begin(), pieces.end(), [](const Piece& p) { return p.is_variable(); }));
}

}  // namespace telltale::eventdb
