// Scheduled jobs: monitors, how they stand in each environment, their check-ins and what is yet to be told.
#include "metadb/health_repositories.hpp"
#include "metadb/where.hpp"

namespace telltale::metadb {
namespace {

constexpr std::string_view kSelectMonitors =
    "SELECT id, project, slug, name, config, muted, disabled, created, updated FROM monitors";
constexpr std::string_view kSelectStatuses =
    "SELECT s.monitor, s.environment, s.state, s.last_check_in, s.next_expected, s.next_latest, s.failures, "
    "s.successes, s.failing_since FROM monitor_status s";
constexpr std::string_view kSelectCheckIns =
    "SELECT id, monitor, environment, client_id, status, started, finished, expected, deadline, duration_ms, "
    "release, trace FROM check_ins";

storage::Monitor monitor_of(const Query& q) {
  storage::Monitor m;
  m.id = q.integer(0);
  m.project = {static_cast<std::uint32_t>(q.integer(1))};
  m.slug = q.text(2);
  m.name = q.text(3);
  m.config = q.text(4);
  m.muted = q.integer(5) != 0;
  m.disabled = q.integer(6) != 0;
  m.created = q.time(7);
  m.updated = q.time(8);
  return m;
}

storage::MonitorStatus monitor_status_of(const Query& q) {
  storage::MonitorStatus s;
  s.monitor = q.integer(0);
  s.environment = q.text(1);
  s.state = static_cast<storage::MonitorState>(q.integer(2));
  s.last_check_in = q.maybe_time(3);
  s.next_expected = q.maybe_time(4);
  s.next_latest = q.maybe_time(5);
  s.failures = static_cast<std::uint64_t>(q.integer(6));
  s.successes = static_cast<std::uint64_t>(q.integer(7));
  s.failing_since = q.maybe_time(8);
  return s;
}

storage::KeptCheckIn check_in_of(const Query& q) {
  storage::KeptCheckIn c;
  c.id = q.integer(0);
  c.monitor = q.integer(1);
  c.environment = q.text(2);
  c.client_id = Id128::parse(q.text(3)).value_or(Id128{});
  c.status = static_cast<storage::CheckInStatus>(q.integer(4));
  c.started = q.time(5);
  c.finished = q.maybe_time(6);
  c.expected = q.maybe_time(7);
  c.deadline = q.maybe_time(8);
  c.duration_ms = q.integer(9);
  c.release = q.text(10);
  c.trace_id = Id128::parse(q.text(11)).value_or(Id128{});
  return c;
}

std::string maybe_id(Id128 id) { return id.present() ? id.hex() : std::string(); }

template <class T>
Result<std::vector<T>> read_all(Query& q, T (*read)(const Query&)) {
  std::vector<T> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read(q));
  }
}

template <class T>
Result<std::optional<T>> read_first(Query& q, T (*read)(const Query&)) {
  TT_ASSIGN(const bool found, q.next());
  return found ? std::optional<T>(read(q)) : std::nullopt;
}

}  // namespace

Result<std::int64_t> SqlMonitors::add(const storage::Monitor& m) {
  Query q(db_,
          "INSERT INTO monitors (project, slug, name, config, muted, disabled, created, updated) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          m.project, m.slug, m.name, m.config, m.muted, m.disabled, m.created, m.updated);
  auto done = q.run();
  if (!done && done.error().kind() == ErrorKind::conflict)
    return fail(ErrorKind::conflict, "slug: there is a monitor " + m.slug + " already");
  TT_TRY(std::move(done));
  return db_.last_insert_id();
}

Result<> SqlMonitors::update(const storage::Monitor& m) {
  Query q(db_, "UPDATE monitors SET name = ?, config = ?, muted = ?, disabled = ?, updated = ? WHERE id = ?",
          m.name, m.config, m.muted, m.disabled, m.updated, m.id);
  return q.run();
}

Result<storage::Monitor> SqlMonitors::get(std::int64_t id) {
  Query q(db_, std::string(kSelectMonitors) + " WHERE id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "monitor " + std::to_string(id) + ": not found");
  return monitor_of(q);
}

Result<std::optional<storage::Monitor>> SqlMonitors::find(ProjectId project, std::string_view slug) {
  Query q(db_, std::string(kSelectMonitors) + " WHERE project = ? AND slug = ?", project, slug);
  return read_first(q, monitor_of);
}

Result<std::vector<storage::Monitor>> SqlMonitors::list(const std::vector<ProjectId>& projects) {
  Where where;
  where.projects("project", projects);
  Query q(db_, std::string(kSelectMonitors) + where.sql() + " ORDER BY name, id");
  where.bind_to(q);
  return read_all(q, monitor_of);
}

Result<std::uint64_t> SqlMonitors::count(ProjectId project) {
  Query q(db_, "SELECT count(*) FROM monitors WHERE project = ?", project);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

Result<> SqlMonitors::remove(std::int64_t id) {
  return db_.transaction(
      [&]() -> Result<> {
        for (const char* sql :
             {"DELETE FROM check_ins WHERE monitor = ?", "DELETE FROM monitor_status WHERE monitor = ?",
              "DELETE FROM monitors WHERE id = ?"}) {
          Query q(db_, sql, id);
          TT_TRY(q.run());
        }
        return {};
      },
      storage::Durability::full);
}

Result<> SqlMonitors::put_status(const storage::MonitorStatus& s) {
  Query q(db_,
          "INSERT OR REPLACE INTO monitor_status (monitor, environment, state, last_check_in, next_expected, "
          "next_latest, failures, successes, failing_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
          s.monitor, s.environment, s.state, s.last_check_in, s.next_expected, s.next_latest, s.failures,
          s.successes, s.failing_since);
  return q.run();
}

Result<std::vector<storage::MonitorStatus>> SqlMonitors::statuses(std::int64_t monitor) {
  Query q(db_, std::string(kSelectStatuses) + " WHERE s.monitor = ? ORDER BY s.environment", monitor);
  return read_all(q, monitor_status_of);
}

Result<std::vector<storage::MonitorStatus>> SqlMonitors::overdue(UnixNanos now) {
  Query q(db_,
          std::string(kSelectStatuses) +
              " JOIN monitors m ON m.id = s.monitor WHERE s.next_latest <= ? AND m.disabled = 0",
          now);
  return read_all(q, monitor_status_of);
}

Result<std::vector<storage::MonitorStatus>> SqlMonitors::expected_before(UnixNanos now) {
  Query q(db_, std::string(kSelectStatuses) + " WHERE s.next_expected < ?", now);
  return read_all(q, monitor_status_of);
}

Result<std::int64_t> SqlMonitors::add_check_in(const storage::KeptCheckIn& c) {
  Query q(db_,
          "INSERT INTO check_ins (monitor, environment, client_id, status, started, finished, expected, "
          "deadline, "
          "duration_ms, release, trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          c.monitor, c.environment, maybe_id(c.client_id), c.status, c.started, c.finished, c.expected,
          c.deadline, c.duration_ms, c.release, maybe_id(c.trace_id));
  TT_TRY(q.run());
  return db_.last_insert_id();
}

Result<> SqlMonitors::update_check_in(const storage::KeptCheckIn& c) {
  Query q(
      db_,
      "UPDATE check_ins SET status = ?, finished = ?, deadline = ?, duration_ms = ?, release = ?, trace = ? "
      "WHERE id = ?",
      c.status, c.finished, c.deadline, c.duration_ms, c.release, maybe_id(c.trace_id), c.id);
  return q.run();
}

Result<std::optional<storage::KeptCheckIn>> SqlMonitors::find_check_in(std::int64_t monitor,
                                                                       std::string_view environment,
                                                                       Id128 client_id) {
  Query q(db_,
          std::string(kSelectCheckIns) + " WHERE monitor = ? AND client_id = ? AND environment = ? LIMIT 1",
          monitor, client_id.hex(), environment);
  return read_first(q, check_in_of);
}

Result<std::optional<storage::KeptCheckIn>> SqlMonitors::open_check_in(std::int64_t monitor,
                                                                       std::string_view environment) {
  Query q(db_,
          std::string(kSelectCheckIns) +
              " WHERE monitor = ? AND environment = ? AND status = ? ORDER BY started DESC, id DESC LIMIT 1",
          monitor, environment, storage::CheckInStatus::in_progress);
  return read_first(q, check_in_of);
}

Result<std::vector<storage::KeptCheckIn>> SqlMonitors::timed_out(UnixNanos now) {
  Query q(db_, std::string(kSelectCheckIns) + " WHERE deadline <= ? ORDER BY deadline", now);
  return read_all(q, check_in_of);
}

Result<std::vector<storage::KeptCheckIn>> SqlMonitors::check_ins(std::int64_t monitor,
                                                                 std::string_view environment,
                                                                 TimeRange range, std::size_t limit) {
  Where where;
  where.number("monitor = ?", monitor);
  if (!environment.empty()) where.string("environment = ?", environment);
  where.between("started", range);
  Query q(db_, std::string(kSelectCheckIns) + where.sql() + " ORDER BY started DESC, id DESC LIMIT ?");
  where.bind_to(q);
  q.bind(static_cast<std::uint64_t>(limit));
  return read_all(q, check_in_of);
}

Result<> SqlMonitors::prune_check_ins(UnixNanos before) {
  Query q(db_, "DELETE FROM check_ins WHERE started < ?", before);
  return q.run();
}

Result<> SqlMonitors::add_notice(const storage::MonitorNotice& n) {
  Query q(db_, "INSERT INTO monitor_notices (project, event, recovered) VALUES (?, ?, ?)", n.project, n.event,
          n.recovered);
  return q.run();
}

Result<std::vector<storage::MonitorNotice>> SqlMonitors::notices(std::size_t limit) {
  Query q(db_, "SELECT id, project, event, recovered FROM monitor_notices ORDER BY id LIMIT ?",
          static_cast<std::uint64_t>(limit));
  std::vector<storage::MonitorNotice> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.integer(0), {static_cast<std::uint32_t>(q.integer(1))}, q.text(2), q.integer(3) != 0});
  }
}

Result<> SqlMonitors::remove_notice(std::int64_t id) {
  Query q(db_, "DELETE FROM monitor_notices WHERE id = ?", id);
  return q.run();
}

}  // namespace telltale::metadb
