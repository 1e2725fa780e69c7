#include "errors/issue_states.hpp"

#include <fmt/format.h>

namespace telltale::errors {

using storage::Issue;
using storage::IssuePriority;
using storage::IssueStatus;
using storage::IssueSubstatus;

IssuePriority priority_of(Level level) {
  if (level == Level::trace || level == Level::debug || level == Level::info) return IssuePriority::low;
  return level == Level::warning ? IssuePriority::medium : IssuePriority::high;
}

void set_unresolved(Issue& issue, IssueSubstatus substatus, UnixNanos now) {
  if (issue.status != IssueStatus::unresolved) issue.status_changed = now;
  issue.status = IssueStatus::unresolved;
  issue.substatus = substatus;
  issue.substatus_since = now;
  issue.resolved_in.clear();
  issue.resolved_next = false;
  issue.archive = {};
  if (issue.priority_by_hand) return;
  issue.priority = priority_of(issue.level);
  if (substatus == IssueSubstatus::escalating)
    issue.priority = issue.priority == IssuePriority::low ? IssuePriority::medium : IssuePriority::high;
}

void set_resolved(Issue& issue, UnixNanos now) {
  issue.status = IssueStatus::resolved;
  issue.substatus = IssueSubstatus::none;
  issue.status_changed = issue.substatus_since = now;
  issue.resolved_in.clear();
  issue.resolved_next = false;
  issue.archive = {};
}

void set_archived(Issue& issue, storage::IssueArchive archive, UnixNanos now) {
  issue.status = IssueStatus::ignored;
  issue.substatus = archive.until == storage::ArchiveUntil::forever      ? IssueSubstatus::forever
                    : archive.until == storage::ArchiveUntil::escalating ? IssueSubstatus::until_escalating
                                                                         : IssueSubstatus::until_condition;
  issue.status_changed = issue.substatus_since = now;
  issue.resolved_in.clear();
  issue.resolved_next = false;
  issue.archive = archive;
}

std::string archive_words(const storage::IssueArchive& archive) {
  using storage::ArchiveUntil;
  const std::string within =
      archive.window_hours == 0 ? std::string() : fmt::format(" within {} h", archive.window_hours);
  switch (archive.until) {
    case ArchiveUntil::forever:
      return "for ever";
    case ArchiveUntil::escalating:
      return "until it escalates";
    case ArchiveUntil::time:
      return "until " + format_rfc3339(archive.time);
    case ArchiveUntil::events:
      return fmt::format("until {} more events{}", archive.count, within);
    case ArchiveUntil::users:
      return fmt::format("until {} more users{}", archive.count, within);
  }
  return {};
}

UnixNanos issue_hour(UnixNanos time) {
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  const std::int64_t past = (time.ns % hour_ns + hour_ns) % hour_ns;
  return {time.ns - past};
}

Result<> record(storage::RecordStore& records, const Issue& issue, UnixNanos now, const IssueActor& actor,
                storage::IssueAction action, std::string detail) {
  storage::IssueActivity activity;
  activity.issue = issue.id;
  activity.time = now;
  activity.action = action;
  activity.user = actor.user;
  activity.who = actor.who;
  activity.detail = std::move(detail);
  TT_ASSIGN(const auto id, records.issue_activity().add(activity));
  (void)id;
  return {};
}

}  // namespace telltale::errors
