// Issues: one row each, their hashes, and counts by hour, release and user.
#include <algorithm>
#include <variant>

#include "base/text.hpp"
#include "metadb/issue_condition_sql.hpp"
#include "metadb/repositories.hpp"

namespace telltale::metadb {

namespace {

using storage::Issue;
using storage::IssueId;

constexpr std::int64_t kHourNs = 3'600'000'000'000;

std::int64_t hour_of(UnixNanos time) {
  const std::int64_t hour = time.ns / kHourNs;
  return (time.ns % kHourNs < 0 ? hour - 1 : hour) * kHourNs;
}

constexpr std::string_view kIssueColumns =
    "SELECT id, project, short_id, title, culprit, type, level, platform, status, substatus, first_seen, "
    "last_seen, "
    "first_release, last_release, event_count, user_count, status_changed, resolved_in, assignee, last_event "
    "FROM issues ";

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
  return issue;
}

std::string base36(std::int64_t n) {
  std::string digits;
  do {
    digits.push_back("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 36]);
    n /= 36;
  } while (n > 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

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

std::string like_pattern(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "%";
}

Condition condition_of(const storage::IssueQuery& query) {
  Condition c;
  c.one_of("project", query.projects, [](ProjectId p) { return std::int64_t{p.value}; });
  if (!query.statuses.empty())
    c.one_of("status", query.statuses, [](auto s) { return static_cast<std::int64_t>(s); });
  if (!query.levels.empty())
    c.one_of("level", query.levels, [](auto l) { return static_cast<std::int64_t>(l); });
  if (!query.text.empty()) {
    const std::string pattern = like_pattern(query.text);
    c.string(" AND (title LIKE ? ESCAPE '\\'", pattern);
    c.string(" OR culprit LIKE ? ESCAPE '\\'", pattern);
    c.string(" OR type LIKE ? ESCAPE '\\'", pattern);
    c.string(" OR short_id LIKE ? ESCAPE '\\')", pattern);
  }
  if (!query.release.empty()) {
    c.string(" AND id IN (SELECT issue FROM issue_releases WHERE release = ?)", query.release);
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
      return "(SELECT coalesce(sum(CASE WHEN hour >= " + std::to_string(end - 24 * kHourNs) +
             " THEN count ELSE -count END), 0) FROM issue_hours WHERE issue = issues.id AND hour >= " +
             std::to_string(end - 48 * kHourNs) + " AND hour < " + std::to_string(end) + ")";
    }
  }
  return "last_seen";
}

}  // namespace

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
                "INSERT INTO issues VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                issue.project, issue.short_id, issue.title, issue.culprit, issue.type, issue.level,
                issue.platform, issue.status, issue.substatus, issue.first_seen, issue.last_seen,
                issue.first_release, issue.last_release, issue.event_count, issue.user_count,
                issue.status_changed, issue.resolved_in, issue.assignee, issue.last_event.hex());
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
      "status_changed = ?, resolved_in = ?, assignee = ?, last_event = ? WHERE id = ?",
      issue.title, issue.culprit, issue.type, issue.level, issue.platform, issue.status, issue.substatus,
      issue.first_seen, issue.last_seen, issue.first_release, issue.last_release, issue.event_count,
      issue.user_count, issue.status_changed, issue.resolved_in, issue.assignee, issue.last_event.hex(),
      issue.id);
  TT_TRY(q.run());
  if (db_.changed_rows() == 0)
    return fail(ErrorKind::not_found, "no issue " + std::to_string(issue.id.value));
  return {};
}

Result<Issue> SqlIssues::get(IssueId id) {
  Query q(db_, std::string(kIssueColumns) + "WHERE id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no issue " + std::to_string(id.value));
  return read_issue(q);
}

Result<Issue> SqlIssues::find_by_short_id(std::string_view short_id) {
  Query q(db_, std::string(kIssueColumns) + "WHERE short_id = upper(?)", short_id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no issue '" + std::string(short_id) + "'");
  return read_issue(q);
}

Result<std::vector<Issue>> SqlIssues::search(const storage::IssueQuery& query) {
  const Condition condition = condition_of(query);
  std::string sql = std::string(kIssueColumns) + condition.sql + " ORDER BY ";
  sql.append(order_of(query)).append(" DESC, id DESC LIMIT ? OFFSET ?");
  Query q(db_, sql);
  condition.bind_to(q);
  q.bind(static_cast<std::int64_t>(query.limit));
  q.bind(static_cast<std::int64_t>(query.offset));
  std::vector<Issue> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_issue(q));
  }
}

Result<std::uint64_t> SqlIssues::count(const storage::IssueQuery& query) {
  const Condition condition = condition_of(query);
  Query q(db_, "SELECT count(*) FROM issues " + condition.sql);
  condition.bind_to(q);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

Result<std::optional<IssueId>> SqlIssues::find_by_hash(ProjectId project, std::string_view hash) {
  Query q(db_, "SELECT issue FROM issue_hashes WHERE project = ? AND hash = ?", project, hash);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return std::optional<IssueId>();
  return std::optional<IssueId>(IssueId{q.integer(0)});
}

Result<> SqlIssues::bind_hash(ProjectId project, std::string_view hash, IssueId issue) {
  Query q(db_, "INSERT OR IGNORE INTO issue_hashes (project, hash, issue) VALUES (?, ?, ?)", project, hash,
          issue);
  return q.run();
}

Result<std::vector<std::string>> SqlIssues::hashes(IssueId issue) {
  std::vector<std::string> out;
  Query q(db_, "SELECT hash FROM issue_hashes WHERE issue = ? ORDER BY hash", issue);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(q.text(0));
  }
}

Result<> SqlIssues::move_details(IssueId into, IssueId from) {
  Query hashes(db_, "UPDATE issue_hashes SET issue = ? WHERE issue = ?", into, from);
  TT_TRY(hashes.run());
  // `WHERE 1` keeps SQLite's grammar from taking ON for a join's.
  Query hours(db_,
              "INSERT INTO issue_hours SELECT ?, hour, count FROM issue_hours WHERE issue = ? "
              "ON CONFLICT (issue, hour) DO UPDATE SET count = count + excluded.count",
              into, from);
  TT_TRY(hours.run());
  Query releases(
      db_,
      "INSERT INTO issue_releases SELECT ?, release, first_seen, last_seen, count FROM issue_releases "
      "WHERE issue = ? ON CONFLICT (issue, release) DO UPDATE SET count = count + excluded.count, "
      "first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)",
      into, from);
  TT_TRY(releases.run());
  Query users(db_, "INSERT OR IGNORE INTO issue_users SELECT ?, user FROM issue_users WHERE issue = ?", into,
              from);
  TT_TRY(users.run());
  for (const char* table : {"issue_hours", "issue_releases", "issue_users"}) {
    Query clear(db_, std::string("DELETE FROM ") + table + " WHERE issue = ?", from);
    TT_TRY(clear.run());
  }
  Query gone(db_, "DELETE FROM issues WHERE id = ?", from);
  return gone.run();
}

Result<> SqlIssues::merge(IssueId into, IssueId from) {
  if (into == from) return fail(ErrorKind::invalid_argument, "an issue cannot be merged into itself");
  return db_.transaction(
      [&]() -> Result<> {
        TT_ASSIGN(Issue target, get(into));
        TT_ASSIGN(const Issue source, get(from));
        if (target.project != source.project) {
          return fail(ErrorKind::invalid_argument, "issues of different projects cannot be merged");
        }
        TT_TRY(move_details(into, from));
        if (source.first_seen < target.first_seen) {
          target.first_seen = source.first_seen;
          target.first_release = source.first_release;
        }
        if (source.last_seen > target.last_seen) {
          target.last_seen = source.last_seen;
          target.last_release = source.last_release;
          target.last_event = source.last_event;
        }
        target.event_count += source.event_count;
        Query users(db_, "SELECT count(*) FROM issue_users WHERE issue = ?", into);
        TT_TRY(users.next());
        target.user_count = static_cast<std::uint64_t>(users.integer(0));
        return update(target);
      },
      storage::Durability::full);
}

Result<> SqlIssues::add_hour_count(IssueId issue, UnixNanos time, std::uint64_t count) {
  Query q(db_,
          "INSERT INTO issue_hours (issue, hour, count) VALUES (?, ?, ?) "
          "ON CONFLICT (issue, hour) DO UPDATE SET count = count + excluded.count",
          issue, hour_of(time), count);
  return q.run();
}

Result<std::vector<storage::HourCount>> SqlIssues::hour_counts(IssueId issue, TimeRange range) {
  std::vector<storage::HourCount> out;
  const std::int64_t first = range.from.ns == INT64_MIN ? INT64_MIN : hour_of(range.from);
  Query q(db_, "SELECT hour, count FROM issue_hours WHERE issue = ? AND hour >= ? AND hour < ? ORDER BY hour",
          issue, first, range.to);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.time(0), static_cast<std::uint64_t>(q.integer(1))});
  }
}

Result<> SqlIssues::add_release(IssueId issue, std::string_view release, UnixNanos time,
                                std::uint64_t count) {
  Query q(
      db_,
      "INSERT INTO issue_releases (issue, release, first_seen, last_seen, count) VALUES (?1, ?2, ?3, ?3, ?4) "
      "ON CONFLICT (issue, release) DO UPDATE SET count = count + excluded.count, "
      "first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)",
      issue, release, time, count);
  return q.run();
}

Result<std::vector<storage::ReleaseCount>> SqlIssues::releases(IssueId issue) {
  std::vector<storage::ReleaseCount> out;
  Query q(db_,
          "SELECT release, first_seen, last_seen, count FROM issue_releases WHERE issue = ? "
          "ORDER BY first_seen, release",
          issue);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.text(0), q.time(1), q.time(2), static_cast<std::uint64_t>(q.integer(3))});
  }
}

Result<bool> SqlIssues::add_user(IssueId issue, std::string_view user) {
  Query q(db_, "INSERT OR IGNORE INTO issue_users (issue, user) VALUES (?, ?)", issue, user);
  TT_TRY(q.run());
  return db_.changed_rows() > 0;
}

Result<std::size_t> SqlIssues::forget_user(ProjectId project, std::string_view user) {
  std::size_t issues = 0;
  const auto forget = [&]() -> Result<> {
    Query count(db_,
                "UPDATE issues SET user_count = max(user_count - 1, 0) WHERE project = ? AND id IN "
                "(SELECT issue FROM issue_users WHERE user = ?)",
                project.value, user);
    TT_TRY(count.run());
    Query q(db_,
            "DELETE FROM issue_users WHERE user = ? AND issue IN (SELECT id FROM issues WHERE project = ?)",
            user, project.value);
    TT_TRY(q.run());
    issues = static_cast<std::size_t>(db_.changed_rows());
    return {};
  };
  TT_TRY(db_.transaction(forget, storage::Durability::full));
  return issues;
}

Result<> SqlIssues::prune_hours(UnixNanos time) {
  Query q(db_, "DELETE FROM issue_hours WHERE hour < ?", hour_of(time));
  return q.run();
}

}  // namespace telltale::metadb
