// Feedback. Which issue it belongs to is found through the group of its error, so that it follows a merge.
#include "metadb/health_repositories.hpp"
#include "metadb/where.hpp"

namespace telltale::metadb {
namespace {

constexpr std::string_view kSelectFeedback =
    "SELECT f.id, f.project, f.status, f.feedback_id, f.time, f.message, f.email, f.name, f.url, "
    "f.environment, "
    "f.release, f.user_id, f.source, f.replay, f.event, f.trace, f.group_hash, h.issue, f.received FROM "
    "feedback f LEFT JOIN issue_hashes h ON h.project = f.project AND h.hash = f.group_hash";

storage::Feedback feedback_of(const Query& q) {
  storage::Feedback f;
  f.id = q.integer(0);
  f.project = {static_cast<std::uint32_t>(q.integer(1))};
  f.status = static_cast<storage::FeedbackStatus>(q.integer(2));
  f.item.id = Id128::parse(q.text(3)).value_or(Id128{});
  f.item.time = q.time(4);
  f.item.message = q.text(5);
  f.item.email = q.text(6);
  f.item.name = q.text(7);
  f.item.url = q.text(8);
  f.item.environment = q.text(9);
  f.item.release = q.text(10);
  f.item.user_id = q.text(11);
  f.item.source = q.text(12);
  f.item.replay_id = q.text(13);
  f.item.event_id = Id128::parse(q.text(14)).value_or(Id128{});
  f.item.trace_id = Id128::parse(q.text(15)).value_or(Id128{});
  f.group_hash = q.text(16);
  if (!q.is_null(17)) f.issue = q.integer(17);
  f.received = q.time(18);
  return f;
}

constexpr std::string_view kOfPerson =
    " FROM feedback WHERE project = ? AND ((? <> '' AND user_id = ?) OR (? <> '' AND "
    "instr(lower(message || ' ' || email || ' ' || name || ' ' || url || ' ' || user_id), lower(?)) > 0))";

Where feedback_condition(const storage::FeedbackQuery& query) {
  Where where;
  where.projects("f.project", query.projects);
  if (query.status) where.number("f.status = ?", static_cast<std::int64_t>(*query.status));
  if (!query.text.empty()) where.holds({"f.message", "f.name", "f.email"}, query.text);
  // By the parts that the issue is made of.
  if (query.issue != 0)
    where.number("h.issue IN (SELECT id FROM issues WHERE coalesce(nullif(merged_into, 0), id) = ?)",
                 query.issue);
  return where;
}

Result<std::vector<storage::Feedback>> read_feedback_rows(Query& q) {
  std::vector<storage::Feedback> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(feedback_of(q));
  }
}

}  // namespace

Result<> SqlFeedback::put(const storage::Feedback& f) {
  const auto& i = f.item;
  Query q(db_,
          "INSERT INTO feedback (project, feedback_id, status, time, message, email, name, url, environment, "
          "release, user_id, source, replay, event, trace, group_hash, received) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, feedback_id) DO "
          "UPDATE SET "
          "message = excluded.message, email = excluded.email, name = excluded.name",
          f.project, i.id.hex(), f.status, i.time, i.message, i.email, i.name, i.url, i.environment,
          i.release, i.user_id, i.source, i.replay_id,
          i.event_id.present() ? i.event_id.hex() : std::string(),
          i.trace_id.present() ? i.trace_id.hex() : std::string(), f.group_hash, f.received);
  return q.run();
}

Result<storage::Feedback> SqlFeedback::get(std::int64_t id) {
  Query q(db_, std::string(kSelectFeedback) + " WHERE f.id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "feedback " + std::to_string(id) + ": not found");
  return feedback_of(q);
}

Result<> SqlFeedback::set_status(std::int64_t id, storage::FeedbackStatus status) {
  Query q(db_, "UPDATE feedback SET status = ? WHERE id = ?", status, id);
  return q.run();
}

Result<> SqlFeedback::set_group(std::int64_t id, std::string_view hash) {
  Query q(db_, "UPDATE feedback SET group_hash = ? WHERE id = ?", hash, id);
  return q.run();
}

Result<std::vector<storage::Feedback>> SqlFeedback::list(const storage::FeedbackQuery& query) {
  const Where where = feedback_condition(query);
  Query q(db_, std::string(kSelectFeedback) + where.sql() + " ORDER BY f.id DESC LIMIT ? OFFSET ?");
  where.bind_to(q);
  q.bind(static_cast<std::uint64_t>(query.limit));
  q.bind(static_cast<std::uint64_t>(query.offset));
  return read_feedback_rows(q);
}

Result<std::uint64_t> SqlFeedback::count(const storage::FeedbackQuery& query) {
  const Where where = feedback_condition(query);
  Query q(db_,
          "SELECT count(*) FROM feedback f LEFT JOIN issue_hashes h ON h.project = f.project AND "
          "h.hash = f.group_hash" +
              where.sql());
  where.bind_to(q);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

Result<std::vector<storage::Feedback>> SqlFeedback::unlinked(UnixNanos since, std::size_t limit) {
  // One of every project, then a second one of every project: none waits for another's.
  Query q(
      db_,
      std::string(kSelectFeedback) +
          " JOIN (SELECT id, row_number() OVER (PARTITION BY project ORDER BY looked_for, id DESC) AS turn "
          "FROM feedback WHERE group_hash = '' AND event <> '' AND received >= ?) u ON u.id = f.id "
          "ORDER BY u.turn, f.project LIMIT ?",
      since, static_cast<std::uint64_t>(limit));
  return read_feedback_rows(q);
}

Result<> SqlFeedback::looked_for(std::int64_t id, UnixNanos time) {
  Query q(db_, "UPDATE feedback SET looked_for = ? WHERE id = ?", time, id);
  return q.run();
}

Result<> SqlFeedback::prune(UnixNanos before) {
  Query q(db_, "DELETE FROM feedback WHERE received < ?", before);
  return q.run();
}

Result<std::vector<Id128>> SqlFeedback::of_person(ProjectId project, std::string_view user_id,
                                                  std::string_view email) {
  Query q(db_, "SELECT feedback_id" + std::string(kOfPerson), project, user_id, user_id, email, email);
  std::vector<Id128> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    if (const auto id = Id128::parse(q.text(0))) out.push_back(*id);
  }
}

Result<std::uint64_t> SqlFeedback::forget(ProjectId project, std::string_view user_id,
                                          std::string_view email) {
  Query q(db_, "DELETE" + std::string(kOfPerson), project, user_id, user_id, email, email);
  TT_TRY(q.run());
  return static_cast<std::uint64_t>(db_.changed_rows());
}

}  // namespace telltale::metadb
