#include "eventdb/text_template.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"

namespace telltale::eventdb {

namespace {

constexpr std::size_t kMostDigits = 18;     // fit 64 bits
constexpr std::size_t kLeastHexDigits = 6;  // shorter ones are words or numbers
constexpr std::size_t kMostHexDigits = 64;

enum : std::uint8_t { kOfToken = 1, kDigit = 2, kHexDigit = 4, kMark = 8 };

constexpr std::array<std::uint8_t, 256> make_classes_of_bytes() {
  std::array<std::uint8_t, 256> out{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (digit || letter || c == '_' || c >= 0x80) out[c] |= kOfToken;
    if (digit) out[c] |= kDigit;
    if (digit || (c >= 'a' && c <= 'f')) out[c] |= kHexDigit;
  }
  out[static_cast<unsigned char>(kVariableMark)] = kMark;
  return out;
}
constexpr std::array<std::uint8_t, 256> kClassesOfBytes = make_classes_of_bytes();
std::uint8_t class_of_byte(char c) { return kClassesOfBytes[static_cast<unsigned char>(c)]; }

}  // namespace

std::size_t variable_at(std::string_view text, VariableKind kind, std::uint8_t width) {
  std::size_t end = 0;
  if (kind == VariableKind::number) {
    while (end < text.size() && (class_of_byte(text[end]) & kDigit) != 0) ++end;
    return end <= kMostDigits ? end : 0;
  }
  if (kind == VariableKind::hex) {
    if (text.size() < width) return 0;
    while (end < width && (class_of_byte(text[end]) & kHexDigit) != 0) ++end;
    const bool ends = end == text.size() || (class_of_byte(text[end]) & kOfToken) == 0;
    return end == width && ends ? end : 0;
  }
  std::size_t digits_from = 0;
  for (; end < text.size(); ++end) {
    const std::uint8_t c = class_of_byte(text[end]);
    if ((c & kOfToken) == 0) break;
    if ((c & kDigit) == 0) digits_from = end + 1;
  }
  return end - digits_from <= kMostDigits ? digits_from : end;
}

bool find_tokens(std::string_view text, std::vector<Token>& out) {
  if (text.size() > limits::kTemplateTextBytes) return false;
  const std::size_t before = out.size();
  const auto none = [&] {
    out.resize(before);
    return false;
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t first = class_of_byte(text[i]);
    if ((first & kOfToken) == 0) {
      if (first == kMark) return none();
      ++i;
      continue;
    }
    std::uint8_t all = first;
    std::uint8_t any = first;
    std::size_t end = i + 1;
    std::size_t digits_from = (first & kDigit) != 0 ? i : end;  // `user_71` is a word and a number
    for (; end < text.size(); ++end) {
      const std::uint8_t c = class_of_byte(text[end]);
      if ((c & kOfToken) == 0) break;
      all &= c;
      any |= c;
      if ((c & kDigit) == 0) digits_from = end + 1;
    }
    const auto at = static_cast<std::uint16_t>(i);
    const auto size = static_cast<std::uint16_t>(end - i);
    if (out.size() - before + 2 > limits::kTemplateTokens) return none();
    const bool hex = (all & kHexDigit) != 0 && (all & kDigit) == 0 && (any & kDigit) != 0;
    if (hex && size >= kLeastHexDigits && size <= kMostHexDigits) {
      out.push_back({at, size, VariableKind::hex});
    } else {
      const std::size_t digits = end - digits_from;
      const auto number = static_cast<std::uint16_t>(digits <= kMostDigits ? digits : 0);
      const auto word = static_cast<std::uint16_t>(size - number);
      if (word > 0) out.push_back({at, word, VariableKind::word});
      if (number > 0) out.push_back({static_cast<std::uint16_t>(at + word), number, VariableKind::number});
    }
    i = end;
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

std::optional<std::size_t> count_variables(std::string_view template_bytes) {
  std::size_t count = 0;
  for (std::size_t i = template_bytes.find(kVariableMark); i != std::string_view::npos;
       i = template_bytes.find(kVariableMark, i)) {
    if (++i >= template_bytes.size()) return std::nullopt;
    i += static_cast<VariableKind>(template_bytes[i]) == VariableKind::hex ? 2 : 1;
    ++count;
    if (i > template_bytes.size()) return std::nullopt;
  }
  return count;
}

}  // namespace telltale::eventdb
