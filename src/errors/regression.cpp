#include "errors/regression.hpp"

#include "errors/releases.hpp"

namespace telltale::errors {
namespace {

/// Releases that are looked at for the newest; older ones are not.
constexpr std::size_t kNewestReleases = 200;

}  // namespace

Result<bool> regresses(storage::IssueRepository& issues, const storage::Issue& issue, const EventRow& row) {
  if (issue.status != storage::IssueStatus::resolved || row.time < issue.status_changed) return false;
  const std::string& release = row.ids.release;
  if (issue.resolved_in.empty()) return !issue.resolved_next || !release.empty();
  if (release.empty()) return false;
  if (release == issue.resolved_in) return !issue.resolved_next;
  if (const auto order = compare_releases(release, issue.resolved_in))
    return issue.resolved_next ? *order > 0 : *order >= 0;
  TT_ASSIGN(const auto met, issues.release_met(issue.project, release));
  if (!met) return true;  // there has been none newer
  TT_ASSIGN(const auto fixed, issues.release_met(issue.project, issue.resolved_in));
  return fixed ? *met > *fixed : *met >= issue.status_changed;
}

Result<std::string> newest_release(storage::IssueRepository& issues, ProjectId project) {
  TT_ASSIGN(const auto releases, issues.releases_met(project, kNewestReleases));
  std::string newest;
  for (const std::string& release : releases) {
    if (newest.empty()) {
      newest = release;
    } else if (const auto order = compare_releases(release, newest); order && *order > 0) {
      newest = release;
    }
  }
  return newest;
}

}  // namespace telltale::errors
