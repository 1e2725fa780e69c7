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
    // The life of issues. `issue_own` holds what an issue that others were merged into has counted itself;
    // its row in `issues` is the sum. Whatever was ignored stays so for ever.
    R"sql(
ALTER TABLE issues ADD COLUMN merged_into INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN resolved_next INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN substatus_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN priority INTEGER NOT NULL DEFAULT 2;
ALTER TABLE issues ADD COLUMN priority_by_hand INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN archive_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN archive_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN archive_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN archive_hours INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN archive_base INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN users_estimated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN parts INTEGER NOT NULL DEFAULT 1;
UPDATE issues SET substatus = 7 WHERE status = 3;
UPDATE issues SET substatus_since = status_changed,
  priority = CASE WHEN level IN (0, 5, 6) THEN 3 WHEN level = 4 THEN 2 ELSE 1 END;
CREATE INDEX issues_by_status ON issues (project, status, last_seen, merged_into, first_seen);
CREATE INDEX issues_by_first_seen ON issues (project, first_seen);
CREATE INDEX issues_by_events ON issues (project, event_count);
CREATE INDEX issues_by_users ON issues (project, user_count);
CREATE INDEX issues_by_merged ON issues (merged_into) WHERE merged_into <> 0;
CREATE INDEX issues_settling ON issues (substatus_since) WHERE status = 1 AND substatus IN (1, 3, 4);
CREATE INDEX issues_archived ON issues (archive_time) WHERE status = 3 AND archive_until = 2;
CREATE TABLE issue_own (
  id INTEGER PRIMARY KEY, title TEXT NOT NULL, culprit TEXT NOT NULL, type TEXT NOT NULL, level INTEGER NOT NULL,
  platform TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, first_release TEXT NOT NULL,
  last_release TEXT NOT NULL, event_count INTEGER NOT NULL, user_count INTEGER NOT NULL, last_event TEXT NOT NULL,
  users_estimated INTEGER NOT NULL);
CREATE TABLE issue_user_pages (
  issue INTEGER NOT NULL, page INTEGER NOT NULL, registers BLOB NOT NULL, PRIMARY KEY (issue, page)) WITHOUT ROWID;
CREATE TABLE archive_users (
  issue INTEGER NOT NULL, user TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (issue, user)) WITHOUT ROWID;
CREATE TABLE met_releases (
  project INTEGER NOT NULL, release TEXT NOT NULL, met INTEGER NOT NULL, PRIMARY KEY (project, release)) WITHOUT ROWID;
CREATE INDEX met_releases_by_time ON met_releases (project, met);
INSERT INTO met_releases SELECT i.project, r.release, min(r.first_seen) FROM issue_releases r
  JOIN issues i ON i.id = r.issue GROUP BY i.project, r.release;
CREATE INDEX issue_releases_by_release ON issue_releases (release);
CREATE TABLE issue_activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, time INTEGER NOT NULL, action INTEGER NOT NULL,
  user INTEGER NOT NULL, who TEXT NOT NULL, detail TEXT NOT NULL, text TEXT NOT NULL, edited INTEGER);
CREATE INDEX issue_activity_by_issue ON issue_activity (issue, id);
CREATE TABLE issue_marks (
  user INTEGER NOT NULL, issue INTEGER NOT NULL, bookmarked INTEGER NOT NULL, seen INTEGER,
  PRIMARY KEY (user, issue)) WITHOUT ROWID;
)sql",
};

}  // namespace

int schema_version() { return static_cast<int>(std::size(kSteps)); }

Result<> migrate(Connection& db, int to) {
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
  for (std::int64_t step = have; step < to; ++step) {
    const std::string number = std::to_string(step + 1);
    auto done = db.transaction(
        [&] { return db.execute(kSteps[step] + std::string("PRAGMA user_version = ") + number); },
        storage::Durability::full);
    if (!done) return tl::unexpected<Error>(std::move(done).error().within("migration " + number));
  }
  return {};
}

}  // namespace telltale::metadb
