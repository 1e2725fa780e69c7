// What it means that a text says something, in one place for indexes, walks and tests. A text is words:
// longest runs of letters, digits, underscores and bytes beyond ASCII. Any part of a word finds it. But words
// that identify one thing (numbers, hexadecimal digits, addresses) are one each: `12345` is not in
// `99123456`, nor `bad` in `3bad4f`, unless the question leaves open with a star how the id goes on
// (`12345*`, `*bad*`). So an index can lead from an id to where it stands.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace telltale {

inline constexpr std::size_t kLeastIdWord = 4;  // characters of an id; shorter ones are words as others

/// 0 for a byte that is in no word, else the byte, ASCII upper case as lower.
unsigned char word_byte(char c);
/// Whether a word is an id: hexadecimal digits with a digit among them, or 0x and hexadecimal digits.
bool is_id_word(std::string_view folded);
/// ASCII upper case as lower.
std::string folded_text(std::string_view text);

/// Whether the pieces stand in the text in this order with anything between them, where the first byte of the
/// first and the last byte of the last do not stand inside of an id that goes on there. An empty piece at an
/// end is a star, and any id may go on. Both folded; at least one piece.
bool says_in_order(std::string_view text, const std::vector<std::string>& pieces);

}  // namespace telltale
