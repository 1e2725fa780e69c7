#include "query/windows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace telltale::query {
namespace {

constexpr std::uint64_t kNoValueBits = 0x7FF8'0000'7E11'7A1EULL;

}  // namespace

double no_value() { return std::bit_cast<double>(kNoValueBits); }
bool has_value(double v) { return std::bit_cast<std::uint64_t>(v) != kNoValueBits; }

TimeRange WindowGrid::covered() const {
  const UnixNanos first = time(0) - offset - range;
  const UnixNanos last = time(steps - 1) - offset;
  return {first + Nanos(1), last + Nanos(1)};
}

WindowCells::WindowCells(const WindowGrid& grid) {
  for (std::size_t k = 0; k < grid.steps; ++k) {
    const std::int64_t end = (grid.time(k) - grid.offset).ns;
    edges_.push_back(end - grid.range.count());
    edges_.push_back(end);
  }
  std::sort(edges_.begin(), edges_.end());
  edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
  used_.assign(edges_.size(), false);
  const auto index = [this](std::int64_t t) {
    return static_cast<std::uint32_t>(std::lower_bound(edges_.begin(), edges_.end(), t) - edges_.begin());
  };
  std::uint32_t marked = 0;
  for (std::size_t k = 0; k < grid.steps; ++k) {
    const std::int64_t end = (grid.time(k) - grid.offset).ns;
    windows_.emplace_back(index(end - grid.range.count()), index(end));
    marked = std::max(marked, windows_.back().first);
    for (; marked < windows_.back().second; ++marked) used_[marked] = true;
  }
}

std::optional<std::uint32_t> WindowCells::cell_of(UnixNanos time, std::uint32_t& hint) const {
  const std::int64_t t = time.ns;
  if (t <= edges_.front() || t > edges_.back()) return std::nullopt;
  // The next few cells first; else by bisection.
  std::uint32_t i = hint + 1 < edges_.size() && edges_[hint] < t ? hint : 0;
  const std::uint32_t near = i + 4;
  while (i < near && i + 1 < edges_.size() && edges_[i + 1] < t) ++i;
  if (i + 1 >= edges_.size() || edges_[i + 1] < t || edges_[i] >= t)
    i = static_cast<std::uint32_t>(std::lower_bound(edges_.begin(), edges_.end(), t) - edges_.begin()) - 1;
  hint = i;
  return used_[i] ? std::optional(i) : std::nullopt;
}

WindowSeries::State WindowSeries::state_of(std::uint32_t cell, double value) const {
  switch (op_) {
    case WindowOp::count:
      return {cell, 1, 0, 0};
    case WindowOp::avg:
      return {cell, 1, value, 0};
    case WindowOp::stdvar:
    case WindowOp::stddev:
      return {cell, 1, value, 0};
    case WindowOp::increase:
      return {cell, value, value, 0};
    default:
      return {cell, value, 0, 0};
  }
}

void WindowSeries::fold(State& into, const State& next) const {
  switch (op_) {
    case WindowOp::count:
    case WindowOp::sum:
      into.a += next.a;
      break;
    case WindowOp::avg:
      into.a += next.a;
      into.b += next.b;
      break;
    case WindowOp::min:
      if (next.a < into.a || std::isnan(into.a)) into.a = next.a;
      break;
    case WindowOp::max:
      if (next.a > into.a || std::isnan(into.a)) into.a = next.a;
      break;
    case WindowOp::stdvar:
    case WindowOp::stddev: {  // Chan, Golub and LeVeque's parallel variance
      const double n = into.a + next.a;
      const double delta = next.b - into.b;
      into.c += next.c + delta * delta * into.a * next.a / n;
      into.b += delta * next.a / n;
      into.a = n;
      break;
    }
    case WindowOp::first:
      break;
    case WindowOp::last:
      into.a = next.a;
      break;
    case WindowOp::increase:
      into.c += next.c + (next.a >= into.b ? next.a - into.b : next.a);
      into.b = next.b;
      break;
    default:
      break;
  }
  into.cell = next.cell;
}

double WindowSeries::result(const State& s) const {
  switch (op_) {
    case WindowOp::avg:
      return s.b / s.a;
    case WindowOp::stdvar:
      return s.c / s.a;
    case WindowOp::stddev:
      return std::sqrt(s.c / s.a);
    case WindowOp::increase:
      return s.c;
    default:
      return s.a;
  }
}

Result<> WindowSeries::add(std::uint32_t cell, const WindowSample& sample, WorkContext& context) {
  if (op_ == WindowOp::quantile || op_ == WindowOp::distinct) {
    if (items_.size() == items_.capacity()) {
      const std::size_t more = std::max<std::size_t>(items_.capacity(), 4);
      TT_TRY(context.charge(more * sizeof(Item)));
      items_.reserve(items_.capacity() + more);
    }
    items_.push_back({cell, sample.value, sample.hash});
    return {};
  }
  const State next = state_of(cell, sample.value);
  if (!states_.empty() && states_.back().cell == cell) {
    fold(states_.back(), next);
    return {};
  }
  if (states_.size() == states_.capacity()) {
    const std::size_t more = std::max<std::size_t>(states_.capacity(), 4);
    TT_TRY(context.charge(more * sizeof(State)));
    states_.reserve(states_.capacity() + more);
  }
  states_.push_back(next);
  return {};
}

void WindowSeries::append(WindowSeries&& later) {
  std::size_t from = 0;
  if (!states_.empty() && !later.states_.empty() && states_.back().cell == later.states_.front().cell) {
    fold(states_.back(), later.states_.front());
    from = 1;
  }
  states_.insert(states_.end(), later.states_.begin() + static_cast<std::ptrdiff_t>(from),
                 later.states_.end());
  items_.insert(items_.end(), later.items_.begin(), later.items_.end());
}

std::vector<double> WindowSeries::values(const WindowCells& cells, double q) const {
  if (op_ == WindowOp::quantile) return quantiles(cells, q);
  if (op_ == WindowOp::distinct) return distincts(cells);
  return folded(cells);
}

// The front stack holds folds of everything from its place to its end, the back one a running fold; when the
// front is used up, the back is turned over. Each state moves at most once.
std::vector<double> WindowSeries::folded(const WindowCells& cells) const {
  std::vector<double> out(cells.steps(), no_value());
  std::vector<State> front;  // front[i]: states_[from of front + i] … folded to its end, last is the oldest
  std::size_t head = 0;      // the window is states_[head, tail)
  std::size_t turned = 0;    // states below are in front
  std::size_t tail = 0;
  std::optional<State> back;
  for (std::size_t k = 0; k < cells.steps(); ++k) {
    const auto [first, last] = cells.window(k);
    while (tail < states_.size() && states_[tail].cell < last) {
      if (back) {
        fold(*back, states_[tail]);
      } else {
        back = states_[tail];
      }
      ++tail;
    }
    while (head < tail && states_[head].cell < first) {
      if (head == turned) {  // turn over
        front.clear();
        for (std::size_t i = tail; i > head; --i) {
          State s = states_[i - 1];
          if (!front.empty()) fold(s, front.back());
          front.push_back(s);
        }
        turned = tail;
        back.reset();
      }
      front.pop_back();
      ++head;
    }
    if (head == tail) continue;
    if (head < turned) {
      State s = front.back();
      if (back) fold(s, *back);
      out[k] = result(s);
    } else if (back) {
      out[k] = result(*back);
    }
  }
  return out;
}

double quantile_of_sorted(double q, const std::vector<double>& sorted) {
  if (sorted.empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  const double rank = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(rank);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  const double weight = rank - std::floor(rank);
  return sorted[low] * (1 - weight) + sorted[high] * weight;
}

namespace {

/// Counts by rank with the k-th smallest in logarithmic time (Fenwick's tree).
class RankCounts {
 public:
  explicit RankCounts(std::size_t size) : counts_(size + 1, 0) {
    while (top_ * 2 <= size) top_ *= 2;
  }
  void add(std::size_t rank, std::int64_t n) {
    for (std::size_t i = rank + 1; i < counts_.size(); i += i & (~i + 1)) counts_[i] += n;
  }
  /// The rank of number `k`, from 0.
  std::size_t find(std::int64_t k) const {
    std::size_t at = 0;
    for (std::size_t width = top_; width != 0; width /= 2) {
      if (at + width >= counts_.size() || counts_[at + width] > k) continue;
      at += width;
      k -= counts_[at];
    }
    return at;
  }

 private:
  std::vector<std::int64_t> counts_;
  std::size_t top_ = 1;
};

}  // namespace

std::vector<double> WindowSeries::quantiles(const WindowCells& cells, double q) const {
  std::vector<double> out(cells.steps(), no_value());
  std::vector<double> sorted;
  for (const Item& i : items_) sorted.push_back(i.value);
  const auto below = [](double a, double b) { return (std::isnan(a) && !std::isnan(b)) || a < b; };
  std::sort(sorted.begin(), sorted.end(), below);
  RankCounts counts(sorted.size());
  const auto rank_of = [&](double v) {
    return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), v, below) -
                                    sorted.begin());
  };
  std::size_t head = 0;
  std::size_t tail = 0;
  for (std::size_t k = 0; k < cells.steps(); ++k) {
    const auto [first, last] = cells.window(k);
    for (; tail < items_.size() && items_[tail].cell < last; ++tail)
      counts.add(rank_of(items_[tail].value), 1);
    for (; head < tail && items_[head].cell < first; ++head) counts.add(rank_of(items_[head].value), -1);
    if (head == tail) continue;
    if (q < 0 || q > 1 || std::isnan(q)) {
      out[k] = quantile_of_sorted(q, {0});
      continue;
    }
    const auto n = static_cast<std::int64_t>(tail - head);
    const double rank = q * static_cast<double>(n - 1);
    const auto low = static_cast<std::int64_t>(rank);
    const double weight = rank - std::floor(rank);
    const double a = sorted[counts.find(low)];
    const double b = sorted[counts.find(std::min(low + 1, n - 1))];
    out[k] = a * (1 - weight) + b * weight;
  }
  return out;
}

std::vector<double> WindowSeries::distincts(const WindowCells& cells) const {
  std::vector<double> out(cells.steps(), no_value());
  std::unordered_map<std::uint64_t, std::size_t> counts;
  std::size_t head = 0;
  std::size_t tail = 0;
  for (std::size_t k = 0; k < cells.steps(); ++k) {
    const auto [first, last] = cells.window(k);
    for (; tail < items_.size() && items_[tail].cell < last; ++tail) ++counts[items_[tail].hash];
    for (; head < tail && items_[head].cell < first; ++head) {
      const auto found = counts.find(items_[head].hash);
      if (--found->second == 0) counts.erase(found);
    }
    if (head != tail) out[k] = static_cast<double>(counts.size());
  }
  return out;
}

}  // namespace telltale::query
