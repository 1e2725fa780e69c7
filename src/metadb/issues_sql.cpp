// Issues: one row each, and the search over them. What they are made of is in issue_parts_sql.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "metadb/issue_query_sql.hpp"
#include "metadb/issue_row.hpp"
#include "metadb/repositories.hpp"

namespace telltale::metadb {

namespace {

using storage::Issue;
using storage::IssueId;

std::string base36(std::int64_t n) {
  std::string digits;
  do {
    digits.push_back("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 36]);
    n /= 36;
  } while (n > 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

/// So many are sorted rather than looked for in their order.
constexpr std::uint64_t kFewIssues = 5'000;

/// So many of a release or an environment are looked up to be counted.
constexpr std::uint64_t kManyIssues = 20'000;

/// A walk in order may pass so many before its page is full.
constexpr std::uint64_t kSoon = 2'000;

/// More projects than that are searched together, and what matches is sorted.
constexpr std::size_t kMaxProjectsEach = 50;

}  // namespace

Issue read_issue(const Query& q) {
  Issue issue;
  issue.id = {q.integer(0)};
  issue.project = {static_cast<std::uint32_t>(q.integer(1))};
  issue.short_id = q.text(2);
  issue.title = q.text(3);
  issue.culprit = q.text(4);
  issue.type = q.text(5);
  issue.level = static_cast<Level>(q.integer(6));
  issue.platform = q.text(7);
  issue.status = static_cast<storage::IssueStatus>(q.integer(8));
  issue.substatus = static_cast<storage::IssueSubstatus>(q.integer(9));
  issue.first_seen = q.time(10);
  issue.last_seen = q.time(11);
  issue.first_release = q.text(12);
  issue.last_release = q.text(13);
  issue.event_count = static_cast<std::uint64_t>(q.integer(14));
  issue.user_count = static_cast<std::uint64_t>(q.integer(15));
  issue.status_changed = q.time(16);
  issue.resolved_in = q.text(17);
  issue.assignee = q.text(18);
  issue.last_event = Id128::parse(q.text(19)).value_or(Id128{});
  issue.resolved_next = q.integer(20) != 0;
  issue.substatus_since = q.time(21);
  issue.priority = static_cast<storage::IssuePriority>(q.integer(22));
  issue.priority_by_hand = q.integer(23) != 0;
  issue.archive.until = static_cast<storage::ArchiveUntil>(q.integer(24));
  issue.archive.time = q.time(25);
  issue.archive.count = static_cast<std::uint64_t>(q.integer(26));
  issue.archive.window_hours = static_cast<std::uint32_t>(q.integer(27));
  issue.archive.base = static_cast<std::uint64_t>(q.integer(28));
  issue.users_estimated = q.integer(29) != 0;
  issue.parts = static_cast<std::uint32_t>(q.integer(30));
  return issue;
}

Result<std::vector<Issue>> read_issues(Query& q) {
  std::vector<Issue> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_issue(q));
  }
}

Result<std::string> SqlIssues::next_short_id(ProjectId project) {
  std::string prefix = "P" + std::to_string(project.value);
  Query slug(db_, "SELECT upper(slug) FROM projects WHERE id = ?", project);
  TT_ASSIGN(const bool known, slug.next());
  if (known) prefix = slug.text(0);
  // A project may have the slug that another one had before: its issues keep their short ids.
  while (true) {
    Query bump(db_,
               "INSERT INTO issue_numbers (project, newest) VALUES (?, 1) "
               "ON CONFLICT (project) DO UPDATE SET newest = newest + 1 RETURNING newest",
               project);
    TT_TRY(bump.next());
    std::string id = prefix + "-" + base36(bump.integer(0));
    TT_TRY(bump.run());
    Query taken(db_, "SELECT 1 FROM issues WHERE short_id = ?", id);
    TT_ASSIGN(const bool is_taken, taken.next());
    if (!is_taken) return id;
  }
}

Result<Issue> SqlIssues::add(Issue issue) {
  auto done = db_.transaction(
      [&]() -> Result<> {
        TT_ASSIGN(issue.short_id, next_short_id(issue.project));
        Query q(db_,
                "INSERT INTO issues VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                "0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                issue.project, issue.short_id, issue.title, issue.culprit, issue.type, issue.level,
                issue.platform, issue.status, issue.substatus, issue.first_seen, issue.last_seen,
                issue.first_release, issue.last_release, issue.event_count, issue.user_count,
                issue.status_changed, issue.resolved_in, issue.assignee, issue.last_event.hex(),
                issue.resolved_next, issue.substatus_since, issue.priority, issue.priority_by_hand,
                issue.archive.until, issue.archive.time, issue.archive.count, issue.archive.window_hours,
                issue.archive.base, issue.users_estimated, issue.parts);
        TT_TRY(q.run());
        issue.id = {db_.last_insert_id()};
        return {};
      },
      storage::Durability::full);
  TT_TRY(std::move(done));
  return issue;
}

Result<> SqlIssues::update(const Issue& issue) {
  Query q(
      db_,
      "UPDATE issues SET title = ?, culprit = ?, type = ?, level = ?, platform = ?, status = ?, substatus = "
      "?, "
      "first_seen = ?, last_seen = ?, first_release = ?, last_release = ?, event_count = ?, user_count = ?, "
      "status_changed = ?, resolved_in = ?, assignee = ?, last_event = ?, resolved_next = ?, substatus_since "
      "= ?, "
      "priority = ?, priority_by_hand = ?, archive_until = ?, archive_time = ?, archive_count = ?, "
      "archive_hours = ?, archive_base = ?, users_estimated = ?, parts = ? WHERE id = ?",
      issue.title, issue.culprit, issue.type, issue.level, issue.platform, issue.status, issue.substatus,
      issue.first_seen, issue.last_seen, issue.first_release, issue.last_release, issue.event_count,
      issue.user_count, issue.status_changed, issue.resolved_in, issue.assignee, issue.last_event.hex(),
      issue.resolved_next, issue.substatus_since, issue.priority, issue.priority_by_hand, issue.archive.until,
      issue.archive.time, issue.archive.count, issue.archive.window_hours, issue.archive.base,
      issue.users_estimated, issue.parts, issue.id);
  TT_TRY(q.run());
  if (db_.changed_rows() == 0)
    return fail(ErrorKind::not_found, "no issue " + std::to_string(issue.id.value));
  return {};
}

Result<Issue> SqlIssues::get(IssueId id) {
  Query q(
      db_,
      std::string(kIssueColumns) +
          " FROM issues WHERE id = coalesce((SELECT nullif(merged_into, 0) FROM issues WHERE id = ?1), ?1)",
      id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no issue " + std::to_string(id.value));
  return read_issue(q);
}

Result<Issue> SqlIssues::find_by_short_id(std::string_view short_id) {
  Query q(
      db_,
      std::string(kIssueColumns) +
          " FROM issues WHERE id = (SELECT CASE merged_into WHEN 0 THEN id ELSE merged_into END FROM issues "
          "WHERE short_id = upper(?))",
      short_id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no issue '" + std::string(short_id) + "'");
  return read_issue(q);
}

/// How a project's issues are gone through: in the order that is asked for, or, where few are left, by what
/// leaves so few, and then sorted. Where a text is looked for that few have, as the rows lie: an index leads
/// from each row to one far away, which takes longer than to look into its texts.
enum class SqlIssues::Walk : unsigned char { in_order, by_time, by_state, by_assignee, as_they_lie };

Result<SqlIssues::Walk> SqlIssues::walk_for(const storage::IssueQuery& query) {
  storage::IssueQuery by_index;
  if (names_assignees(query)) {
    by_index.projects = query.projects;
    by_index.assignee = query.assignee;
    by_index.where = query.where;
    TT_ASSIGN(const std::uint64_t matches, count(by_index));
    if (matches <= kFewIssues) return Walk::by_assignee;
    by_index = {};
  }
  by_index.projects = query.projects;
  by_index.statuses = query.statuses;
  by_index.levels = query.levels;
  by_index.substatuses = query.substatuses;
  by_index.priorities = query.priorities;
  by_index.where = states_of(query.where);
  if (!by_index.levels.empty() || !by_index.substatuses.empty() || !by_index.priorities.empty() ||
      !by_index.where.empty()) {
    TT_ASSIGN(const std::uint64_t matches, count(by_index));
    if (matches <= kFewIssues) return Walk::by_state;
  }
  const bool texts = looks_into_texts(query);
  const bool by_last_seen = query.sort == storage::IssueSort::last_seen;
  if (query.seen.from.ns != INT64_MIN && (texts || !by_last_seen)) {
    by_index = {};
    by_index.projects = query.projects;
    by_index.statuses = query.statuses;
    by_index.seen = query.seen;
    TT_ASSIGN(const std::uint64_t matches, count(by_index));
    if (matches <= kFewIssues) return by_last_seen ? Walk::in_order : Walk::by_time;
  }
  if (!texts) return Walk::in_order;
  if (query.sort == storage::IssueSort::trend) return Walk::as_they_lie;
  TT_ASSIGN(const bool soon, fills_soon(query));
  return soon ? Walk::in_order : Walk::as_they_lie;
}

/// Whether the page that is asked for is full after the first few issues in its order.
Result<bool> SqlIssues::fills_soon(const storage::IssueQuery& query) {
  storage::IssueQuery first;
  first.projects = query.projects;
  if (query.statuses.size() == 1) first.statuses = query.statuses;  // of several no index has the order
  const IssueWhere among = issue_where(first);
  TT_ASSIGN(const SeenTest seen, seen_test(query, kFewIssues));
  const IssueWhere where = issue_where(query, seen, RangeTest::asked);
  Query q(db_,
          fmt::format("SELECT count(*) FROM (SELECT * FROM issues {} ORDER BY {} DESC LIMIT ?) AS issues {}",
                      among.sql, order_of(query), where.sql));
  among.bind_to(q);
  q.bind(static_cast<std::int64_t>(kSoon));
  where.bind_to(q);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0)) >= query.limit + query.offset;
}

Result<bool> SqlIssues::is_common(std::string_view table, std::string_view column, std::string_view value,
                                  std::uint64_t most) {
  Query q(db_, fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} = ? LIMIT ?)", table, column),
          value, static_cast<std::int64_t>(most + 1));
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0)) > most;
}

Result<SeenTest> SqlIssues::seen_test(const storage::IssueQuery& query, std::uint64_t most) {
  auto names = seen_names(query.where);
  if (!query.release.empty()) names.push_back({storage::IssueField::release, query.release});
  for (const SeenName& name : names) {
    const bool is_release = name.field == storage::IssueField::release;
    TT_ASSIGN(const bool common, is_common(is_release ? "issue_releases" : "issue_environments",
                                           is_release ? "release" : "environment", name.name, most));
    if (common) return SeenTest::asked;
  }
  return SeenTest::listed;
}

// Each project by itself: its newest, busiest, … stand in an index in their order. Where a condition leaves
// only a few of many, finding these (by when they were last seen) and sorting them is quicker than walking
// that order.
Result<std::vector<Issue>> SqlIssues::search(const storage::IssueQuery& query) {
  if (query.projects.empty() || query.limit == 0) return std::vector<Issue>();
  const std::lock_guard lock(db_.lock());  // what memory holds must not move on meanwhile
  if (query.sort == storage::IssueSort::trend) {
    TT_ASSIGN(auto page, search_risen(query));
    if (page) return std::move(*page);
  }
  std::string sql;
  std::vector<IssueWhere> conditions;
  storage::IssueQuery one = query;
  const bool each = query.projects.size() <= kMaxProjectsEach;
  TT_ASSIGN(const SeenTest seen, seen_test(query, kFewIssues));
  for (const ProjectId project : query.projects) {
    if (each) one.projects = {project};
    if (!each && !conditions.empty()) break;
    TT_ASSIGN(const Walk walk, walk_for(one));
    const bool few = walk != Walk::in_order;
    const bool by_other = !few && query.sort != storage::IssueSort::last_seen;
    conditions.push_back(issue_where(one, seen, by_other ? RangeTest::asked : RangeTest::indexed));
    sql.append(sql.empty() ? "" : " UNION ALL ").append("SELECT * FROM (").append(kIssueColumns);
    sql.append(", ").append(order_of(query)).append(" AS rank FROM issues ");
    if (walk == Walk::by_assignee) sql += "INDEXED BY issues_by_assignee ";
    if (walk == Walk::by_state) sql += "INDEXED BY issues_by_state ";
    if (walk == Walk::by_time)
      sql += one.statuses.empty() ? "INDEXED BY issues_by_last_seen " : "INDEXED BY issues_by_status ";
    if (walk == Walk::as_they_lie) sql += "NOT INDEXED ";
    sql.append(conditions.back().sql);
    // A plus keeps the column's index out of the sorting.
    sql.append(few ? " ORDER BY +rank DESC" : " ORDER BY rank DESC").append(", issues.id DESC LIMIT ?)");
  }
  if (conditions.size() > 1) sql = "SELECT * FROM (" + sql + ")";
  Query q(db_, sql + " ORDER BY rank DESC, id DESC LIMIT ? OFFSET ?");
  for (const IssueWhere& condition : conditions) {
    condition.bind_to(q);
    q.bind(static_cast<std::int64_t>(query.limit + query.offset));
  }
  q.bind(static_cast<std::int64_t>(query.limit));
  q.bind(static_cast<std::int64_t>(query.offset));
  return read_issues(q);
}

Result<std::uint64_t> SqlIssues::count(const storage::IssueQuery& query) {
  storage::IssueQuery one = query;
  TT_ASSIGN(SeenTest seen, seen_test(query, kManyIssues));
  if (seen == SeenTest::asked) {
    seen = SeenTest::counted;
    if (says_range(query)) one.seen = {};
  }
  // An index over each status has all that a stretch of time asks for.
  if (one.statuses.empty() && one.seen.from.ns != INT64_MIN)
    one.statuses = {storage::IssueStatus::unresolved, storage::IssueStatus::resolved,
                    storage::IssueStatus::ignored};
  const IssueWhere condition = issue_where(one, seen);
  Query q(db_, fmt::format("SELECT count(*) FROM issues {}{}", looks_into_texts(query) ? "NOT INDEXED " : "",
                           condition.sql));
  condition.bind_to(q);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

}  // namespace telltale::metadb
