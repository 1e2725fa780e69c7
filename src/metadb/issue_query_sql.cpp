#include "metadb/issue_query_sql.hpp"

#include <algorithm>

#include "metadb/issue_condition_sql.hpp"

namespace telltale::metadb {

namespace {

std::string like_pattern(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "%";
}

}  // namespace

IssueWhere issue_where(const storage::IssueQuery& query, ReleaseTest release, RangeTest range) {
  IssueWhere c;
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
  if (query.seen.from.ns != INT64_MIN)
    c.number(range == RangeTest::asked ? " AND +last_seen >= ?" : " AND last_seen >= ?", query.seen.from.ns);
  if (query.seen.to.ns != INT64_MAX) c.number(" AND first_seen < ?", query.seen.to.ns);
  if (!query.where.empty()) {
    c.sql.append(" AND ");
    append_issue_condition(query.where, c.sql, c.values);
  }
  return c;
}

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

}  // namespace telltale::metadb
