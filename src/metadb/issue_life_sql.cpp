// The life of issues: releases a project has met, what is due with time, what people did and what they
// marked.
#include "metadb/issue_row.hpp"
#include "metadb/repositories.hpp"

namespace telltale::metadb {

using storage::Issue;
using storage::IssueId;

Result<> SqlIssues::add_regression(const storage::Issue& issue, std::string_view release) {
  Query q(db_, "INSERT OR IGNORE INTO issue_regressions (project, release, issue) VALUES (?, ?, ?)",
          issue.project, release, issue.id);
  return q.run();
}

Result<> SqlIssues::meet_release(ProjectId project, std::string_view release, UnixNanos time) {
  Query q(db_,
          "INSERT INTO met_releases (project, release, met) VALUES (?, ?, ?) "
          "ON CONFLICT (project, release) DO NOTHING",
          project, release, time);
  return q.run();
}

Result<std::optional<UnixNanos>> SqlIssues::release_met(ProjectId project, std::string_view release) {
  Query q(db_, "SELECT met FROM met_releases WHERE project = ? AND release = ?", project, release);
  TT_ASSIGN(const bool found, q.next());
  return found ? std::optional<UnixNanos>(q.time(0)) : std::nullopt;
}

Result<std::vector<std::string>> SqlIssues::releases_met(ProjectId project, std::size_t limit) {
  std::vector<std::string> out;
  Query q(db_, "SELECT release FROM met_releases WHERE project = ? ORDER BY met DESC, release DESC LIMIT ?",
          project, static_cast<std::int64_t>(limit));
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(q.text(0));
  }
}

Result<> SqlIssues::add_archive_user(IssueId issue, std::string_view user, UnixNanos time) {
  Query q(db_,
          "INSERT INTO archive_users (issue, user, seen) VALUES (?, ?, ?) "
          "ON CONFLICT (issue, user) DO UPDATE SET seen = max(seen, excluded.seen)",
          issue, user, time);
  return q.run();
}

Result<std::uint64_t> SqlIssues::archive_users(IssueId issue, UnixNanos since) {
  Query q(db_, "SELECT count(*) FROM archive_users WHERE issue = ? AND seen >= ?", issue, since);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

Result<> SqlIssues::clear_archive_users(IssueId issue) {
  Query q(db_, "DELETE FROM archive_users WHERE issue = ?", issue);
  return q.run();
}

Result<std::vector<Issue>> SqlIssues::settling(UnixNanos since, std::size_t limit) {
  Query q(db_,
          std::string(kIssueColumns) +
              " FROM issues INDEXED BY issues_settling WHERE status = 1 AND substatus IN (1, 3, 4) "
              "AND substatus_since < ? AND merged_into = 0 ORDER BY substatus_since LIMIT ?",
          since, static_cast<std::int64_t>(limit));
  return read_issues(q);
}

Result<std::vector<Issue>> SqlIssues::archived_until(UnixNanos now, std::size_t limit) {
  Query q(db_,
          std::string(kIssueColumns) +
              " FROM issues INDEXED BY issues_archived WHERE status = 3 AND archive_until = 2 "
              "AND archive_time <= ? AND merged_into = 0 ORDER BY archive_time LIMIT ?",
          now, static_cast<std::int64_t>(limit));
  return read_issues(q);
}

// ---- Activity
// -----------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kActivityColumns =
    "SELECT id, issue, time, action, user, who, detail, text, edited FROM issue_activity ";
constexpr std::string_view kOfIssue =
    "issue IN (SELECT id FROM issues WHERE id = ? OR (merged_into = ? AND merged_into <> 0)) ";

storage::IssueActivity read_activity(const Query& q) {
  storage::IssueActivity out;
  out.id = q.integer(0);
  out.issue = {q.integer(1)};
  out.time = q.time(2);
  out.action = static_cast<storage::IssueAction>(q.integer(3));
  out.user = q.integer(4);
  out.who = q.text(5);
  out.detail = q.text(6);
  out.text = q.text(7);
  out.edited = q.maybe_time(8);
  return out;
}

}  // namespace

Result<std::int64_t> SqlIssueActivity::add(const storage::IssueActivity& a) {
  Query q(db_, "INSERT INTO issue_activity VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", a.issue, a.time, a.action,
          a.user, a.who, a.detail, a.text, a.edited);
  TT_TRY(q.run());
  return db_.last_insert_id();
}

Result<storage::IssueActivity> SqlIssueActivity::get(std::int64_t id) {
  Query q(db_, std::string(kActivityColumns) + "WHERE id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no activity " + std::to_string(id));
  return read_activity(q);
}

Result<> SqlIssueActivity::update(const storage::IssueActivity& a) {
  Query q(db_, "UPDATE issue_activity SET text = ?, edited = ? WHERE id = ?", a.text, a.edited, a.id);
  TT_TRY(q.run());
  if (db_.changed_rows() == 0) return fail(ErrorKind::not_found, "no activity " + std::to_string(a.id));
  return {};
}

Result<> SqlIssueActivity::remove(std::int64_t id) {
  Query q(db_, "DELETE FROM issue_activity WHERE id = ?", id);
  TT_TRY(q.run());
  if (db_.changed_rows() == 0) return fail(ErrorKind::not_found, "no activity " + std::to_string(id));
  return {};
}

Result<std::vector<storage::IssueActivity>> SqlIssueActivity::list(IssueId issue, std::int64_t before,
                                                                   std::size_t limit) {
  std::vector<storage::IssueActivity> out;
  Query q(db_,
          std::string(kActivityColumns) + "WHERE " + std::string(kOfIssue) +
              "AND id < ? ORDER BY id DESC LIMIT ?",
          issue, issue, before == 0 ? INT64_MAX : before, static_cast<std::int64_t>(limit));
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_activity(q));
  }
}

Result<std::uint64_t> SqlIssueActivity::count_comments(IssueId issue) {
  Query q(db_, "SELECT count(*) FROM issue_activity WHERE " + std::string(kOfIssue) + "AND action = 1", issue,
          issue);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

// ---- Marks
// --------------------------------------------------------------------------------------------------

Result<> SqlIssueActivity::put_mark(std::int64_t user, const storage::IssueMark& mark) {
  const std::string of_parts = "WHERE user = ? AND " + std::string(kOfIssue);
  return db_.transaction(
      [&]() -> Result<> {
        TT_ASSIGN(const auto before, this->mark(user, mark.issue));
        // A bookmark that another part brings is not made the issue's own as well.
        const bool own = mark.bookmarked && !before.bookmarked;
        Query put(db_,
                  "INSERT INTO issue_marks (user, issue, bookmarked, seen) VALUES (?, ?, ?, ?) "
                  "ON CONFLICT (user, issue) DO UPDATE SET seen = excluded.seen, "
                  "bookmarked = max(bookmarked, excluded.bookmarked)",
                  user, mark.issue, own, mark.seen);
        TT_TRY(put.run());
        if (!mark.bookmarked) {
          Query off(db_, "UPDATE issue_marks SET bookmarked = 0 " + of_parts, user, mark.issue, mark.issue);
          TT_TRY(off.run());
        }
        Query empty(db_, "DELETE FROM issue_marks " + of_parts + "AND bookmarked = 0 AND seen IS NULL", user,
                    mark.issue, mark.issue);
        return empty.run();
      },
      storage::Durability::full);
}

Result<storage::IssueMark> SqlIssueActivity::mark(std::int64_t user, IssueId issue) {
  Query q(db_,
          "SELECT max(bookmarked), max(CASE WHEN issue = ? THEN seen END) FROM issue_marks WHERE user = ? "
          "AND " +
              std::string(kOfIssue),
          issue, user, issue, issue);
  TT_TRY(q.next());
  return storage::IssueMark{issue, q.integer(0) != 0, q.maybe_time(1)};
}

}  // namespace telltale::metadb
