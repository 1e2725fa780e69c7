// The states of an issue and how it goes from one to another, as plain changes of its fields. Who asks for
// them (people, events, the clock) stands elsewhere.
//
//   unresolved  new · ongoing · regressed · escalating; all but ongoing become ongoing after kSettlesAfter
//   resolved    comes back as regressed (errors/regression.hpp)
//   ignored     archived for ever, until it escalates (comes back as escalating), or until a condition is met
//               (comes back as ongoing)
//
// Priority follows the level when the issue is made, goes one up while the issue escalates, and is left alone
// once somebody has set it.
#pragma once

#include <string>

#include "storage/records.hpp"

namespace telltale::errors {

constexpr Nanos kSettlesAfter = std::chrono::hours(24 * 7);

storage::IssuePriority priority_of(Level level);

void set_unresolved(storage::Issue& issue, storage::IssueSubstatus substatus, UnixNanos now);
void set_resolved(storage::Issue& issue, UnixNanos now);
/// `base` is archive.base.
void set_archived(storage::Issue& issue, storage::IssueArchive archive, UnixNanos now);
/// In words: `until it escalates`, `until 50 more events within 24 hours`, …
std::string archive_words(const storage::IssueArchive& archive);

UnixNanos issue_hour(UnixNanos time);

/// Who does something; nobody: Telltale itself.
struct IssueActor {
  std::int64_t user = 0;
  std::string who;
};
Result<> record(storage::RecordStore& records, const storage::Issue& issue, UnixNanos now,
                const IssueActor& actor, storage::IssueAction action, std::string detail);

}  // namespace telltale::errors
