#include "base/double_scan.hpp"

#include <emmintrin.h>

namespace telltale {
namespace {

/// Whether `is_it` holds anywhere in [first, end): of two values each, given by their address, it says a
/// mask.
template <class Pairs, class One>
bool any_of(const double* first, const double* end, Pairs is_it, One is_one) {
  __m128d found = _mm_setzero_pd();
  for (; end - first >= 8; first += 8) {
    const __m128d a = _mm_or_pd(is_it(first), is_it(first + 2));
    const __m128d b = _mm_or_pd(is_it(first + 4), is_it(first + 6));
    found = _mm_or_pd(found, _mm_or_pd(a, b));
  }
  bool rest = false;
  for (; first != end; ++first) rest |= is_one(first);
  return rest || _mm_movemask_pd(found) != 0;
}

}  // namespace

bool any_nan(std::span<const double> values) {
  const double* const begin = values.data();
  return any_of(
      begin, begin + values.size(),
      [](const double* v) {
        const __m128d two = _mm_loadu_pd(v);
        return _mm_cmpunord_pd(two, two);
      },
      [](const double* v) { return *v != *v; });
}

bool any_falls(std::span<const double> values) {
  if (values.size() < 2) return false;
  const double* const begin = values.data();
  return any_of(
      begin + 1, begin + values.size(),
      [](const double* v) { return _mm_cmplt_pd(_mm_loadu_pd(v), _mm_loadu_pd(v - 1)); },
      [](const double* v) { return v[0] < v[-1]; });
}

}  // namespace telltale
