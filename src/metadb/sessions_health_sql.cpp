// How sessions ended, by the hour, and what was not kept.
#include "metadb/health_repositories.hpp"
#include "metadb/where.hpp"

namespace telltale::metadb {
namespace {

constexpr std::string_view kHourColumns =
    "project, hour, release, environment, started, exited, errored, abnormal, crashed";

storage::SessionHour session_hour_of(const Query& q, bool with_users) {
  storage::SessionHour h;
  h.project = {static_cast<std::uint32_t>(q.integer(0))};
  h.hour = q.time(1);
  h.release = q.text(2);
  h.environment = q.text(3);
  h.counts = {q.integer(4), q.integer(5), q.integer(6), q.integer(7), q.integer(8)};
  if (with_users) {
    h.users = q.text(9);
    h.crashed_users = q.text(10);
  }
  return h;
}

}  // namespace

Result<std::vector<storage::SessionHour>> SqlSessionHealth::hours(const storage::SessionQuery& query) {
  Where where;
  where.projects("project", query.projects);
  where.between("hour", query.hours);
  if (!query.release.empty()) where.string("release = ?", query.release);
  if (!query.environment.empty()) where.string("environment = ?", query.environment);
  std::string sql = "SELECT ";
  sql.append(kHourColumns).append(query.with_users ? ", users, crashed_users" : "");
  sql.append(" FROM session_hours").append(where.sql()).append(" ORDER BY hour");
  Query q(db_, sql);
  where.bind_to(q);
  std::vector<storage::SessionHour> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(session_hour_of(q, query.with_users));
  }
}

Result<std::optional<storage::SessionHour>> SqlSessionHealth::hour(const storage::SessionHour& key) {
  Query q(
      db_,
      "SELECT project, hour, release, environment, started, exited, errored, abnormal, crashed, users, "
      "crashed_users FROM session_hours WHERE project = ? AND hour = ? AND release = ? AND environment = ?",
      key.project, key.hour, key.release, key.environment);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return std::optional<storage::SessionHour>();
  return std::optional(session_hour_of(q, true));
}

Result<> SqlSessionHealth::put(const storage::SessionHour& h) {
  Query q(
      db_,
      "INSERT OR REPLACE INTO session_hours (project, hour, release, environment, started, exited, errored, "
      "abnormal, crashed, users, crashed_users) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      h.project, h.hour, h.release, h.environment, h.counts.started, h.counts.exited, h.counts.errored,
      h.counts.abnormal, h.counts.crashed, h.users, h.crashed_users);
  return q.run();
}

Result<> SqlSessionHealth::prune_hours(UnixNanos before) {
  Query q(db_, "DELETE FROM session_hours WHERE hour < ?", before);
  return q.run();
}

Result<> SqlSessionHealth::remember(const storage::KnownSession& s) {
  Query q(db_,
          "INSERT OR REPLACE INTO known_sessions (sid, state, started, seen, project, hour, release, "
          "environment) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          s.sid, s.state, s.started, s.seen, s.project, s.hour, s.release, s.environment);
  return q.run();
}

Result<std::vector<storage::KnownSession>> SqlSessionHealth::known() {
  Query q(db_, "SELECT sid, state, started, seen, project, hour, release, environment FROM known_sessions");
  std::vector<storage::KnownSession> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({static_cast<std::uint64_t>(q.integer(0)),
                   static_cast<storage::SessionState>(q.integer(1)),
                   q.integer(2) != 0,
                   q.time(3),
                   {static_cast<std::uint32_t>(q.integer(4))},
                   q.time(5),
                   q.text(6),
                   q.text(7)});
  }
}

Result<> SqlSessionHealth::forget(std::uint64_t sid) {
  Query q(db_, "DELETE FROM known_sessions WHERE sid = ?", sid);
  return q.run();
}

Result<> SqlOutcomes::add(const storage::OutcomeHour& o) {
  Query q(db_,
          "INSERT INTO outcome_hours (project, hour, source, category, reason, quantity) "
          "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (project, hour, source, category, reason) "
          "DO UPDATE SET quantity = quantity + excluded.quantity",
          o.project, o.hour, o.count.source, o.count.category, o.count.reason, o.count.quantity);
  return q.run();
}

Result<std::vector<storage::OutcomeHour>> SqlOutcomes::list(const std::vector<ProjectId>& projects,
                                                            TimeRange range) {
  Where where;
  where.projects("project", projects);
  where.between("hour", range);
  Query q(db_, "SELECT project, min(hour), source, category, reason, sum(quantity) FROM outcome_hours" +
                   where.sql() + " GROUP BY project, source, category, reason ORDER BY sum(quantity) DESC");
  where.bind_to(q);
  std::vector<storage::OutcomeHour> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({{static_cast<std::uint32_t>(q.integer(0))},
                   q.time(1),
                   {q.text(2), q.text(3), q.text(4), static_cast<std::uint64_t>(q.integer(5))}});
  }
}

Result<> SqlOutcomes::prune(UnixNanos before) {
  Query q(db_, "DELETE FROM outcome_hours WHERE hour < ?", before);
  return q.run();
}

}  // namespace telltale::metadb
