#include "errors/commit_resolution.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/commit_limits.hpp"
#include "base/text.hpp"
#include "errors/issue_changes.hpp"

namespace telltale::errors {

using storage::Issue;
using storage::IssueId;

namespace {

constexpr std::size_t kLeastCommitDigits = 7;
constexpr std::size_t kMostCommitDigits = 64;
constexpr std::string_view kVerbs[] = {"fix",      "fixes", "fixed",  "resolve", "resolves",
                                       "resolved", "close", "closes", "closed"};

std::string key_of(ProjectId project, IssueId issue) {
  return fmt::format("awaited-commit/{}/{}", project.value, issue.value);
}

bool is_commit(std::string_view text) {
  return text.size() >= kLeastCommitDigits && text.size() <= kMostCommitDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool same_commit(std::string_view a, std::string_view b) {
  return a.size() < b.size() ? b.starts_with(a) : a.starts_with(b);
}

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_word_char(text[end])) ++end;
    if (end > i) out.push_back(text.substr(i, end - i));
    i = std::max(end, i + 1);
  }
  return out;
}

Result<> resolve_in(storage::RecordStore& records, const Clock& clock, const IssueActor& actor, IssueId id,
                    const std::string& release) {
  const auto issue = records.issues().get(id);
  if (!issue)
    return issue.error().kind() == ErrorKind::not_found ? Result<>() : tl::unexpected(issue.error());
  if (issue->status == storage::IssueStatus::resolved && issue->resolved_in == release) return {};
  IssueUpdate update;
  update.status = storage::IssueStatus::resolved;
  update.resolved_in = release;
  TT_TRY(update_issue(records, clock, actor, issue->id, update));
  return {};
}

/// The newest release of the project that has the commit; empty: none has.
Result<std::string> release_with(storage::RecordStore& records, ProjectId project, std::string_view commit) {
  storage::ReleaseQuery query;
  query.projects = {project};
  query.limit = limits::kMaxReleasesAskedForCommits;
  TT_ASSIGN(const auto releases, records.releases().list(query));
  for (const auto& release : releases) {
    if (release.commits == 0) continue;
    TT_ASSIGN(const auto commits, records.releases().commits(release.id));
    const bool has = std::any_of(commits.begin(), commits.end(),
                                 [&](const auto& c) { return same_commit(c.sha, commit); });
    if (has) return release.version;
  }
  return std::string();
}

}  // namespace

std::vector<std::string> fixed_issues(std::string_view message) {
  std::vector<std::string> out;
  bool after_verb = false;
  for (const std::string_view word : words_of(message)) {
    const bool verb = std::any_of(std::begin(kVerbs), std::end(kVerbs),
                                  [&](std::string_view v) { return equal_ignore_case(v, word); });
    // `SHOP-1F`: the project's slug and a number of its own.
    const std::size_t dash = word.rfind('-');
    const bool id = dash != std::string_view::npos && dash > 0 && dash + 1 < word.size();
    if (after_verb && id && out.size() < limits::kMaxFixedIssues) {
      std::string upper(word);
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
      out.push_back(std::move(upper));
    }
    // `fixes SHOP-1F, SHOP-20 and SHOP-3`
    after_verb = verb || (after_verb && (id || equal_ignore_case(word, "and")));
  }
  return out;
}

Result<Issue> resolve_in_commit(storage::RecordStore& records, const Clock& clock, const IssueActor& actor,
                                IssueId id, std::string_view text) {
  std::string commit(text);
  std::transform(commit.begin(), commit.end(), commit.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!is_commit(commit))
    return fail(ErrorKind::invalid_argument, "resolved_in_commit: not a commit: 7 to 64 hexadecimal digits");
  auto done = records.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto issue, records.issues().get(id));
    TT_ASSIGN(const auto release, release_with(records, issue.project, commit));
    const std::string key = key_of(issue.project, issue.id);
    if (!release.empty()) {
      TT_TRY(records.settings().remove(key));
      return resolve_in(records, clock, actor, issue.id, release);
    }
    TT_ASSIGN(const auto awaited,
              records.settings().list(fmt::format("awaited-commit/{}/", issue.project.value)));
    if (awaited.size() >= limits::kMaxAwaitedCommits)
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("{} issues wait for commits (kMaxAwaitedCommits)", awaited.size()));
    TT_TRY(records.settings().put(key, commit));
    return record(records, issue, clock.now(), actor, storage::IssueAction::resolved,
                  "once a release has the commit " + commit);
  });
  TT_TRY(std::move(done));
  return records.issues().get(id);
}

Result<std::vector<Issue>> resolve_all_in_commit(storage::RecordStore& records, const Clock& clock,
                                                 const IssueActor& actor, const std::vector<IssueId>& ids,
                                                 std::string_view commit) {
  std::vector<Issue> changed;
  auto done = records.transaction([&]() -> Result<> {
    for (const IssueId id : ids) {
      auto issue = resolve_in_commit(records, clock, actor, id, commit);
      if (!issue)
        return tl::unexpected<Error>(std::move(issue).error().within(fmt::format("issue {}", id.value)));
      changed.push_back(*std::move(issue));
    }
    return {};
  });
  TT_TRY(std::move(done));
  return changed;
}

Result<> stop_awaiting(storage::RecordStore& records, const Issue& issue) {
  const std::string key = key_of(issue.project, issue.id);
  TT_ASSIGN(const auto kept, records.settings().get(key));
  return kept ? records.settings().remove(key) : Result<>();
}

Result<std::string> awaited_commit(storage::RecordStore& records, const Issue& issue) {
  TT_ASSIGN(const auto kept, records.settings().get(key_of(issue.project, issue.id)));
  return kept.value_or("");
}

namespace {

Result<> commits_released(storage::RecordStore& records, const Clock& clock, ProjectId project,
                          const std::string& release, const std::vector<storage::Commit>& commits) {
  const IssueActor nobody;
  const std::string prefix = fmt::format("awaited-commit/{}/", project.value);
  TT_ASSIGN(const auto awaited, records.settings().list(prefix));
  for (const auto& setting : awaited) {
    const bool came = std::any_of(commits.begin(), commits.end(),
                                  [&](const auto& c) { return same_commit(c.sha, setting.value); });
    if (!came) continue;
    TT_TRY(records.settings().remove(setting.key));
    std::int64_t id = 0;
    (void)std::from_chars(setting.key.data() + prefix.size(), setting.key.data() + setting.key.size(), id);
    TT_TRY(resolve_in(records, clock, nobody, {id}, release));
  }
  for (const auto& commit : commits) {
    for (const auto& short_id : fixed_issues(commit.message)) {
      const auto issue = records.issues().find_by_short_id(short_id);
      if (!issue && issue.error().kind() != ErrorKind::not_found) return tl::unexpected(issue.error());
      if (issue && issue->project == project) TT_TRY(resolve_in(records, clock, nobody, issue->id, release));
    }
  }
  return {};
}

}  // namespace

Result<> set_release_commits(storage::RecordStore& records, const Clock& clock,
                             const storage::Release& release, const std::vector<storage::Commit>& commits) {
  return records.transaction([&]() -> Result<> {
    TT_ASSIGN(const auto before, records.releases().commits(release.id));
    TT_TRY(records.releases().set_commits(release.id, commits));
    std::vector<storage::Commit> fresh;
    for (const auto& commit : commits) {
      const bool known =
          std::any_of(before.begin(), before.end(), [&](const auto& b) { return b.sha == commit.sha; });
      if (!known) fresh.push_back(commit);
    }
    return fresh.empty() ? Result<>()
                         : commits_released(records, clock, release.project, release.version, fresh);
  });
}

}  // namespace telltale::errors
