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
  }
  return "";
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
