// Ranges with `anchored` or `smoothed`: no extrapolation, but samples from outside of the range. `anchored`
// starts from the last sample at or before the range's begin; `smoothed` draws a line between the samples
// on both sides of either edge. Both look as far as the look-back.
#include <algorithm>

#include "promql/eval.hpp"

namespace telltale::promql {
namespace {

/// On the line from sample i to i + 1. A counter that falls between them is taken to restart from zero.
double on_line(const Columns& w, std::size_t i, std::int64_t t, bool counter) {
  const double b = w.values[i + 1];
  const double a = counter && b < w.values[i] ? 0 : w.values[i];
  return a + (b - a) * static_cast<double>(t - w.times[i]) / static_cast<double>(w.times[i + 1] - w.times[i]);
}

/// What falls in front of resets add, from `before` over the samples in [begin, end) to `last`.
double lost_to_resets(const Window& w, double before, std::size_t begin, std::size_t end, double last) {
  double lost = 0;
  for (std::size_t i = begin; i < end; ++i) {
    if (w.values[i] < before) lost += before;
    before = w.values[i];
  }
  return last < before ? lost + before : lost;
}

double growth(const Window& w, std::size_t first, std::size_t last, bool smooth, bool counter) {
  double left = w.values[first];
  double right = w.values[last];
  if (smooth && w.times[first] < w.from) left = on_line(w, first, w.from, counter);
  if (smooth && last > 0 && w.times[last] > w.to) right = on_line(w, last - 1, w.to, counter);
  if (!counter) return right - left;
  return right - left + lost_to_resets(w, left, first + 1, std::max(first + 1, last), right);
}

}  // namespace

bool takes_extension(std::string_view function, Extension extension) {
  if (function == "delta" || function == "increase" || function == "rate") return true;
  return extension == Extension::anchored && (function == "changes" || function == "resets");
}

double extended_value(std::string_view function, const Window& w, Extension extension) {
  const bool smooth = extension == Extension::smoothed;
  std::size_t last = w.times.size() - 1;
  const auto inner_end = w.times.begin() + static_cast<std::ptrdiff_t>(last);
  const auto after = std::upper_bound(w.times.begin(), inner_end, w.from) - w.times.begin();
  const std::size_t first = after > 0 ? static_cast<std::size_t>(after - 1) : 0;
  if (smooth) {
    last = static_cast<std::size_t>(std::lower_bound(w.times.begin(), inner_end, w.to) - w.times.begin());
  }
  if (w.times[last] <= w.from || w.times[first] > w.to) return absent_value();
  if (function == "changes" || function == "resets") {
    Window inside = w;
    static_cast<Columns&>(inside) = w.part(first, last - first + 1);
    return find_window_function(function)(inside);
  }
  const double grown = growth(w, first, last, smooth, function != "delta");
  return function == "rate" ? grown / (static_cast<double>(w.to - w.from) / 1000) : grown;
}

double smoothed_at(const Columns& c, std::size_t i, std::int64_t t, std::int64_t lookback) {
  const bool next =
      i + 1 < c.times.size() && c.times[i + 1] <= t + lookback && !is_stale_nan(c.values[i + 1]);
  if (c.times[i] == t || !next) return c.values[i];
  return on_line(c, i, t, false);
}

}  // namespace telltale::promql
