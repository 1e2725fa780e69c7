// Issues whose fix is in a commit. An issue can wait for one: it stays as it is until a release has that
// commit, and is resolved in that release then. A commit may say so itself: `fixes SHOP-1F` (also `resolves`,
// `closes`) in its message resolves that issue of the project. What waits is kept among the settings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "errors/issue_states.hpp"
#include "storage/health_records.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

/// Resolves the issue in the newest release that has the commit, else remembers that it waits for it. A
/// commit is its hash, or the first 7 digits of it and more. The issue after it. invalid_argument for another
/// text; resource_exhausted over limits::kMaxAwaitedCommits.
Result<storage::Issue> resolve_in_commit(storage::RecordStore& records, const Clock& clock,
                                         const IssueActor& actor, storage::IssueId id,
                                         std::string_view commit);

/// The same for several: all of them or, on any error, none. The errors name the issue.
Result<std::vector<storage::Issue>> resolve_all_in_commit(storage::RecordStore& records, const Clock& clock,
                                                          const IssueActor& actor,
                                                          const std::vector<storage::IssueId>& ids,
                                                          std::string_view commit);

/// What the issue waited for does not change it any more.
Result<> stop_awaiting(storage::RecordStore& records, const storage::Issue& issue);
/// The commit the issue waits for; empty: none.
Result<std::string> awaited_commit(storage::RecordStore& records, const storage::Issue& issue);

/// The release's commits become exactly these. Resolves what waited for one that it did not have before, and
/// what the messages of such name: said again, nothing is resolved again.
Result<> set_release_commits(storage::RecordStore& records, const Clock& clock,
                             const storage::Release& release, const std::vector<storage::Commit>& commits);

/// Short ids that a commit's message says it fixes, in upper case.
std::vector<std::string> fixed_issues(std::string_view message);

}  // namespace telltale::errors
