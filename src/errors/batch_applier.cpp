#include "errors/batch_applier.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "errors/archive_progress.hpp"
#include "errors/issue_states.hpp"
#include "errors/regression.hpp"

namespace telltale::errors {

using storage::Issue;
using storage::IssueAction;
using storage::IssueId;
using storage::IssueStatus;
using storage::IssueSubstatus;

namespace {

std::string text_of(const EventRow& row, std::string_view name) {
  const AttrValue* value = row.find(name);
  return value == nullptr ? std::string() : to_string(*value);
}

std::vector<std::string> split_hashes_of(std::string_view text) {
  std::vector<std::string> hashes;
  std::size_t at = 0;
  while (at < text.size() && hashes.size() < limits::kMaxGroupHashes) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) hashes.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return hashes;
}

Issue new_issue(const EventRow& row, ProjectId project) {
  Issue issue;
  issue.project = project;
  issue.title = row.message;
  issue.culprit = text_of(row, attr::kCulprit);
  issue.type = text_of(row, attr::kErrorType);
  issue.level = row.ids.level;
  issue.platform = text_of(row, attr::kPlatform);
  issue.first_seen = issue.last_seen = row.time;
  issue.first_release = issue.last_release = row.ids.release;
  issue.status_changed = issue.substatus_since = row.received;
  issue.priority = priority_of(row.ids.level);
  return issue;
}

/// What an event changes in an issue and in its part.
void tally(Issue& issue, const EventRow& row) {
  ++issue.event_count;
  if (row.time < issue.first_seen) {
    issue.first_seen = row.time;
    if (!row.ids.release.empty()) issue.first_release = row.ids.release;
  }
  if (row.time < issue.last_seen) return;
  issue.last_seen = row.time;
  issue.level = row.ids.level;
  issue.title = row.message;
  issue.culprit = text_of(row, attr::kCulprit);
  issue.last_event = Id128::parse(text_of(row, attr::kEventId)).value_or(Id128{});
  if (!row.ids.release.empty()) issue.last_release = row.ids.release;
}

}  // namespace

Result<> BatchApplier::add(const EventRow& row) {
  const std::string text = text_of(row, attr::kGroupHashes);
  if (text.find_first_not_of(' ') == std::string::npos) return {};  // ingest gives every error a hash
  TT_ASSIGN(const Target target, resolve(row, text));
  return count(target, row);
}

Result<BatchApplier::Target> BatchApplier::resolve(const EventRow& row, const std::string& text) {
  if (const auto known = known_.find(text); known != known_.end()) return known->second;
  const auto hashes = split_hashes_of(text);
  TT_ASSIGN(auto found, find(hashes));
  // An issue from before the grouping changed: from now on it is found by the new hashes.
  if (!found) {
    TT_ASSIGN(found, find(split_hashes_of(text_of(row, attr::kGroupHashesBefore))));
  }
  if (!found) {
    TT_ASSIGN(found, make(row));
  }
  for (const std::string& hash : hashes) TT_TRY(records_.issues().bind_hash(project_, hash, found->part_id));
  known_.emplace(text, *found);
  return *found;
}

/// By the first hash that is bound.
Result<std::optional<BatchApplier::Target>> BatchApplier::find(const std::vector<std::string>& hashes) {
  for (const std::string& hash : hashes) {
    TT_ASSIGN(const auto part, records_.issues().find_part(project_, hash));
    if (!part) continue;
    TT_ASSIGN(const Target target, load(*part));
    return std::optional<Target>(target);
  }
  return std::optional<Target>();
}

Result<BatchApplier::Target> BatchApplier::load(const storage::IssuePart& found) {
  auto it = issues_.find(found.issue);
  if (it == issues_.end()) {
    TT_ASSIGN(Issue issue, records_.issues().get(found.issue));
    it = issues_.emplace(found.issue, TouchedIssue()).first;
    it->second.issue = std::move(issue);
    if (it->second.issue.parts > 1) {
      TT_ASSIGN(auto parts, records_.issues().parts(found.issue));
      for (Issue& part : parts) it->second.parts[part.id].counts = std::move(part);
    }
  }
  return Target{&it->second, &it->second.parts[found.part], found.part};
}

Result<BatchApplier::Target> BatchApplier::make(const EventRow& row) {
  Issue fresh = new_issue(row, project_);
  if (owner_) fresh.assignee = owner_(project_, row);
  TT_ASSIGN(Issue issue, records_.issues().add(std::move(fresh)));
  if (!issue.assignee.empty())
    TT_TRY(record(records_, issue, row.received, {}, IssueAction::assigned, issue.assignee));
  const IssueId id = issue.id;
  TouchedIssue& touched = issues_[id];
  touched.issue = std::move(issue);
  touched.change = IssueChange::fresh;
  return Target{&touched, &touched.parts[id], id};
}

Result<> BatchApplier::reopen(TouchedIssue& touched, const EventRow& row) {
  set_unresolved(touched.issue, IssueSubstatus::regressed, row.received);
  touched.change = IssueChange::regressed;
  if (!row.ids.release.empty()) TT_TRY(records_.issues().add_regression(touched.issue, row.ids.release));
  return record(records_, touched.issue, row.received, {}, IssueAction::regressed, row.ids.release);
}

Result<> BatchApplier::count(const Target& target, const EventRow& row) {
  TouchedIssue& touched = *target.issue;
  TouchedPart& part = *target.part;
  Issue& issue = touched.issue;
  TT_ASSIGN(const bool reopens, regresses(records_.issues(), issue, row));
  if (reopens) TT_TRY(reopen(touched, row));
  touched.received = std::max(touched.received, row.received);
  part.touched = true;
  tally(issue, row);
  if (issue.parts > 1) tally(part.counts, row);
  ++part.hours[issue_hour(row.time)];
  if (row.find(attr::kBodyLeftOut) != nullptr) ++part.left_out;
  if (const std::string& environment = row.ids.environment; !environment.empty()) {
    auto& seen =
        part.environments.try_emplace(environment, storage::EnvironmentSeen{environment, row.time, row.time})
            .first->second;
    seen.first_seen = std::min(seen.first_seen, row.time);
    seen.last_seen = std::max(seen.last_seen, row.time);
  }
  if (const std::string& release = row.ids.release; !release.empty()) {
    const auto [seen, fresh] =
        part.releases.try_emplace(release, storage::ReleaseCount{release, row.time, row.time});
    seen->second.first_seen = std::min(seen->second.first_seen, row.time);
    seen->second.last_seen = std::max(seen->second.last_seen, row.time);
    ++seen->second.count;
    if (releases_.insert(release).second)
      TT_TRY(records_.issues().meet_release(project_, release, row.received));
  }
  return row.ids.user_id.empty() ? Result<>() : count_users(target, row);
}

Result<> BatchApplier::count_users(const Target& target, const EventRow& row) {
  TouchedIssue& touched = *target.issue;
  Issue& issue = touched.issue;
  const Id128 user = hash128(row.ids.user_id);
  const storage::IssueArchive& archive = issue.archive;
  if (issue.status == IssueStatus::ignored && archive.until == storage::ArchiveUntil::users &&
      archive.window_hours != 0)
    TT_TRY(records_.issues().add_archive_user(issue.id, user.hex(), row.received));
  if (!target.part->users.insert(user).second) return {};
  if (issue.parts <= 1) return count_user(records_.issues(), sketches_, issue, issue, {}, user);
  std::vector<Issue*> parts;
  for (auto& [id, part] : touched.parts) parts.push_back(&part.counts);
  return count_user(records_.issues(), sketches_, issue, target.part->counts, parts, user);
}

Result<> BatchApplier::write(TouchedIssue& touched) {
  storage::IssueRepository& issues = records_.issues();
  const bool several = touched.issue.parts > 1;
  for (auto& [id, part] : touched.parts) {
    if (!part.touched) continue;
    for (const auto& [hour, n] : part.hours) TT_TRY(issues.add_hour_count(id, hour, n));
    if (part.left_out > 0) TT_TRY(issues.add_left_out(id, part.left_out));
    for (const auto& [release, seen] : part.releases) TT_TRY(issues.add_release(id, seen));
    for (const auto& [environment, seen] : part.environments) TT_TRY(issues.add_environment(id, seen));
    if ((several ? part.counts : touched.issue).users_estimated) TT_TRY(write_sketch(issues, sketches_, id));
    if (several) TT_TRY(issues.update_part(touched.issue.id, part.counts));
  }
  TT_TRY(check_archive(touched));
  return issues.update(touched.issue);
}

Result<> BatchApplier::check_archive(TouchedIssue& touched) {
  Issue& issue = touched.issue;
  const bool events = issue.archive.until == storage::ArchiveUntil::events;
  if (issue.status != IssueStatus::ignored ||
      (!events && issue.archive.until != storage::ArchiveUntil::users))
    return {};
  TT_ASSIGN(const std::uint64_t more, archive_progress(records_, issue, touched.received));
  if (more < issue.archive.count) return {};
  set_unresolved(issue, IssueSubstatus::ongoing, touched.received);
  TT_TRY(end_archive(records_, issue.id));
  touched.change = IssueChange::unarchived;
  return record(records_, issue, touched.received, {}, IssueAction::unarchived,
                fmt::format("{} more {}", more, events ? "events" : "users"));
}

Result<> BatchApplier::finish(std::vector<IssueEvent>& events) {
  for (auto& [id, touched] : issues_) {
    TT_TRY(write(touched));
    if (touched.change) events.push_back({*touched.change, touched.issue});
  }
  return {};
}

}  // namespace telltale::errors
