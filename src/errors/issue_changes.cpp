#include "errors/issue_changes.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "errors/archive_progress.hpp"
#include "errors/commit_resolution.hpp"
#include "errors/regression.hpp"
#include "errors/user_counts.hpp"

namespace telltale::errors {

using storage::ArchiveUntil;
using storage::Issue;
using storage::IssueAction;
using storage::IssueId;
using storage::IssueStatus;
using storage::IssueSubstatus;

namespace {

Result<> check_update(const Issue& issue, const IssueUpdate& update, UnixNanos now) {
  const IssueStatus status = update.status.value_or(issue.status);
  if (update.resolved_in && status != IssueStatus::resolved)
    return fail(ErrorKind::invalid_argument, "resolved_in: the issue is not resolved");
  if (update.resolved_in_next && status != IssueStatus::resolved)
    return fail(ErrorKind::invalid_argument, "resolved_in_next: the issue is not resolved");
  if (update.resolved_in_next && update.resolved_in)
    return fail(ErrorKind::invalid_argument, "resolved_in_next: not beside resolved_in");
  if (!update.archive) return {};
  if (status != IssueStatus::ignored)
    return fail(ErrorKind::invalid_argument, "archive: the issue is not ignored");
  if (update.archive->until == ArchiveUntil::time && update.archive->time <= now)
    return fail(ErrorKind::invalid_argument, "archive.time: has passed");
  return {};
}

class Update {
 public:
  Update(storage::RecordStore& records, const IssueActor& actor, const IssueUpdate& update, UnixNanos now)
      : records_(records), actor_(actor), update_(update), now_(now) {}

  Result<> run(Issue& issue) {
    TT_TRY(check_update(issue, update_, now_));
    const bool again = update_.archive || update_.resolved_in || update_.resolved_in_next;
    if ((update_.status && *update_.status != issue.status) || again) TT_TRY(change_status(issue));
    if (update_.assignee && *update_.assignee != issue.assignee) {
      issue.assignee = *update_.assignee;
      TT_TRY(tell(issue, IssueAction::assigned, issue.assignee));
    }
    if (update_.priority && (*update_.priority != issue.priority || !issue.priority_by_hand)) {
      issue.priority = *update_.priority;
      issue.priority_by_hand = true;
      TT_TRY(tell(issue, IssueAction::priority, std::string(to_string(issue.priority))));
    }
    return records_.issues().update(issue);
  }

 private:
  Result<> tell(const Issue& issue, IssueAction action, std::string detail) {
    return record(records_, issue, now_, actor_, action, std::move(detail));
  }

  Result<> change_status(Issue& issue) {
    const IssueStatus wanted = update_.status.value_or(issue.status);
    if (issue.status == IssueStatus::ignored) TT_TRY(end_archive(records_, issue.id));
    if (wanted == IssueStatus::unresolved) {
      set_unresolved(issue, IssueSubstatus::ongoing, now_);
      return tell(issue, IssueAction::reopened, "");
    }
    if (wanted == IssueStatus::ignored) {
      storage::IssueArchive archive = update_.archive.value_or(storage::IssueArchive());
      TT_ASSIGN(archive.base, archive_base(records_.issues(), issue, archive, now_));
      set_archived(issue, archive, now_);
      return tell(issue, IssueAction::archived, archive_words(archive));
    }
    // A correction of the release is no new resolution: what came since still counts.
    if (issue.status != IssueStatus::resolved) set_resolved(issue, now_);
    issue.resolved_in = update_.resolved_in.value_or("");
    issue.resolved_next = update_.resolved_in_next;
    if (issue.resolved_next) {
      TT_ASSIGN(issue.resolved_in, newest_release(records_.issues(), issue.project));
    }
    return tell(issue, IssueAction::resolved,
                issue.resolved_next
                    ? "in the next release" + (issue.resolved_in.empty() ? "" : " after " + issue.resolved_in)
                : issue.resolved_in.empty() ? update_.reason
                                            : "in " + issue.resolved_in);
  }

  storage::RecordStore& records_;
  const IssueActor& actor_;
  const IssueUpdate& update_;
  const UnixNanos now_;
};

/// The users of an issue whose parts have changed, where they are not all listed.
Result<> recount_users(storage::IssueRepository& issues, Issue& issue) {
  if (!issue.users_estimated || issue.parts <= 1) return {};
  TT_ASSIGN(const auto parts, issues.parts(issue.id));
  TT_ASSIGN(issue.user_count, users_together(issues, parts));
  return issues.update(issue);
}

/// The issues that `ids` are or were merged into, each once.
Result<std::vector<Issue>> distinct_issues(storage::IssueRepository& issues,
                                           const std::vector<IssueId>& ids) {
  std::vector<Issue> out;
  std::set<IssueId> seen;
  for (const IssueId id : ids) {
    TT_ASSIGN(Issue issue, issues.get(id));
    if (seen.insert(issue.id).second) out.push_back(std::move(issue));
  }
  return out;
}

/// An issue that has just come out of another one.
Result<Issue> open_freed(storage::RecordStore& records, const IssueActor& actor, IssueId id,
                         const Issue& from, UnixNanos now) {
  storage::IssueRepository& issues = records.issues();
  TT_ASSIGN(Issue freed, issues.get(id));
  set_unresolved(freed, IssueSubstatus::ongoing, now);
  freed.status_changed = now;
  TT_TRY(issues.update(freed));
  TT_TRY(end_archive(records, freed.id));  // of before it was merged
  TT_ASSIGN(Issue rest, issues.get(from.id));
  TT_TRY(recount_users(issues, rest));
  TT_TRY(record(records, freed, now, actor, IssueAction::unmerged, "from " + from.short_id));
  TT_TRY(record(records, rest, now, actor, IssueAction::unmerged, freed.short_id));
  return freed;
}

}  // namespace

Result<Issue> update_issue(storage::RecordStore& records, const Clock& clock, const IssueActor& actor,
                           IssueId id, const IssueUpdate& update) {
  Issue issue;
  auto done = records.transaction([&]() -> Result<> {
    TT_ASSIGN(issue, records.issues().get(id));
    // Whoever decides by hand waits for no commit any more.
    if (update.status) TT_TRY(stop_awaiting(records, issue));
    return Update(records, actor, update, clock.now()).run(issue);
  });
  TT_TRY(std::move(done));
  return issue;
}

Result<std::vector<Issue>> update_issues(storage::RecordStore& records, const Clock& clock,
                                         const IssueActor& actor, const std::vector<IssueId>& ids,
                                         const IssueUpdate& update) {
  std::vector<Issue> changed;
  auto done = records.transaction([&]() -> Result<> {
    for (const IssueId id : ids) {
      auto issue = update_issue(records, clock, actor, id, update);
      if (!issue)
        return tl::unexpected<Error>(std::move(issue).error().within("issue " + std::to_string(id.value)));
      changed.push_back(*std::move(issue));
    }
    return {};
  });
  TT_TRY(std::move(done));
  return changed;
}

Result<Issue> merge_issues(storage::RecordStore& records, const Clock& clock, const IssueActor& actor,
                           const std::vector<IssueId>& ids, IssueId into) {
  storage::IssueRepository& issues = records.issues();
  Issue out;
  auto done = records.transaction([&]() -> Result<> {
    std::vector<IssueId> wanted = ids;
    if (into.value != 0) wanted.push_back(into);
    TT_ASSIGN(const auto all, distinct_issues(issues, wanted));
    if (all.size() < 2) return fail(ErrorKind::invalid_argument, "ids: names fewer than two issues");
    std::size_t parts = 0;
    for (const Issue& issue : all) parts += issue.parts;
    if (parts > limits::kMaxMergedIssues)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("ids: more than {} issues in one", limits::kMaxMergedIssues));
    const auto first = std::min_element(all.begin(), all.end(), [](const Issue& a, const Issue& b) {
      return std::pair(a.first_seen, a.id) < std::pair(b.first_seen, b.id);
    });
    IssueId target = first->id;
    if (into.value != 0) {
      TT_ASSIGN(const Issue named, issues.get(into));
      target = named.id;
    }
    const UnixNanos now = clock.now();
    TT_ASSIGN(const Issue before, issues.get(target));
    TT_ASSIGN(const auto counted, archive_counts(records, before, now));
    for (const Issue& issue : all) {
      if (issue.id == target) continue;
      TT_TRY(issues.merge(target, issue.id));
      TT_ASSIGN(out, issues.get(target));
      TT_TRY(record(records, out, now, actor, IssueAction::merged, issue.short_id));
    }
    TT_TRY(recount_users(issues, out));
    return keep_archive_progress(records, counted, out, now);
  });
  TT_TRY(std::move(done));
  return out;
}

Result<Issue> unmerge_part(storage::RecordStore& records, const Clock& clock, const IssueActor& actor,
                           IssueId part) {
  storage::IssueRepository& issues = records.issues();
  Issue out;
  auto done = records.transaction([&]() -> Result<> {
    TT_ASSIGN(const Issue from, issues.get(part));
    const UnixNanos now = clock.now();
    TT_ASSIGN(const auto counted, archive_counts(records, from, now));
    TT_TRY(issues.unmerge(part));
    TT_ASSIGN(out, open_freed(records, actor, part, from, now));
    TT_ASSIGN(const Issue rest, issues.get(from.id));
    return keep_archive_progress(records, counted, rest, now);
  });
  TT_TRY(std::move(done));
  return out;
}

Result<> check_split(storage::RecordStore& records, const Issue& from,
                     const std::vector<std::string>& hashes) {
  if (hashes.size() > limits::kMaxUnmergeHashes)
    return fail(ErrorKind::execution, fmt::format("hashes: more than {}", limits::kMaxUnmergeHashes));
  TT_ASSIGN(const auto bound, records.issues().part_hashes(from.id));
  const std::set<std::string> wanted(hashes.begin(), hashes.end());
  for (const std::string& hash : wanted) {
    if (std::none_of(bound.begin(), bound.end(), [&](const auto& b) { return b.hash == hash; }))
      return fail(ErrorKind::invalid_argument, fmt::format("hashes: {} is not one of the issue's", hash));
  }
  if (wanted.empty() || wanted.size() == bound.size())
    return fail(ErrorKind::invalid_argument, "hashes: some of the issue's, not none and not all");
  return {};
}

Result<Issue> split_hashes(storage::RecordStore& records, const Clock& clock, const IssueActor& actor,
                           IssueId id, const std::vector<std::string>& hashes, Issue seed) {
  storage::IssueRepository& issues = records.issues();
  Issue out;
  auto done = records.transaction([&]() -> Result<> {
    TT_ASSIGN(const Issue from, issues.get(id));
    TT_TRY(check_split(records, from, hashes));
    TT_ASSIGN(const auto bound, issues.part_hashes(from.id));
    const std::set<std::string> wanted(hashes.begin(), hashes.end());
    std::map<IssueId, std::size_t> taken;  // of each part
    for (const std::string& hash : wanted) {
      const auto found =
          std::find_if(bound.begin(), bound.end(), [&](const auto& b) { return b.hash == hash; });
      ++taken[found->part];
    }
    const IssueId part = taken.begin()->first;
    const auto of_part =
        std::count_if(bound.begin(), bound.end(), [&](const auto& b) { return b.part == part; });
    if (taken.size() == 1 && part != from.id && taken[part] == static_cast<std::size_t>(of_part)) {
      TT_ASSIGN(out, unmerge_part(records, clock, actor, part));
      return {};
    }
    const UnixNanos now = clock.now();
    seed.id = {};
    seed.project = from.project;
    seed.event_count = seed.user_count = 0;
    seed.parts = 1;
    seed.users_estimated = false;
    seed.assignee = from.assignee;
    seed.priority = priority_of(seed.level);
    TT_ASSIGN(out, issues.add(std::move(seed)));
    for (const std::string& hash : wanted) TT_TRY(issues.move_hash(from.project, hash, out.id));
    TT_ASSIGN(out, open_freed(records, actor, out.id, from, now));
    return {};
  });
  TT_TRY(std::move(done));
  return out;
}

}  // namespace telltale::errors
