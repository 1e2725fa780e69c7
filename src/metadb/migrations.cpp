#include "metadb/migrations.hpp"

#include <iterator>

namespace telltale::metadb {

namespace {

// Times are nanoseconds since 1970; enums are the numbers of storage/records.hpp.
constexpr const char* kSteps[] = {
    R"sql(
CREATE TABLE sync_mark (n INTEGER NOT NULL);
INSERT INTO sync_mark VALUES (0);
CREATE TABLE projects (
  id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE dsn_keys (
  public_key TEXT PRIMARY KEY, project INTEGER NOT NULL REFERENCES projects(id), enabled INTEGER NOT NULL,
  created INTEGER NOT NULL);
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, role INTEGER NOT NULL, project INTEGER NOT NULL,
  hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, expires INTEGER, last_used INTEGER);
CREATE TABLE issue_numbers (project INTEGER PRIMARY KEY, newest INTEGER NOT NULL);
CREATE TABLE issues (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, short_id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL, culprit TEXT NOT NULL, type TEXT NOT NULL, level INTEGER NOT NULL, platform TEXT NOT NULL,
  status INTEGER NOT NULL, substatus INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  first_release TEXT NOT NULL, last_release TEXT NOT NULL, event_count INTEGER NOT NULL,
  user_count INTEGER NOT NULL, status_changed INTEGER NOT NULL, resolved_in TEXT NOT NULL, assignee TEXT NOT NULL,
  last_event TEXT NOT NULL);
CREATE INDEX issues_by_last_seen ON issues (project, last_seen);
CREATE TABLE issue_hashes (
  project INTEGER NOT NULL, hash TEXT NOT NULL, issue INTEGER NOT NULL, PRIMARY KEY (project, hash)) WITHOUT ROWID;
CREATE INDEX issue_hashes_by_issue ON issue_hashes (issue);
CREATE TABLE issue_hours (
  issue INTEGER NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (issue, hour)) WITHOUT ROWID;
CREATE INDEX issue_hours_by_hour ON issue_hours (hour);
CREATE TABLE issue_releases (
  issue INTEGER NOT NULL, release TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  count INTEGER NOT NULL, PRIMARY KEY (issue, release)) WITHOUT ROWID;
CREATE TABLE issue_users (
  issue INTEGER NOT NULL, user TEXT NOT NULL, PRIMARY KEY (issue, user)) WITHOUT ROWID;
CREATE TABLE rule_states (
  project INTEGER NOT NULL, rule TEXT NOT NULL, fingerprint TEXT NOT NULL, labels TEXT NOT NULL,
  active_at INTEGER NOT NULL, fired_at INTEGER, resolved_at INTEGER, value REAL,
  PRIMARY KEY (project, rule, fingerprint)) WITHOUT ROWID;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE applied (store TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role INTEGER NOT NULL,
  disabled INTEGER NOT NULL, password TEXT NOT NULL, created INTEGER NOT NULL, last_login INTEGER);
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, user INTEGER NOT NULL, created INTEGER NOT NULL,
  last_seen INTEGER NOT NULL, expires INTEGER NOT NULL, address TEXT NOT NULL, user_agent TEXT NOT NULL);
CREATE INDEX sessions_by_user ON sessions (user);
)sql",
    R"sql(
CREATE TABLE log_metrics (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL,
  since INTEGER NOT NULL, created INTEGER NOT NULL, UNIQUE (project, name));
CREATE TABLE log_metric_states (
  metric INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (metric, key)) WITHOUT ROWID;
CREATE TABLE kept_rules (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, created_by TEXT NOT NULL, UNIQUE (project, name));
)sql",
};

}  // namespace

int schema_version() { return static_cast<int>(std::size(kSteps)); }

Result<> migrate(Connection& db) {
  std::int64_t have = 0;
  {
    Query version(db, "PRAGMA user_version");
    TT_ASSIGN(const bool row, version.next());
    if (row) have = version.integer(0);
  }
  if (have > schema_version()) {
    return fail(ErrorKind::unsupported, "the records were written by a newer version (schema " +
                                            std::to_string(have) + ", known up to " +
                                            std::to_string(schema_version()) + ")");
  }
  for (std::int64_t step = have; step < schema_version(); ++step) {
    const std::string number = std::to_string(step + 1);
    auto done = db.transaction(
        [&] { return db.execute(kSteps[step] + std::string("PRAGMA user_version = ") + number); },
        storage::Durability::full);
    if (!done) return tl::unexpected<Error>(std::move(done).error().within("migration " + number));
  }
  return {};
}

}  // namespace telltale::metadb
