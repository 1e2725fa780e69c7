// Numbers over time windows: step k has the window (start + k * step - range, start + k * step], moved back
// by an offset. Windows overlap as they like; a sample is still looked at once. The ends of all windows cut
// time into cells, inside which samples cannot be told apart; each series keeps one small state a cell, and
// every window is a run of cells, folded by a two-stack queue that adds at one end and drops at the other in
// constant time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/context.hpp"
#include "base/time.hpp"

namespace telltale::query {

struct WindowGrid {
  UnixNanos start;  // of step 0
  Nanos step{0};    // 0: one step only
  std::size_t steps = 1;
  Nanos range{0};
  Nanos offset{0};

  UnixNanos time(std::size_t k) const { return start + step * static_cast<std::int64_t>(k); }
  /// Half-open, as rows are asked for: everything that some window has.
  TimeRange covered() const;
};

/// Cells by their ends, and which cells each window has.
class WindowCells {
 public:
  explicit WindowCells(const WindowGrid& grid);
  /// The cell of a time; nullopt: in no window. Cheapest when times come in order.
  std::optional<std::uint32_t> cell_of(UnixNanos time, std::uint32_t& hint) const;
  /// Cells [first, last) of window k.
  std::pair<std::uint32_t, std::uint32_t> window(std::size_t k) const { return windows_[k]; }
  std::size_t steps() const { return windows_.size(); }

 private:
  std::vector<std::int64_t> edges_;  // cell i is (edges_[i], edges_[i + 1]]
  std::vector<bool> used_;           // some window has it
  std::vector<std::pair<std::uint32_t, std::uint32_t>> windows_;
};

enum class WindowOp : unsigned char {
  count,
  sum,
  avg,
  min,
  max,
  stdvar,
  stddev,
  first,
  last,
  increase,  // of a counter: a value below the one before starts anew
  quantile,  // exact, between two samples weighted
  distinct,  // how many different hashes
};

struct WindowSample {
  double value = 0;
  std::uint64_t hash = 0;  // distinct
};

/// One series' samples, in order of time; several of them (of neighbouring pieces of time) may be joined.
class WindowSeries {
 public:
  explicit WindowSeries(WindowOp op) : op_(op) {}
  /// `cell` never falls. Charges the context for what it keeps: resource_exhausted.
  Result<> add(std::uint32_t cell, const WindowSample& sample, WorkContext& context);
  /// `later` has the samples after these.
  void append(WindowSeries&& later);
  /// One value a window; kNoValue where it has no sample.
  std::vector<double> values(const WindowCells& cells, double q) const;

 private:
  // Three numbers whose meaning is the operation's: n and sum; n, mean and squared distances; first, last and
  // increase.
  struct State {
    std::uint32_t cell = 0;
    double a = 0;
    double b = 0;
    double c = 0;
  };
  struct Item {
    std::uint32_t cell = 0;
    double value = 0;
    std::uint64_t hash = 0;
  };
  State state_of(std::uint32_t cell, double value) const;
  void fold(State& into, const State& next) const;
  double result(const State& s) const;
  std::vector<double> folded(const WindowCells& cells) const;
  std::vector<double> quantiles(const WindowCells& cells, double q) const;
  std::vector<double> distincts(const WindowCells& cells) const;

  WindowOp op_;
  std::vector<State> states_;  // by cell
  std::vector<Item> items_;    // quantile, distinct
};

/// Marks a step without a value; NaN is a value.
double no_value();
bool has_value(double v);

/// Between 0 and 1 of sorted values: -Inf below, +Inf above, weighted between two neighbours.
double quantile_of_sorted(double q, const std::vector<double>& sorted);

}  // namespace telltale::query
