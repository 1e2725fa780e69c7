// The prefilter's part for shapes made of nothing but classes of characters (cards, IBANs, social security
// numbers): they have no literal to look for, and bit masks of 64 characters at a time are quicker than an
// automaton. For this folder's .cpp files.
#pragma once

#include <cstdint>
#include <string_view>

#include "redact/prefilter.hpp"

namespace telltale::redact {

/// Calls found(detector, position) for every place where find_cards(), find_ssns() or find_ibans() may find
/// something; a place may be told of more than once. A zero byte separates texts.
template <class Found>
void scan_numbers(std::string_view text, Found found);

/// What a place with a separator between digits, the start of a long run of digits or an IBAN's start may be.
/// Each looks at a few dozen characters at most.
bool may_be_card_run(std::string_view text, std::size_t begin);
bool may_be_iban(std::string_view text, std::size_t begin);
/// kCards, kSsns or kFirstShape for neither.
std::size_t grouped_number(std::string_view text, std::size_t separator);

struct CharMasks {
  std::uint64_t digits = 0;
  std::uint64_t upper = 0;
  std::uint64_t marks = 0;  // blanks and dashes
};
/// Of up to 64 characters, the first in the lowest bit.
CharMasks masks_of(std::string_view text);

template <class Found>
void scan_numbers(std::string_view text, Found found) {
  // Windows overlap by more than the longest thing that a mask shows as a whole: 14 digits in a row.
  constexpr std::size_t kWindow = 64;
  constexpr std::size_t kStep = 48;
  for (std::size_t at = 0; at < text.size(); at += kStep) {
    const CharMasks m = masks_of(text.substr(at, kWindow));
    if (m.digits != 0) {
      // Bit i: the characters i … i+n-1 are digits.
      const std::uint64_t two = m.digits & (m.digits >> 1);
      const std::uint64_t four = two & (two >> 2);
      const std::uint64_t eight = four & (four >> 4);
      if (std::uint64_t runs = eight & (eight >> 6); runs != 0) {
        // Only where a run begins: its other digits would ask for the same run again.
        const bool goes_on = at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9';
        runs &= ~((m.digits << 1) | std::uint64_t{goes_on});
        for (; runs != 0; runs &= runs - 1) {
          const std::size_t i = at + static_cast<std::size_t>(__builtin_ctzll(runs));
          if (may_be_card_run(text, i)) found(kCards, i);
        }
      }
      // Three digits or more, a mark, two digits or more.
      const std::uint64_t grouped = (two & (m.digits >> 2)) & (m.marks >> 3) & (two >> 4);
      for (std::uint64_t places = grouped; places != 0; places &= places - 1) {
        const std::size_t mark = at + static_cast<std::size_t>(__builtin_ctzll(places)) + 3;
        if (const std::size_t detector = grouped_number(text, mark); detector != kFirstShape)
          found(static_cast<Detector>(detector), mark);
      }
      for (std::uint64_t starts = m.upper & (m.upper >> 1) & (two >> 2); starts != 0; starts &= starts - 1) {
        const std::size_t i = at + static_cast<std::size_t>(__builtin_ctzll(starts));
        if (may_be_iban(text, i)) found(kIbans, i);
      }
    }
    if (text.size() - at <= kWindow) break;
  }
}

}  // namespace telltale::redact
