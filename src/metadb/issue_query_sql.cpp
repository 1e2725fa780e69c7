#include "metadb/issue_query_sql.hpp"

#include <algorithm>
#include <array>

namespace telltale::metadb {

using storage::IssueCondition;

namespace {

constexpr std::array kNames = {storage::IssueField::title, storage::IssueField::culprit,
                               storage::IssueField::type, storage::IssueField::short_id};

}  // namespace

IssueWhere issue_where(const storage::IssueQuery& query, SeenTest seen, RangeTest range) {
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
    std::vector<IssueCondition> ways;
    for (const auto field : kNames)
      ways.push_back(IssueCondition::text(IssueCondition::Op::contains, field, {query.text}));
    c.sql.append(" AND ");
    append_issue_condition(IssueCondition::group(IssueCondition::Op::any, std::move(ways)), seen, c.sql,
                           c.values);
  }
  if (!query.release.empty()) {
    c.sql.append(" AND ");
    append_issue_condition(
        IssueCondition::text(IssueCondition::Op::in_texts, storage::IssueField::release, {query.release}),
        seen, c.sql, c.values);
  }
  if (!query.assignee.empty()) c.string(" AND assignee = ?", query.assignee);
  if (query.seen.from.ns != INT64_MIN)
    c.number(range == RangeTest::asked ? " AND +last_seen >= ?" : " AND last_seen >= ?", query.seen.from.ns);
  if (query.seen.to.ns != INT64_MAX) c.number(" AND first_seen < ?", query.seen.to.ns);
  if (!query.where.empty()) {
    c.sql.append(" AND ");
    append_issue_condition(query.where, seen, c.sql, c.values);
  }
  return c;
}

IssueCondition states_of(const IssueCondition& where) {
  using Op = IssueCondition::Op;
  const auto is_state = [](const IssueCondition& c, const auto& self) -> bool {
    if (c.op == Op::all || c.op == Op::any || c.op == Op::none)
      return std::all_of(c.children.begin(), c.children.end(),
                         [&](const auto& child) { return self(child, self); });
    return c.field == storage::IssueField::status || c.field == storage::IssueField::substatus ||
           c.field == storage::IssueField::level || c.field == storage::IssueField::priority;
  };
  if (is_state(where, is_state)) return where;
  IssueCondition out;
  if (where.op != Op::all) return out;
  for (const auto& child : where.children)
    if (is_state(child, is_state)) out.children.push_back(child);
  return out;
}

bool names_assignees(const storage::IssueQuery& query) {
  const auto does = [](const IssueCondition& c, const auto& self) -> bool {
    if (c.op == IssueCondition::Op::all)
      return std::any_of(c.children.begin(), c.children.end(),
                         [&](const auto& child) { return self(child, self); });
    return c.op == IssueCondition::Op::in_texts && c.field == storage::IssueField::assignee;
  };
  return !query.assignee.empty() || does(query.where, does);
}

bool says_range(const storage::IssueQuery& query) {
  const auto does = [&query](const IssueCondition& c, const auto& self) -> bool {
    if (c.op == IssueCondition::Op::all)
      return std::any_of(c.children.begin(), c.children.end(),
                         [&](const auto& child) { return self(child, self); });
    const bool is_seen =
        c.field == storage::IssueField::environment || c.field == storage::IssueField::release;
    return is_seen && c.from == query.seen.from.ns && c.to == query.seen.to.ns;
  };
  return does(query.where, does);
}

bool looks_into_texts(const storage::IssueQuery& query) {
  const auto does = [](const IssueCondition& c, const auto& self) -> bool {
    return c.op == IssueCondition::Op::contains || c.op == IssueCondition::Op::like ||
           std::any_of(c.children.begin(), c.children.end(),
                       [&](const auto& child) { return self(child, self); });
  };
  return !query.text.empty() || does(query.where, does);
}

std::vector<SeenName> seen_names(const IssueCondition& where) {
  std::vector<SeenName> out;
  if (where.field == storage::IssueField::release || where.field == storage::IssueField::environment)
    for (const std::string& text : where.texts) out.push_back({where.field, text});
  for (const IssueCondition& child : where.children) {
    auto more = seen_names(child);
    std::move(more.begin(), more.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace telltale::metadb
