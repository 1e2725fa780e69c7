// What issues are made of: parts, their hashes, and counts by hour, release and user. `issues.merged_into`
// leads from a part straight to its issue, never over another one.
#include <set>

#include "base/issue_limits.hpp"
#include "base/limits.hpp"
#include "metadb/issue_row.hpp"
#include "metadb/repositories.hpp"
#include "metadb/where.hpp"

namespace telltale::metadb {

namespace {

using storage::Issue;
using storage::IssueId;

/// Ids of the issue's parts, as a set for IN; takes the issue twice.
constexpr const char* kPartIds =
    "(SELECT id FROM issues WHERE id = ? OR (merged_into = ? AND merged_into <> 0))";

Result<> run_for(Connection& db, std::string_view sql, IssueId issue) {
  Query q(db, sql, issue);
  return q.run();
}

void take_counts(Issue& to, const Issue& from) {
  to.title = from.title;
  to.culprit = from.culprit;
  to.type = from.type;
  to.level = from.level;
  to.platform = from.platform;
  to.last_event = from.last_event;
}

/// The counts of `issue` become those of its parts together; users are the caller's business.
void add_up(Issue& issue, const std::vector<Issue>& parts) {
  const Issue* first = &parts.front();
  const Issue* last = first;
  std::uint64_t events = 0;
  bool estimated = false;
  std::string first_release;
  std::string last_release;
  UnixNanos first_release_at{INT64_MAX};
  UnixNanos last_release_at{INT64_MIN};
  for (const Issue& part : parts) {
    if (part.first_seen < first->first_seen) first = &part;
    if (part.last_seen > last->last_seen) last = &part;
    if (!part.first_release.empty() && part.first_seen < first_release_at) {
      first_release = part.first_release;
      first_release_at = part.first_seen;
    }
    if (!part.last_release.empty() && part.last_seen > last_release_at) {
      last_release = part.last_release;
      last_release_at = part.last_seen;
    }
    events += part.event_count;
    estimated = estimated || part.users_estimated;
  }
  take_counts(issue, *last);
  issue.first_seen = first->first_seen;
  issue.last_seen = last->last_seen;
  issue.first_release = first_release;
  issue.last_release = last_release;
  issue.event_count = events;
  issue.users_estimated = estimated;
}

}  // namespace

Result<IssueId> SqlIssues::survivor(IssueId id) {
  Query q(db_, "SELECT merged_into FROM issues WHERE id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no issue " + std::to_string(id.value));
  return q.integer(0) == 0 ? id : IssueId{q.integer(0)};
}

// ---- Hashes
// -------------------------------------------------------------------------------------------------

Result<std::optional<storage::IssuePart>> SqlIssues::find_part(ProjectId project, std::string_view hash) {
  Query q(
      db_,
      "SELECT h.issue, coalesce(i.merged_into, 0) FROM issue_hashes h LEFT JOIN issues i ON i.id = h.issue "
      "WHERE h.project = ? AND h.hash = ?",
      project, hash);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return std::optional<storage::IssuePart>();
  const std::int64_t part = q.integer(0);
  const std::int64_t into = q.integer(1);
  return std::optional<storage::IssuePart>({IssueId{into == 0 ? part : into}, IssueId{part}});
}

Result<std::optional<IssueId>> SqlIssues::find_by_hash(ProjectId project, std::string_view hash) {
  TT_ASSIGN(const auto found, find_part(project, hash));
  return found ? std::optional<IssueId>(found->issue) : std::nullopt;
}

Result<> SqlIssues::bind_hash(ProjectId project, std::string_view hash, IssueId part) {
  Query q(db_, "INSERT OR IGNORE INTO issue_hashes (project, hash, issue) VALUES (?, ?, ?)", project, hash,
          part);
  return q.run();
}

Result<> SqlIssues::move_hash(ProjectId project, std::string_view hash, IssueId part) {
  Query q(db_, "UPDATE issue_hashes SET issue = ? WHERE project = ? AND hash = ?", part, project, hash);
  return q.run();
}

Result<std::vector<std::string>> SqlIssues::hashes(IssueId issue) {
  TT_ASSIGN(issue, survivor(issue));
  std::vector<std::string> out;
  Query q(db_, std::string("SELECT hash FROM issue_hashes WHERE issue IN ") + kPartIds + " ORDER BY hash",
          issue, issue);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(q.text(0));
  }
}

Result<std::vector<storage::IssueHash>> SqlIssues::part_hashes(IssueId issue) {
  TT_ASSIGN(issue, survivor(issue));
  std::vector<storage::IssueHash> out;
  Query q(db_,
          std::string("SELECT hash, issue FROM issue_hashes WHERE issue IN ") + kPartIds +
              " ORDER BY issue <> ?, issue, hash",
          issue, issue, issue);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.text(0), IssueId{q.integer(1)}});
  }
}

// ---- Parts
// --------------------------------------------------------------------------------------------------

Result<bool> SqlIssues::has_own(IssueId issue) {
  Query q(db_, "SELECT 1 FROM issue_own WHERE id = ?", issue);
  return q.next();
}

Result<std::vector<Issue>> SqlIssues::parts(IssueId issue) {
  TT_ASSIGN(issue, survivor(issue));
  Query q(
      db_,
      std::string(kIssueColumns) +
          " FROM issues WHERE issues.id = ? OR (merged_into = ? AND merged_into <> 0) ORDER BY id <> ?, id",
      issue, issue, issue);
  TT_ASSIGN(auto out, read_issues(q));
  Query own(db_, "SELECT " + std::string(kCountColumns) + " FROM issue_own WHERE id = ?", issue);
  TT_ASSIGN(const bool found, own.next());
  if (!found) return out;
  Issue& first = out.front();
  first.title = own.text(0);
  first.culprit = own.text(1);
  first.type = own.text(2);
  first.level = static_cast<Level>(own.integer(3));
  first.platform = own.text(4);
  first.first_seen = own.time(5);
  first.last_seen = own.time(6);
  first.first_release = own.text(7);
  first.last_release = own.text(8);
  first.event_count = static_cast<std::uint64_t>(own.integer(9));
  first.user_count = static_cast<std::uint64_t>(own.integer(10));
  first.last_event = Id128::parse(own.text(11)).value_or(Id128{});
  first.users_estimated = own.integer(12) != 0;
  return out;
}

Result<> SqlIssues::update_part(IssueId issue, const Issue& part) {
  const char* const table = part.id == issue ? "issue_own" : "issues";
  Query q(db_,
          std::string("UPDATE ") + table + " SET (" + std::string(kCountColumns) +
              ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
          part.title, part.culprit, part.type, part.level, part.platform, part.first_seen, part.last_seen,
          part.first_release, part.last_release, part.event_count, part.user_count, part.last_event.hex(),
          part.users_estimated, part.id);
  return q.run();
}

/// What the issue itself has counted is all of it again.
Result<> SqlIssues::restore_own(IssueId issue) {
  TT_TRY(run_for(db_, "UPDATE issues SET parts = 1 WHERE id = ?", issue));
  const std::string columns(kCountColumns);
  TT_TRY(run_for(db_,
                 "UPDATE issues SET (" + columns + ") = (SELECT " + columns +
                     " FROM issue_own WHERE issue_own.id = issues.id) WHERE id = ? AND id IN "
                     "(SELECT id FROM issue_own)",
                 issue));
  return run_for(db_, "DELETE FROM issue_own WHERE id = ?", issue);
}

Result<> SqlIssues::sum_up(IssueId issue) {
  TT_ASSIGN(const auto all, parts(issue));
  if (all.size() == 1) return restore_own(issue);
  TT_ASSIGN(Issue sum, get(issue));
  add_up(sum, all);
  sum.parts = static_cast<std::uint32_t>(all.size());
  Query users(db_, std::string("SELECT count(DISTINCT user) FROM issue_users WHERE issue IN ") + kPartIds,
              issue, issue);
  TT_TRY(users.next());
  sum.user_count = static_cast<std::uint64_t>(users.integer(0));
  return update(sum);
}

void SqlIssues::lead(IssueId part, IssueId from, IssueId to) {
  trends_.lead(part.value, to.value);
  db_.if_taken_back([this, part, from] { trends_.lead(part.value, from.value); });
}

Result<> SqlIssues::merge(IssueId into, IssueId from) {
  return db_.transaction(
      [&]() -> Result<> {
        TT_ASSIGN(const Issue target, get(into));
        TT_ASSIGN(const Issue source, get(from));
        if (target.id == source.id) {
          return fail(ErrorKind::invalid_argument, into == from ? "an issue cannot be merged into itself"
                                                                : "the issues are merged already");
        }
        if (target.project != source.project) {
          return fail(ErrorKind::invalid_argument, "issues of different projects cannot be merged");
        }
        const std::string columns(kCountColumns);
        TT_TRY(run_for(db_,
                       "INSERT OR IGNORE INTO issue_own (id, " + columns + ") SELECT id, " + columns +
                           " FROM issues WHERE id = ?",
                       target.id));
        TT_TRY(restore_own(source.id));
        Query lead_sql(
            db_, "UPDATE issues SET merged_into = ? WHERE id = ? OR (merged_into = ? AND merged_into <> 0)",
            target.id, source.id, source.id);
        TT_ASSIGN(const auto moved, parts(source.id));
        TT_TRY(lead_sql.run());
        for (const Issue& part : moved)
          lead(part.id, part.id == source.id ? IssueId{0} : source.id, target.id);
        return sum_up(target.id);
      },
      storage::Durability::full);
}

Result<> SqlIssues::unmerge(IssueId part) {
  return db_.transaction(
      [&]() -> Result<> {
        TT_ASSIGN(const IssueId issue, survivor(part));
        if (issue == part) {
          return fail(ErrorKind::invalid_argument,
                      "issue " + std::to_string(part.value) + " is not merged into another one");
        }
        TT_TRY(run_for(db_, "UPDATE issues SET merged_into = 0 WHERE id = ?", part));
        lead(part, issue, IssueId{0});
        return sum_up(issue);
      },
      storage::Durability::full);
}

// ---- Hours and releases
// -------------------------------------------------------------------------------------

Result<> SqlIssues::add_hour_count(IssueId part, UnixNanos time, std::uint64_t count) {
  Query q(db_,
          "INSERT INTO issue_hours (issue, hour, count) VALUES (?, ?, ?) "
          "ON CONFLICT (issue, hour) DO UPDATE SET count = count + excluded.count",
          part, hour_of(time), count);
  TT_TRY(q.run());
  const std::int64_t hour = hour_of(time) / kHourNs;
  const auto n = static_cast<std::int64_t>(count);
  trends_.add(part.value, hour, n);
  db_.if_taken_back([this, part, hour, n] { trends_.add(part.value, hour, -n); });
  return {};
}

Result<std::vector<storage::HourCount>> SqlIssues::hour_counts(IssueId issue, TimeRange range) {
  TT_ASSIGN(issue, survivor(issue));
  std::vector<storage::HourCount> out;
  const std::int64_t first = range.from.ns == INT64_MIN ? INT64_MIN : hour_of(range.from);
  Query q(db_,
          std::string("SELECT hour, sum(count) FROM issue_hours WHERE issue IN ") + kPartIds +
              " AND hour >= ? AND hour < ? GROUP BY hour ORDER BY hour",
          issue, issue, first, range.to);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.time(0), static_cast<std::uint64_t>(q.integer(1))});
  }
}

Result<> SqlIssues::prune_hours(UnixNanos time) {
  // Some at a time: whoever counts events meanwhile waits for no more than those.
  constexpr auto at_once = static_cast<std::int64_t>(limits::kPrunedHoursAtOnce);
  for (std::int64_t gone = at_once; gone == at_once;) {
    const auto drop = [&]() -> Result<> {
      Query q(db_,
              "DELETE FROM issue_hours WHERE (issue, hour) IN "
              "(SELECT issue, hour FROM issue_hours WHERE hour < ? LIMIT ?)",
              hour_of(time), at_once);
      TT_TRY(q.run());
      gone = db_.changed_rows();
      return {};
    };
    TT_TRY(db_.transaction(drop, storage::Durability::deferred));
  }
  return {};
}

Result<> SqlIssues::add_release(IssueId part, const storage::ReleaseCount& seen) {
  Query q(db_,
          "INSERT INTO issue_releases (issue, release, first_seen, last_seen, count) VALUES (?, ?, ?, ?, ?) "
          "ON CONFLICT (issue, release) DO UPDATE SET count = count + excluded.count, "
          "first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)",
          part, seen.release, seen.first_seen, seen.last_seen, seen.count);
  return q.run();
}

Result<> SqlIssues::add_environment(IssueId part, const storage::EnvironmentSeen& seen) {
  Query q(db_,
          "INSERT INTO issue_environments (issue, environment, first_seen, last_seen) VALUES (?, ?, ?, ?) "
          "ON CONFLICT (issue, environment) DO UPDATE SET first_seen = min(first_seen, excluded.first_seen), "
          "last_seen = max(last_seen, excluded.last_seen)",
          part, seen.environment, seen.first_seen, seen.last_seen);
  return q.run();
}

Result<std::vector<std::string>> SqlIssues::environments(const std::vector<ProjectId>& projects) {
  // From each name to the next one in the index: there are few names and many issues.
  Where in;
  in.projects("i.project", projects);
  Query q(
      db_,
      "WITH RECURSIVE names (name) AS (SELECT min(environment) FROM issue_environments UNION ALL "
      "SELECT (SELECT min(environment) FROM issue_environments WHERE environment > names.name) FROM names "
      "WHERE name IS NOT NULL LIMIT ?) SELECT name FROM names WHERE name <> '' AND EXISTS (SELECT 1 FROM "
      "issue_environments e JOIN issues i ON i.id = e.issue" +
          in.sql() + " AND e.environment = name)",
      static_cast<std::int64_t>(limits::kMaxEnvironments));
  in.bind_to(q);
  std::vector<std::string> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(q.text(0));
  }
}

Result<bool> SqlIssues::knows_environments() {
  Query q(db_, "SELECT 1 FROM environments_unknown");
  TT_ASSIGN(const bool unknown, q.next());
  return !unknown;
}

Result<> SqlIssues::environments_are_known() {
  Query q(db_, "DELETE FROM environments_unknown");
  return q.run();
}

Result<std::vector<storage::ReleaseCount>> SqlIssues::releases(IssueId issue) {
  TT_ASSIGN(issue, survivor(issue));
  std::vector<storage::ReleaseCount> out;
  Query q(db_,
          std::string("SELECT release, min(first_seen), max(last_seen), sum(count) FROM issue_releases "
                      "WHERE issue IN ") +
              kPartIds + " GROUP BY release ORDER BY 2, release",
          issue, issue);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.text(0), q.time(1), q.time(2), static_cast<std::uint64_t>(q.integer(3))});
  }
}

// ---- Users
// --------------------------------------------------------------------------------------------------

Result<bool> SqlIssues::add_user(IssueId part, std::string_view user) {
  Query q(db_, "INSERT OR IGNORE INTO issue_users (issue, user) VALUES (?, ?)", part, user);
  TT_TRY(q.run());
  return db_.changed_rows() > 0;
}

Result<bool> SqlIssues::user_elsewhere(IssueId issue, IssueId part, std::string_view user) {
  Query q(db_,
          std::string("SELECT 1 FROM issue_users WHERE issue IN ") + kPartIds +
              " AND issue <> ? AND user = ? LIMIT 1",
          issue, issue, part, user);
  return q.next();
}

Result<std::vector<std::string>> SqlIssues::users(IssueId part) {
  std::vector<std::string> out;
  Query q(db_, "SELECT user FROM issue_users WHERE issue = ?", part);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(q.text(0));
  }
}

Result<> SqlIssues::drop_users(IssueId part) {
  return run_for(db_, "DELETE FROM issue_users WHERE issue = ?", part);
}

Result<std::vector<std::pair<int, std::string>>> SqlIssues::user_pages(IssueId part) {
  std::vector<std::pair<int, std::string>> out;
  Query q(db_, "SELECT page, registers FROM issue_user_pages WHERE issue = ?", part);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.emplace_back(static_cast<int>(q.integer(0)), q.text(1));
  }
}

Result<> SqlIssues::put_user_page(IssueId part, int page, std::string_view bytes) {
  Query q(db_, "INSERT OR REPLACE INTO issue_user_pages (issue, page, registers) VALUES (?, ?, ?)", part,
          page, bytes);
  return q.run();
}

Result<std::size_t> SqlIssues::forget_user(ProjectId project, std::string_view user) {
  std::set<IssueId> issues;
  const auto forget = [&]() -> Result<> {
    std::vector<IssueId> parts;
    {
      Query q(db_,
              "SELECT u.issue, i.merged_into FROM issue_users u JOIN issues i ON i.id = u.issue "
              "WHERE u.user = ? AND i.project = ?",
              user, project);
      while (true) {
        TT_ASSIGN(const bool more, q.next());
        if (!more) break;
        parts.push_back({q.integer(0)});
        issues.insert({q.integer(1) == 0 ? q.integer(0) : q.integer(1)});
      }
    }
    for (const IssueId part : parts) {
      if (!issues.contains(part)) {
        TT_TRY(run_for(db_, "UPDATE issues SET user_count = max(user_count - 1, 0) WHERE id = ?", part));
      }
      TT_TRY(run_for(db_, "UPDATE issue_own SET user_count = max(user_count - 1, 0) WHERE id = ?", part));
      Query gone(db_, "DELETE FROM issue_users WHERE issue = ? AND user = ?", part, user);
      TT_TRY(gone.run());
    }
    for (const IssueId issue : issues) {
      TT_TRY(run_for(db_, "UPDATE issues SET user_count = max(user_count - 1, 0) WHERE id = ?", issue));
    }
    Query waiting(
        db_,
        "DELETE FROM archive_users WHERE user = ? AND issue IN (SELECT id FROM issues WHERE project = ?)",
        user, project);
    return waiting.run();
  };
  TT_TRY(db_.transaction(forget, storage::Durability::full));
  return issues.size();
}

}  // namespace telltale::metadb
