#include "errors/escalation.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "errors/issue_states.hpp"

namespace telltale::errors {

std::optional<double> escalation_limit(const std::vector<storage::HourCount>& hours, UnixNanos first_seen,
                                       UnixNanos now) {
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  const UnixNanos running = issue_hour(now);
  std::array<double, kForecastHours> week{};  // the oldest first
  for (const auto& hour : hours) {
    const std::int64_t back = (running.ns - hour.hour.ns) / hour_ns;
    if (back >= 1 && back <= kForecastHours)
      week[static_cast<std::size_t>(kForecastHours - back)] = static_cast<double>(hour.count);
  }
  const double most = *std::max_element(week.begin(), week.end());
  if (now - first_seen < std::chrono::hours(kForecastHours)) {
    if (most == 0) return std::nullopt;
    return most * 10;
  }
  double sum = 0;
  double same_day = 0;
  for (std::size_t i = 0; i < week.size(); ++i) {
    sum += week[i];
    if (i < 24) same_day += week[i] / 24;  // a week ago
  }
  const double avg = sum / kForecastHours;
  if (avg == 0) return kLeastEscalation;
  double squares = 0;
  for (const double n : week) squares += (n - avg) * (n - avg);
  const double deviation = std::sqrt(squares / kForecastHours);
  const double spike = same_day + std::min(std::max((avg + 5 * deviation) / avg, 5.0), 8.0) * avg;
  const double bursty = most * std::min(std::max(2.0, 5 * std::exp(-0.65 * deviation / avg)), 5.0);
  return std::max({spike, bursty, static_cast<double>(kLeastEscalation)});
}

}  // namespace telltale::errors
