// When an issue comes so much more often than it used to that it is worth a look.
//
// Formulas: docs.sentry.io, "Escalating Issues Algorithm", of the hourly counts of the week before (avg, std,
// max, cv = std / avg). An issue that is at least seven days old escalates in an hour with more events than
//   max(spike, bursty), where
//   spike  = avg_weighted + min(max((avg + 5 std) / avg, 5), 8) · avg
//   bursty = max · min(max(2, 5 e^(-0.65 cv)), 5)
// and a younger one in an hour with more than ten times its greatest. Ours, because the source does not say:
// avg_weighted is the mean of the hours of the same weekday; a younger issue needs one hour before the
// running one; and fewer than kLeastEscalation events an hour are never an escalation.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "storage/records.hpp"

namespace telltale::errors {

inline constexpr std::uint64_t kLeastEscalation = 10;
inline constexpr int kForecastHours = 24 * 7;
/// For so long into an hour the one before is looked at, too.
inline constexpr std::chrono::minutes kLateLook{2};

/// Events of an hour that the issue may have without escalating; nullopt: there is nothing to tell by.
/// `hours` are its counts, rising; those outside the week before the hour of `now` are not looked at.
std::optional<double> escalation_limit(const std::vector<storage::HourCount>& hours, UnixNanos first_seen,
                                       UnixNanos now);

}  // namespace telltale::errors
