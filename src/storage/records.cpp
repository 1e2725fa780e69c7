// The words of the records: names of roles and states as clients and settings write them.
#include "storage/records.hpp"

namespace telltale::storage {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::ingest:
      return "ingest";
    case Role::viewer:
      return "viewer";
    case Role::editor:
      return "editor";
    case Role::admin:
      return "admin";
  }
  return "unknown";
}

std::optional<Role> role_from(std::string_view name) {
  if (name == "ingest") return Role::ingest;
  if (name == "viewer") return Role::viewer;
  if (name == "editor" || name == "member") return Role::editor;
  if (name == "admin") return Role::admin;
  return std::nullopt;
}

std::string_view to_string(IssueStatus status) {
  switch (status) {
    case IssueStatus::unresolved:
      return "unresolved";
    case IssueStatus::resolved:
      return "resolved";
    case IssueStatus::ignored:
      return "ignored";
  }
  return "unknown";
}

std::string_view to_string(IssueSubstatus substatus) {
  switch (substatus) {
    case IssueSubstatus::none:
      return "";
    case IssueSubstatus::fresh:
      return "new";
    case IssueSubstatus::ongoing:
      return "ongoing";
    case IssueSubstatus::regressed:
      return "regressed";
    case IssueSubstatus::escalating:
      return "escalating";
    case IssueSubstatus::until_escalating:
      return "archived_until_escalating";
    case IssueSubstatus::until_condition:
      return "archived_until_condition_met";
    case IssueSubstatus::forever:
      return "archived_forever";
  }
  return "";
}

std::optional<IssueSubstatus> issue_substatus_from(std::string_view name) {
  for (int n = 1; n <= static_cast<int>(IssueSubstatus::forever); ++n) {
    const auto substatus = static_cast<IssueSubstatus>(n);
    if (to_string(substatus) == name) return substatus;
  }
  return std::nullopt;
}

std::string_view to_string(IssuePriority priority) {
  switch (priority) {
    case IssuePriority::low:
      return "low";
    case IssuePriority::medium:
      return "medium";
    case IssuePriority::high:
      return "high";
  }
  return "unknown";
}

std::optional<IssuePriority> issue_priority_from(std::string_view name) {
  if (name == "low") return IssuePriority::low;
  if (name == "medium") return IssuePriority::medium;
  if (name == "high") return IssuePriority::high;
  return std::nullopt;
}

std::string_view to_string(IssueAction action) {
  switch (action) {
    case IssueAction::comment:
      return "comment";
    case IssueAction::resolved:
      return "resolved";
    case IssueAction::reopened:
      return "reopened";
    case IssueAction::archived:
      return "archived";
    case IssueAction::assigned:
      return "assigned";
    case IssueAction::priority:
      return "priority";
    case IssueAction::merged:
      return "merged";
    case IssueAction::unmerged:
      return "unmerged";
    case IssueAction::regressed:
      return "regressed";
    case IssueAction::escalating:
      return "escalating";
    case IssueAction::unarchived:
      return "unarchived";
    case IssueAction::ongoing:
      return "ongoing";
  }
  return "unknown";
}

std::optional<IssueStatus> issue_status_from(std::string_view name) {
  if (name == "unresolved") return IssueStatus::unresolved;
  if (name == "resolved") return IssueStatus::resolved;
  if (name == "ignored") return IssueStatus::ignored;
  return std::nullopt;
}

std::optional<IssueSort> issue_sort_from(std::string_view name) {
  if (name == "last_seen") return IssueSort::last_seen;
  if (name == "first_seen") return IssueSort::first_seen;
  if (name == "events") return IssueSort::events;
  if (name == "users") return IssueSort::users;
  if (name == "trend") return IssueSort::trend;
  return std::nullopt;
}

}  // namespace telltale::storage
