#include "base/id_words.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/find.hpp"

namespace telltale {

namespace {

constexpr std::array<unsigned char, 256> make_word_bytes() {
  std::array<unsigned char, 256> out{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    if (upper || lower || digit || c == '_' || c >= 0x80)
      out[c] = static_cast<unsigned char>(upper ? c + 32 : c);
  }
  return out;
}
constexpr std::array<unsigned char, 256> kWordBytes = make_word_bytes();

bool is_decimal(char c) { return c >= '0' && c <= '9'; }
bool is_hexadecimal(char c) { return is_decimal(c) || (c >= 'a' && c <= 'f'); }
bool is_all_hexadecimal(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_hexadecimal);
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The id that the byte is in.
std::optional<Span> id_around(std::string_view text, std::size_t at) {
  // Looks no farther than an id goes: most words are none.
  const auto may_be_id = [&](std::size_t i) { return is_hexadecimal(text[i]) || text[i] == 'x'; };
  if (!may_be_id(at)) return std::nullopt;
  Span out{at, at + 1};
  for (; out.begin > 0 && word_byte(text[out.begin - 1]) != 0; --out.begin)
    if (!may_be_id(out.begin - 1)) return std::nullopt;
  for (; out.end < text.size() && word_byte(text[out.end]) != 0; ++out.end)
    if (!may_be_id(out.end)) return std::nullopt;
  if (!is_id_word(text.substr(out.begin, out.end - out.begin))) return std::nullopt;
  return out;
}

/// Where the piece stands at `from` or behind it; `closed`: at this side no id goes on.
std::size_t find_piece(std::string_view text, std::string_view piece, std::size_t from, bool closed_before,
                       bool closed_behind) {
  if (piece.empty()) return from;
  while (from < text.size()) {
    const char* found = find_bytes(text.substr(from), piece);
    if (found == nullptr) break;
    const auto at = static_cast<std::size_t>(found - text.data());
    const std::size_t end = at + piece.size();
    if (closed_before && at > 0) {
      if (const auto id = id_around(text, at); id && id->begin < at) {
        from = id->end;  // before that, it would begin in the same id
        continue;
      }
    }
    if (closed_behind && end < text.size()) {
      if (const auto id = id_around(text, end - 1); id && id->end > end) {
        from = std::max(at + 1, id->end - std::min(piece.size(), id->end));  // ends with the id
        continue;
      }
    }
    return at;
  }
  return std::string_view::npos;
}

}  // namespace

unsigned char word_byte(char c) { return kWordBytes[static_cast<unsigned char>(c)]; }

bool is_id_word(std::string_view folded) {
  if (folded.size() < kLeastIdWord) return false;
  if (folded[0] == '0' && folded[1] == 'x') return is_all_hexadecimal(folded.substr(2));
  return is_all_hexadecimal(folded) && std::any_of(folded.begin(), folded.end(), is_decimal);
}

std::string folded_text(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool says_in_order(std::string_view text, const std::vector<std::string>& pieces) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::size_t at = find_piece(text, pieces[i], from, i == 0, i + 1 == pieces.size());
    if (at == std::string_view::npos) return false;
    from = at + pieces[i].size();
  }
  return true;
}

}  // namespace telltale
