#include "errors/issue_clock.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/issue_limits.hpp"
#include "base/limits.hpp"
#include "errors/archive_progress.hpp"
#include "errors/escalation.hpp"
#include "errors/issue_states.hpp"

namespace telltale::errors {

using storage::Issue;
using storage::IssueAction;
using storage::IssueStatus;
using storage::IssueSubstatus;

namespace {

constexpr std::size_t kSettledTogether = 200;

}  // namespace

Result<> IssueClock::tick() {
  const UnixNanos now = clock_.now();
  std::vector<IssueEvent> events;
  auto done = settle(now);
  if (done) done = bring_back(now, events);
  if (done) done = escalate(now, events);
  if (announce_ && !events.empty()) announce_(events);
  return done;
}

Result<> IssueClock::prune(Nanos errors_kept) {
  if (errors_kept == Nanos(0)) return {};
  const Nanos least = std::chrono::hours(24 * limits::kLeastIssueHoursDays);
  return records_.issues().prune_hours(clock_.now() - std::max(errors_kept, least));
}

Result<bool> IssueClock::change(const Issue& seen, IssueAction action, const std::string& detail,
                                UnixNanos now, IssueSubstatus to, Issue& after) {
  bool changed = false;
  auto done = records_.transaction([&]() -> Result<> {
    TT_ASSIGN(after, records_.issues().get(seen.id));
    if (after.id != seen.id || after.status != seen.status || after.substatus != seen.substatus ||
        after.substatus_since != seen.substatus_since)
      return {};
    changed = true;
    if (seen.status == IssueStatus::ignored) TT_TRY(end_archive(records_, seen.id));
    set_unresolved(after, to, now);
    TT_TRY(records_.issues().update(after));
    return record(records_, after, now, {}, action, detail);
  });
  TT_TRY(std::move(done));
  return changed;
}

Result<> IssueClock::settle(UnixNanos now) {
  TT_ASSIGN(const auto due, records_.issues().settling(now - kSettlesAfter, limits::kMaxIssueTicks));
  // Some at a time are one transaction: a disk's sync for each would take longer than the pause between two
  // looks.
  for (std::size_t first = 0; first < due.size(); first += kSettledTogether) {
    TT_TRY(records_.transaction([&]() -> Result<> {
      for (std::size_t i = first; i < std::min(due.size(), first + kSettledTogether); ++i) {
        Issue after;
        TT_ASSIGN(const bool changed,
                  change(due[i], IssueAction::ongoing, "", now, IssueSubstatus::ongoing, after));
        (void)changed;
      }
      return {};
    }));
  }
  if (!due.empty()) log_.debug("issues are ongoing now", {{"issues", due.size()}});
  return {};
}

Result<> IssueClock::bring_back(UnixNanos now, std::vector<IssueEvent>& events) {
  TT_ASSIGN(const auto due, records_.issues().archived_until(now, limits::kMaxIssueTicks));
  for (const Issue& issue : due) {
    Issue after;
    TT_ASSIGN(const bool changed, change(issue, IssueAction::unarchived, "the time is over", now,
                                         IssueSubstatus::ongoing, after));
    if (changed) events.push_back({IssueChange::unarchived, after});
  }
  return {};
}

Result<std::optional<double>> IssueClock::limit_of(const Issue& issue, std::uint64_t count, UnixNanos now) {
  const UnixNanos hour = issue_hour(now);
  if (hour != limits_hour_) {
    limits_.clear();
    limits_hour_ = hour;
  }
  Limit& limit = limits_[issue.id];
  const std::uint64_t other_events = issue.event_count - count;
  if (limit.known && limit.other_events == other_events) return limit.events;
  TT_ASSIGN(const auto hours,
            records_.issues().hour_counts(issue.id, {hour - std::chrono::hours(kForecastHours), hour}));
  limit = {true, other_events, escalation_limit(hours, issue.first_seen, now)};
  return limit.events;
}

Result<> IssueClock::escalate(UnixNanos now, std::vector<IssueEvent>& events) {
  // What came at the end of an hour is looked at when that is over.
  const UnixNanos hour = issue_hour(now);
  if (now - hour < kLateLook) TT_TRY(escalate_hour(hour - Nanos(1), now, events));
  return escalate_hour(now, now, events);
}

Result<> IssueClock::escalate_hour(UnixNanos within, UnixNanos now, std::vector<IssueEvent>& events) {
  TT_ASSIGN(const auto busy,
            records_.issues().busy(issue_hour(within), kLeastEscalation, limits::kMaxBusyIssues));
  for (const auto& [issue, count] : busy) {
    // Of an hour that is over: somebody has decided about it since.
    if (within != now && issue.substatus_since > within) continue;
    TT_ASSIGN(const auto limit, limit_of(issue, count, within));
    if (!limit || static_cast<double>(count) <= *limit) continue;
    std::uint64_t came = count;
    if (issue.status == IssueStatus::ignored && issue_hour(issue.status_changed) == issue_hour(within)) {
      // Archived in this hour: whoever decided that had seen what was there.
      TT_ASSIGN(came, archive_progress(records_, issue, now));
      if (static_cast<double>(came) <= *limit) continue;
    }
    Issue after;
    TT_ASSIGN(const bool changed, change(issue, IssueAction::escalating,
                                         fmt::format("{} events in an hour, {} were to be expected", came,
                                                     static_cast<std::uint64_t>(*limit)),
                                         now, IssueSubstatus::escalating, after));
    if (changed) events.push_back({IssueChange::escalating, after});
  }
  return {};
}

}  // namespace telltale::errors
