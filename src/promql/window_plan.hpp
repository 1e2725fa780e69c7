// Which samples each step's window of a series holds, and how far they are from its edges. Series that are
// scraped together have the same times: a plan is kept from series to series as long as these are equal, so
// that the times of a scrape group are walked once. What is left to do for a rate is two samples and a factor
// a step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace telltale::promql {

inline double in_seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }

/// Windows (at - back, at + ahead] of the steps at = first, first + step, …; milliseconds.
struct WindowTimes {
  std::int64_t first = 0;
  std::int64_t step = 0;
  std::size_t count = 0;
  std::int64_t back = 0;
  std::int64_t ahead = 0;

  std::int64_t at(std::size_t i) const { return first + static_cast<std::int64_t>(i) * step; }
  bool operator==(const WindowTimes&) const = default;
};

/// How growth that was seen between the first and the last sample is stretched to the window's edges: as far
/// as samples come near enough to them (1.1 average gaps), else by half a gap. Seconds.
struct Extrapolation {
  double to_start = 0;
  double to_end = 0;
  double sampled = 0;

  /// Of `samples` > 0 from `first` to `last` in the window (from, to]; ms.
  static Extrapolation of(std::int64_t first, std::int64_t last, std::uint64_t samples, std::int64_t from,
                          std::int64_t to);
  double factor() const { return sampled == 0 ? 1 : (sampled + to_start + to_end) / sampled; }
  /// Of a counter that was `first` and grew by `grown`: not stretched to where it would have been below zero.
  double factor(double first, double grown) const {
    // From twice the growth on, zero is further away than `to_start` can be.
    if (!(grown > 0 && first >= 0 && first < 2 * grown)) return factor();
    Extrapolation out = *this;
    out.to_start = to_start < sampled * (first / grown) ? to_start : sampled * (first / grown);
    return out.factor();
  }
};

/// Not thread-safe.
class WindowPlan {
 public:
  /// Entries [begin, end) of the series; none when they are equal.
  struct Place {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t beyond = 0;  // samples that they tell of without being them (storage::SeriesView::weights)

    bool empty() const { return begin == end; }
    std::uint64_t samples() const { return std::uint64_t{end} - begin + beyond; }
  };

  /// From now on of a series with these times, which rise, and weights, which may be none.
  void follow(const WindowTimes& windows, std::span<const std::int64_t> times,
              std::span<const std::uint32_t> weights);
  /// One a window.
  const std::vector<Place>& places() const { return places_; }
  const WindowTimes& windows() const { return windows_; }
  /// What `follow` takes for each, extrapolations included.
  static constexpr std::size_t kBytesAWindow = sizeof(Place) + sizeof(Extrapolation);
  /// Of all windows together.
  std::uint64_t samples() const { return samples_; }
  /// One a window; of those with two entries or more.
  const std::vector<Extrapolation>& extrapolations();

 private:
  WindowTimes windows_;
  std::vector<std::int64_t> times_;
  std::vector<std::uint32_t> weights_;
  std::vector<Place> places_;
  std::vector<Extrapolation> extrapolations_;  // empty: not yet
  std::uint64_t samples_ = 0;
};

/// rate, increase (of counters, whose resets count as growth) or delta of floats without start times, at each
/// window of the plan that has two entries; false if none has.
bool growth_row(WindowPlan& plan, std::span<const double> values, bool counter, bool per_second,
                std::vector<double>& out);

}  // namespace telltale::promql
