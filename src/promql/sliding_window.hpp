// A function over windows that move forward over one series of floats. Windows mostly overlap: a day in steps
// of a minute is the same samples a thousand times over. What can be had from sums up to each sample, or from
// the candidates that a window may still need, is; the rest goes over each window.
#pragma once

#include <deque>
#include <vector>

#include "promql/eval.hpp"

namespace telltale::promql {

/// What value() gives is what `fn` would, sums up to the last bits of their rounding. Not thread-safe; one
/// series.
class SlidingWindow {
 public:
  /// `overlapping`: samples are in several windows, so that sums of their own pay.
  SlidingWindow(std::string_view function, WindowFunction fn, const Columns& series, bool overlapping);

  /// Of the samples [begin, end) of the series, which `w` holds; neither end goes back from call to call.
  double value(const Window& w, std::size_t begin, std::size_t end);

 private:
  enum class Kind : unsigned char { other, sum, mean, max, min, changes, resets };
  static Kind kind_of(std::string_view function);

  void count_steps();
  void sum_up();
  double extreme(std::size_t begin, std::size_t end);
  /// False where it has to be added up again: an infinity is in it, or it is too small beside what came
  /// before.
  bool sum_between(std::size_t begin, std::size_t end, double& sum) const;

  const Kind kind_;
  const WindowFunction fn_;
  const Columns& series_;
  bool ready_ = false;
  std::vector<std::uint32_t> steps_;  // resets or changes up to sample i
  std::vector<double> high_;          // sums before sample i, in two parts each
  std::vector<double> low_;
  std::vector<std::uint32_t> broken_;  // samples before i that are not finite
  double largest_ = 0;                 // of all sums
  std::deque<std::size_t> candidates_;
  std::size_t seen_ = 0;
};

}  // namespace telltale::promql
