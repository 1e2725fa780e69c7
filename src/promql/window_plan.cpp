#include "promql/window_plan.hpp"

#include <algorithm>

#include "base/double_scan.hpp"

namespace telltale::promql {
namespace {

/// The samples that are less than the one before.
std::vector<std::uint32_t> resets_of(std::span<const double> values) {
  std::vector<std::uint32_t> out;
  if (!any_falls(values)) return out;
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i] < values[i - 1]) out.push_back(static_cast<std::uint32_t>(i));
  return out;
}

}  // namespace

Extrapolation Extrapolation::of(std::int64_t first, std::int64_t last, std::uint64_t samples,
                                std::int64_t from, std::int64_t to) {
  Extrapolation out{in_seconds(first - from), in_seconds(to - last), in_seconds(last - first)};
  const double gap = samples > 1 ? out.sampled / static_cast<double>(samples - 1) : 0;
  if (out.to_start >= gap * 1.1) out.to_start = gap / 2;
  if (out.to_end >= gap * 1.1) out.to_end = gap / 2;
  return out;
}

void WindowPlan::follow(const WindowTimes& windows, std::span<const std::int64_t> times,
                        std::span<const std::uint32_t> weights) {
  if (windows == windows_ && std::equal(times.begin(), times.end(), times_.begin(), times_.end()) &&
      std::equal(weights.begin(), weights.end(), weights_.begin(), weights_.end()))
    return;
  windows_ = windows;
  times_.assign(times.begin(), times.end());
  weights_.assign(weights.begin(), weights.end());
  extrapolations_.clear();
  places_.resize(windows.count);
  samples_ = 0;
  const auto beyond = [&](std::size_t i) { return weights.empty() ? 0 : weights[i] - 1; };
  Place place;
  for (std::size_t i = 0; i < windows.count; ++i) {
    const std::int64_t at = windows.at(i);
    for (; place.end < times.size() && times[place.end] <= at + windows.ahead; ++place.end)
      place.beyond += beyond(place.end);
    for (; place.begin < place.end && times[place.begin] <= at - windows.back; ++place.begin)
      place.beyond -= beyond(place.begin);
    places_[i] = place;
    samples_ += place.samples();
  }
}

const std::vector<Extrapolation>& WindowPlan::extrapolations() {
  if (!extrapolations_.empty()) return extrapolations_;
  extrapolations_.resize(places_.size());
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    if (place.end - place.begin < 2) continue;
    extrapolations_[i] = Extrapolation::of(times_[place.begin], times_[place.end - 1], place.samples(),
                                           windows_.at(i) - windows_.back, windows_.at(i));
  }
  return extrapolations_;
}

bool growth_row(WindowPlan& plan, std::span<const double> values, bool counter, bool per_second,
                std::vector<double>& out) {
  const std::vector<Extrapolation>& edges = plan.extrapolations();
  const double range = per_second ? in_seconds(plan.windows().back) : 1;
  const std::vector<std::uint32_t> resets = counter ? resets_of(values) : std::vector<std::uint32_t>();
  auto reset = resets.begin();
  bool any = false;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const auto [begin, end, beyond] = plan.places()[i];
    if (end - begin < 2) continue;
    any = true;
    double grown = values[end - 1] - values[begin];
    while (reset != resets.end() && *reset <= begin) ++reset;
    for (auto r = reset; r != resets.end() && *r < end; ++r) grown += values[*r - 1];
    const double factor = counter ? edges[i].factor(values[begin], grown) : edges[i].factor();
    out[i] = grown * (factor / range);
  }
  return any;
}

}  // namespace telltale::promql
