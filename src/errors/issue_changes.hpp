// What people do to issues, with its rules in one place. Every function is one transaction and leaves its
// mark in the issue's activity.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "errors/issue_states.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

struct IssueUpdate {
  std::optional<storage::IssueStatus> status;
  std::optional<std::string> assignee;           // empty: nobody
  std::optional<std::string> resolved_in;        // with status resolved: the release the fix is in
  bool resolved_in_next = false;                 // the same: it is in the release after the project's newest
  std::string reason;                            // the same, of no release: why, in words
  std::optional<storage::IssueArchive> archive;  // with status ignored; for ever unless given
  std::optional<storage::IssuePriority> priority;
};

/// The issue after the change. Resolving, ignoring and reopening set the substatus that belongs to it.
Result<storage::Issue> update_issue(storage::RecordStore& records, const Clock& clock,
                                    const IssueActor& actor, storage::IssueId id, const IssueUpdate& update);
/// The same for several: all of them or, on any error, none. The errors name the issue.
Result<std::vector<storage::Issue>> update_issues(storage::RecordStore& records, const Clock& clock,
                                                  const IssueActor& actor,
                                                  const std::vector<storage::IssueId>& ids,
                                                  const IssueUpdate& update);

/// All of `ids` become parts of `into`, which keeps its status, assignee and priority; 0: of the one that was
/// seen first. The issue after it. invalid_argument when they are of several projects, or fewer than two
/// issues.
Result<storage::Issue> merge_issues(storage::RecordStore& records, const Clock& clock,
                                    const IssueActor& actor, const std::vector<storage::IssueId>& ids,
                                    storage::IssueId into);

/// The part becomes an issue of its own again, open, with what it has counted before and since.
Result<storage::Issue> unmerge_part(storage::RecordStore& records, const Clock& clock,
                                    const IssueActor& actor, storage::IssueId part);

/// Whether split_hashes() would take these: execution when there are more than kMaxUnmergeHashes, and
/// invalid_argument as it.
Result<> check_split(storage::RecordStore& records, const storage::Issue& issue,
                     const std::vector<std::string>& hashes);

/// The hashes leave the issue for one that `seed` describes (title, times, …): events that come with them
/// count there from now on. What has been counted stays where it is, because it was not counted by hash. All
/// hashes of a part that was merged are that part. invalid_argument names a hash that is not the issue's, or
/// none is left.
Result<storage::Issue> split_hashes(storage::RecordStore& records, const Clock& clock,
                                    const IssueActor& actor, storage::IssueId issue,
                                    const std::vector<std::string>& hashes, storage::Issue seed);

}  // namespace telltale::errors
