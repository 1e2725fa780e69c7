#include "base/find.hpp"

#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace telltale {

namespace {

const char* find_slowly(const char* begin, const char* end, std::string_view needle) {
  return static_cast<const char*>(
      memmem(begin, static_cast<std::size_t>(end - begin), needle.data(), needle.size()));
}

}  // namespace

#ifdef __SSE2__

// The generic SIMD of http://0x80.pl/articles/simd-strfind.html: a place is looked at where the first and the
// last byte are right.
const char* find_bytes(std::string_view text, std::string_view needle) {
  constexpr std::size_t kLane = 16;
  const char* at = text.data();
  const char* const end = at + text.size();
  const std::size_t n = needle.size();
  if (n < 2 || n > kLongestQuickNeedle) return find_slowly(at, end, needle);
  const __m128i first = _mm_set1_epi8(needle.front());
  const __m128i last = _mm_set1_epi8(needle.back());
  // Bit i: the needle may stand at p + i. Reads kLane + n - 1 bytes.
  const auto candidates = [&](const char* p) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + n - 1));
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last))));
  };
  const auto first_of = [&](const char* p, unsigned mask) -> const char* {
    for (; mask != 0; mask &= mask - 1) {
      const char* const found = p + __builtin_ctz(mask);
      if (std::memcmp(found + 1, needle.data() + 1, n - 2) == 0) return found;
    }
    return nullptr;
  };
  if (text.size() < kLane + n - 1) return find_slowly(at, end, needle);
  const char* const last_lane = end - (kLane + n - 1);
  for (; at + kLane <= last_lane; at += 2 * kLane) {
    const unsigned mask = candidates(at) | candidates(at + kLane) << kLane;
    if (const char* found = first_of(at, mask)) return found;
  }
  if (at <= last_lane)
    if (const char* found = first_of(at, candidates(at))) return found;
  return first_of(last_lane, candidates(last_lane));  // may look at places again
}

#else

const char* find_bytes(std::string_view text, std::string_view needle) {
  return find_slowly(text.data(), text.data() + text.size(), needle);
}

#endif

}  // namespace telltale
