// Issues: one row each, and the search over them. What they are made of is in issue_parts_sql.cpp.
#include <algorithm>
#include <variant>

#include "base/text.hpp"
#include "metadb/issue_condition_sql.hpp"
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

/// Of a release: all its issues are looked up, or each issue is asked whether it is one of them.
enum class ReleaseTest : unsigned char { listed, asked };

/// More projects than that are searched together, and what matches is sorted.
constexpr std::size_t kMaxProjectsEach = 50;

/// The WHERE of a search with the values for its question marks.
struct Condition {
  std::string sql = "WHERE 1";
  std::vector<std::variant<std::int64_t, std::string>> values;

  void number(std::string_view text, std::int64_t value) {
    sql.append(text);
    values.emplace_back(value);
  }
  void string(std::string_view text, std::string value) {
    sql.append(text);
    values.emplace_back(std::move(value));
  }
  template <class Items, class Number>
  void one_of(std::string_view column, const Items& items, Number to_number) {
    sql.append(" AND ").append(column).append(" IN (");
    for (std::size_t i = 0; i < items.size(); ++i) number(i == 0 ? "?" : ", ?", to_number(items[i]));
    sql.append(")");
  }
  void bind_to(Query& q) const {
    for (const auto& value : values) std::visit([&](const auto& v) { q.bind(v); }, value);
  }
};

/// What of a condition, all of which must hold, is about states that issues_by_state has.
storage::IssueCondition states_of(const storage::IssueCondition& where) {
  using Op = storage::IssueCondition::Op;
  const auto is_state = [](const storage::IssueCondition& c, const auto& self) -> bool {
    if (c.op == Op::all || c.op == Op::any || c.op == Op::none)
      return std::all_of(c.children.begin(), c.children.end(),
                         [&](const auto& child) { return self(child, self); });
    return c.field == storage::IssueField::status || c.field == storage::IssueField::substatus ||
           c.field == storage::IssueField::level || c.field == storage::IssueField::priority;
  };
  if (is_state(where, is_state)) return where;
  storage::IssueCondition out;
  if (where.op != Op::all) return out;
  for (const auto& child : where.children)
    if (is_state(child, is_state)) out.children.push_back(child);
  return out;
}

std::string like_pattern(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "%";
}

Condition condition_of(const storage::IssueQuery& query, ReleaseTest release = ReleaseTest::listed) {
  Condition c;
  c.sql = "WHERE merged_into = 0";
  c.one_of("project", query.projects, [](ProjectId p) { return std::int64_t{p.value}; });
  if (!query.statuses.empty())
    c.one_of("status", query.statuses, [](auto s) { return static_cast<std::int64_t>(s); });
  if (!query.levels.empty())
    c.one_of("level", query.levels, [](auto l) { return static_cast<std::int64_t>(l); });
  if (!query.substatuses.empty())
    c.one_of("substatus", query.substatuses, [](auto s) { return static_cast<std::int64_t>(s); });
  if (!query.priorities.empty())
    c.one_of("priority", query.priorities, [](auto p) { return static_cast<std::int64_t>(p); });
  if (query.bookmarked_by != 0)
    c.number(
        " AND id IN (SELECT coalesce(nullif(p.merged_into, 0), p.id) FROM issue_marks m JOIN issues p ON "
        "p.id = m.issue WHERE m.bookmarked <> 0 AND m.user = ?)",
        query.bookmarked_by);
  if (!query.text.empty()) {
    const std::string pattern = like_pattern(query.text);
    c.string(" AND (title LIKE ? ESCAPE '\\'", pattern);
    c.string(" OR culprit LIKE ? ESCAPE '\\'", pattern);
    c.string(" OR type LIKE ? ESCAPE '\\'", pattern);
    c.string(" OR short_id LIKE ? ESCAPE '\\')", pattern);
  }
  if (!query.release.empty() && release == ReleaseTest::asked) {
    c.string(" AND (EXISTS (SELECT 1 FROM issue_releases r WHERE r.issue = issues.id AND r.release = ?)",
             query.release);
    c.string(
        " OR (parts > 1 AND EXISTS (SELECT 1 FROM issues p JOIN issue_releases r ON r.issue = p.id "
        "WHERE p.merged_into = issues.id AND p.merged_into <> 0 AND r.release = ?)))",
        query.release);
  } else if (!query.release.empty()) {
    c.string(
        " AND id IN (SELECT CASE p.merged_into WHEN 0 THEN p.id ELSE p.merged_into END FROM issue_releases r "
        "JOIN issues p ON p.id = r.issue WHERE r.release = ?)",
        query.release);
  }
  if (!query.assignee.empty()) c.string(" AND assignee = ?", query.assignee);
  if (query.seen.from.ns != INT64_MIN) c.number(" AND last_seen >= ?", query.seen.from.ns);
  if (query.seen.to.ns != INT64_MAX) c.number(" AND first_seen < ?", query.seen.to.ns);
  if (!query.where.empty()) {
    c.sql.append(" AND ");
    append_issue_condition(query.where, c.sql, c.values);
  }
  return c;
}

std::string order_of(const storage::IssueQuery& query) {
  switch (query.sort) {
    case storage::IssueSort::last_seen:
      return "last_seen";
    case storage::IssueSort::first_seen:
      return "first_seen";
    case storage::IssueSort::events:
      return "event_count";
    case storage::IssueSort::users:
      return "user_count";
    case storage::IssueSort::trend: {
      const std::int64_t end = hour_of(query.trend_at) + kHourNs;
      // Who was not seen in these two days has no trend.
      return "CASE WHEN last_seen < " + std::to_string(end - 48 * kHourNs) +
             " THEN 0 ELSE (SELECT coalesce(sum(CASE WHEN hour >= " + std::to_string(end - 24 * kHourNs) +
             " THEN count ELSE -count END), 0) FROM issue_hours WHERE issue IN "
             "(SELECT p.id FROM issues p WHERE p.id = issues.id OR "
             "(p.merged_into = issues.id AND p.merged_into <> 0)) AND hour >= " +
             std::to_string(end - 48 * kHourNs) + " AND hour < " + std::to_string(end) + ") END";
    }
  }
  return "last_seen";
}

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
  Query bump(db_,
             "INSERT INTO issue_numbers (project, newest) VALUES (?, 1) "
             "ON CONFLICT (project) DO UPDATE SET newest = newest + 1 RETURNING newest",
             project);
  TT_TRY(bump.next());
  const std::int64_t number = bump.integer(0);
  TT_TRY(bump.run());
  return prefix + "-" + base36(number);
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
/// leaves so few, and then sorted.
enum class SqlIssues::Walk : unsigned char { in_order, by_time, by_state };

Result<SqlIssues::Walk> SqlIssues::walk_for(const storage::IssueQuery& query) {
  storage::IssueQuery by_index;
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
  if (query.seen.from.ns == INT64_MIN || query.sort == storage::IssueSort::last_seen) return Walk::in_order;
  if (query.sort == storage::IssueSort::trend) return Walk::by_time;  // which has no index
  by_index = {};
  by_index.projects = query.projects;
  by_index.statuses = query.statuses;
  by_index.seen = query.seen;
  TT_ASSIGN(const std::uint64_t matches, count(by_index));
  return matches <= kFewIssues ? Walk::by_time : Walk::in_order;
}

/// Whether so many issues were seen in the release that the first of any order are soon found by asking.
Result<bool> SqlIssues::is_common_release(const storage::IssueQuery& query) {
  if (query.release.empty() || query.sort == storage::IssueSort::trend) return false;
  Query q(db_, "SELECT count(*) FROM (SELECT 1 FROM issue_releases WHERE release = ? LIMIT ?)", query.release,
          static_cast<std::int64_t>(kFewIssues + 1));
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0)) > kFewIssues;
}

// Each project by itself: its newest, busiest, … stand in an index in their order. Where a condition leaves
// only a few of many, finding these (by when they were last seen) and sorting them is quicker than walking
// that order.
Result<std::vector<Issue>> SqlIssues::search(const storage::IssueQuery& query) {
  if (query.projects.empty() || query.limit == 0) return std::vector<Issue>();
  std::string sql;
  std::vector<Condition> conditions;
  storage::IssueQuery one = query;
  const bool each = query.projects.size() <= kMaxProjectsEach;
  TT_ASSIGN(const bool is_common, is_common_release(query));
  for (const ProjectId project : query.projects) {
    if (each) one.projects = {project};
    if (!each && !conditions.empty()) break;
    conditions.push_back(condition_of(one, is_common ? ReleaseTest::asked : ReleaseTest::listed));
    TT_ASSIGN(const Walk walk, walk_for(one));
    const bool few = walk != Walk::in_order;
    sql.append(sql.empty() ? "" : " UNION ALL ").append("SELECT * FROM (").append(kIssueColumns);
    sql.append(", ").append(order_of(query)).append(" AS rank FROM issues ");
    if (walk == Walk::by_state) sql += "INDEXED BY issues_by_state ";
    if (walk == Walk::by_time)
      sql += one.statuses.empty() ? "INDEXED BY issues_by_last_seen " : "INDEXED BY issues_by_status ";
    sql.append(conditions.back().sql);
    // A plus keeps the column's index out of the sorting.
    sql.append(few ? " ORDER BY +rank DESC" : " ORDER BY rank DESC").append(", issues.id DESC LIMIT ?)");
  }
  if (conditions.size() > 1) sql = "SELECT * FROM (" + sql + ")";
  Query q(db_, sql + " ORDER BY rank DESC, id DESC LIMIT ? OFFSET ?");
  for (const Condition& condition : conditions) {
    condition.bind_to(q);
    q.bind(static_cast<std::int64_t>(query.limit + query.offset));
  }
  q.bind(static_cast<std::int64_t>(query.limit));
  q.bind(static_cast<std::int64_t>(query.offset));
  return read_issues(q);
}

Result<std::uint64_t> SqlIssues::count(const storage::IssueQuery& query) {
  const Condition condition = condition_of(query);
  Query q(db_, "SELECT count(*) FROM issues " + condition.sql);
  condition.bind_to(q);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

}  // namespace telltale::metadb
