#include "redact/number_scan.hpp"

#include <algorithm>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "redact/shapes.hpp"

namespace telltale::redact {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper_letter(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return is_digit(c) || is_upper_letter(c) || (c >= 'a' && c <= 'z'); }
bool is_mark(char c) { return c == ' ' || c == '-' || c == '+' || c == '%'; }

constexpr std::size_t kLongestCard = 19;

/// Walks no further than one digit more than any number of ours has.
std::size_t run_start(std::string_view text, std::size_t inside) {
  const std::size_t least = inside > kLongestCard ? inside - kLongestCard - 1 : 0;
  while (inside > least && is_digit(text[inside - 1])) --inside;
  return inside;
}
std::size_t run_end(std::string_view text, std::size_t at) {
  const std::size_t most = std::min(text.size(), at + kLongestCard + 1);
  while (at < most && is_digit(text[at])) ++at;
  return at;
}

void set_bits(CharMasks& masks, char c, std::size_t i) {
  masks.digits |= std::uint64_t{is_digit(c)} << i;
  masks.upper |= std::uint64_t{is_upper_letter(c)} << i;
  masks.marks |= std::uint64_t{is_mark(c)} << i;
}

#ifdef __SSE2__
/// Bit i: low ≤ byte i ≤ high, both below 128.
std::uint64_t between(__m128i bytes, char low, char high) {
  const __m128i above = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(low - 1)));
  const __m128i below = _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(high + 1)));
  return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(_mm_and_si128(above, below))));
}
std::uint64_t equal_to(__m128i bytes, char c) {
  return static_cast<std::uint64_t>(
      static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)))));
}
#endif

}  // namespace

CharMasks masks_of(std::string_view text) {
  CharMasks out;
  std::size_t i = 0;
#ifdef __SSE2__
  for (; i + 16 <= text.size() && i < 64; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    out.digits |= between(bytes, '0', '9') << i;
    out.upper |= between(bytes, 'A', 'Z') << i;
    out.marks |= (equal_to(bytes, ' ') | equal_to(bytes, '-') | equal_to(bytes, '+') | equal_to(bytes, '%'))
                 << i;
  }
#endif
  for (; i < text.size() && i < 64; ++i) set_bits(out, text[i], i);
  return out;
}

bool may_be_card_run(std::string_view text, std::size_t begin) {
  if (begin > 0 && is_word(text[begin - 1])) return false;
  return is_card_number(text.substr(begin, run_end(text, begin) - begin));
}

std::size_t grouped_number(std::string_view text, std::size_t separator) {
  const std::size_t begin = run_start(text, separator);
  const std::size_t length = separator - begin;
  if (begin > 0 && is_word(text[begin - 1])) return kFirstShape;
  if (length == 3) return is_ssn(text.substr(begin, 11)) ? kSsns : kFirstShape;
  // A card's first group is followed by at least two others.
  const std::string_view between_groups = group_separator(text, separator);
  if (length != 4 || between_groups.empty()) return kFirstShape;
  const std::size_t from = separator + between_groups.size();
  const std::size_t second = run_end(text, from);
  const std::size_t digits = second - from;
  if ((digits != 4 && digits != 6) || group_separator(text, second) != between_groups) return kFirstShape;
  const std::size_t third = second + between_groups.size();
  return third < text.size() && is_digit(text[third]) ? kCards : kFirstShape;
}

bool may_be_iban(std::string_view text, std::size_t begin) {
  constexpr std::size_t kShortest = 15;
  if (begin > 0 && is_word(text[begin - 1])) return false;
  if (begin + kShortest > text.size()) return false;
  for (std::size_t i = begin + 4; i < begin + kShortest; ++i)
    if (!is_digit(text[i]) && !is_upper_letter(text[i]) && text[i] != ' ') return false;
  return true;
}

}  // namespace telltale::redact
