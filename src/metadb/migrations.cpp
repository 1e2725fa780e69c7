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
    // How applications do: sessions, releases, scheduled jobs, feedback (storage/health_records.hpp). The
    // trigger noted in which release an issue came back, until the next step.
    R"sql(
CREATE TABLE session_hours (
  project INTEGER NOT NULL, hour INTEGER NOT NULL, release TEXT NOT NULL, environment TEXT NOT NULL,
  started INTEGER NOT NULL, exited INTEGER NOT NULL, errored INTEGER NOT NULL, abnormal INTEGER NOT NULL,
  crashed INTEGER NOT NULL, users TEXT NOT NULL, crashed_users TEXT NOT NULL,
  UNIQUE (project, release, environment, hour));
CREATE INDEX session_hours_by_hour ON session_hours (project, hour);
CREATE TABLE known_sessions (
  sid INTEGER PRIMARY KEY, state INTEGER NOT NULL, started INTEGER NOT NULL, seen INTEGER NOT NULL);
CREATE TABLE releases (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, version TEXT NOT NULL, created INTEGER NOT NULL,
  first_seen INTEGER, last_seen INTEGER, released INTEGER, ref TEXT NOT NULL, url TEXT NOT NULL,
  UNIQUE (project, version));
CREATE TABLE release_commits (
  release INTEGER NOT NULL, place INTEGER NOT NULL, sha TEXT NOT NULL, author_name TEXT NOT NULL,
  author_email TEXT NOT NULL, message TEXT NOT NULL, repository TEXT NOT NULL, time INTEGER, files TEXT NOT NULL,
  PRIMARY KEY (release, place)) WITHOUT ROWID;
CREATE INDEX release_commits_by_sha ON release_commits (sha);
CREATE TABLE release_deploys (
  id INTEGER PRIMARY KEY AUTOINCREMENT, release INTEGER NOT NULL, environment TEXT NOT NULL, name TEXT NOT NULL,
  url TEXT NOT NULL, started INTEGER, finished INTEGER NOT NULL);
CREATE INDEX release_deploys_by_release ON release_deploys (release);
CREATE INDEX issues_by_first_release ON issues (project, first_release);
CREATE TABLE issue_regressions (
  project INTEGER NOT NULL, release TEXT NOT NULL, issue INTEGER NOT NULL,
  PRIMARY KEY (project, release, issue)) WITHOUT ROWID;
CREATE TRIGGER issue_regressed AFTER UPDATE ON issues WHEN NEW.substatus = 3 AND OLD.substatus <> 3
BEGIN
  INSERT OR IGNORE INTO issue_regressions VALUES (NEW.project, NEW.last_release, NEW.id);
END;
CREATE TRIGGER issue_gone AFTER DELETE ON issues
BEGIN
  DELETE FROM issue_regressions WHERE issue = OLD.id;
END;
CREATE INDEX issue_regressions_by_issue ON issue_regressions (issue);
CREATE TABLE monitors (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL,
  config TEXT NOT NULL, muted INTEGER NOT NULL, disabled INTEGER NOT NULL, created INTEGER NOT NULL,
  updated INTEGER NOT NULL, UNIQUE (project, slug));
CREATE TABLE monitor_status (
  monitor INTEGER NOT NULL, environment TEXT NOT NULL, state INTEGER NOT NULL, last_check_in INTEGER,
  next_expected INTEGER, next_latest INTEGER, failures INTEGER NOT NULL, successes INTEGER NOT NULL,
  failing_since INTEGER, PRIMARY KEY (monitor, environment)) WITHOUT ROWID;
CREATE INDEX monitor_status_by_latest ON monitor_status (next_latest);
CREATE TABLE check_ins (
  id INTEGER PRIMARY KEY AUTOINCREMENT, monitor INTEGER NOT NULL, environment TEXT NOT NULL,
  client_id TEXT NOT NULL, status INTEGER NOT NULL, started INTEGER NOT NULL, finished INTEGER, expected INTEGER,
  deadline INTEGER, duration_ms INTEGER NOT NULL, release TEXT NOT NULL, trace TEXT NOT NULL);
CREATE INDEX check_ins_by_start ON check_ins (monitor, started);
CREATE INDEX check_ins_by_client ON check_ins (monitor, client_id) WHERE client_id <> '';
CREATE INDEX check_ins_by_deadline ON check_ins (deadline) WHERE deadline IS NOT NULL;
CREATE TABLE monitor_notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, event TEXT NOT NULL);
CREATE TABLE feedback (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, feedback_id TEXT NOT NULL, status INTEGER NOT NULL,
  time INTEGER NOT NULL, message TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL,
  environment TEXT NOT NULL, release TEXT NOT NULL, user_id TEXT NOT NULL, source TEXT NOT NULL,
  replay TEXT NOT NULL, event TEXT NOT NULL, trace TEXT NOT NULL, group_hash TEXT NOT NULL,
  UNIQUE (project, feedback_id));
CREATE INDEX feedback_by_time ON feedback (project, time);
CREATE INDEX feedback_by_group ON feedback (project, group_hash);
CREATE TABLE outcome_hours (
  project INTEGER NOT NULL, hour INTEGER NOT NULL, source TEXT NOT NULL, category TEXT NOT NULL,
  reason TEXT NOT NULL, quantity INTEGER NOT NULL,
  PRIMARY KEY (project, hour, source, category, reason)) WITHOUT ROWID;
)sql",
    // Files that came with events; their bytes are beside the database.
    R"sql(
CREATE TABLE attachments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, event TEXT NOT NULL, digest TEXT NOT NULL,
  kind TEXT NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL,
  stored INTEGER NOT NULL, blob TEXT NOT NULL, trace TEXT NOT NULL, received INTEGER NOT NULL,
  UNIQUE (project, event, digest, kind, name));
CREATE INDEX attachments_by_time ON attachments (project, received);
CREATE INDEX attachments_by_trace ON attachments (project, trace) WHERE trace <> '';
)sql",
    // What became of all that was sent (storage/usage_records.hpp), and how many events of an issue's part
    // were counted without their JSON being kept.
    R"sql(
CREATE TABLE usage (
  project INTEGER NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL, category TEXT NOT NULL,
  reason TEXT NOT NULL, key TEXT NOT NULL, quantity INTEGER NOT NULL,
  PRIMARY KEY (project, time, kind, category, reason, key)) WITHOUT ROWID;
CREATE TABLE issue_left_out (issue INTEGER PRIMARY KEY, count INTEGER NOT NULL);
CREATE TRIGGER issue_gone_left_out AFTER DELETE ON issues
BEGIN
  DELETE FROM issue_left_out WHERE issue = OLD.id;
END;
)sql",
    // What came back in which release is said by whoever reopens an issue: the newest release that an issue
    // was seen in need not be that of the event. Sessions know the hour that counts them, feedback when it
    // came by our clock and when its error was looked for.
    R"sql(
DROP TRIGGER issue_regressed;
ALTER TABLE known_sessions ADD COLUMN project INTEGER NOT NULL DEFAULT 0;
ALTER TABLE known_sessions ADD COLUMN hour INTEGER NOT NULL DEFAULT 0;
ALTER TABLE known_sessions ADD COLUMN release TEXT NOT NULL DEFAULT '';
ALTER TABLE known_sessions ADD COLUMN environment TEXT NOT NULL DEFAULT '';
ALTER TABLE feedback ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feedback ADD COLUMN looked_for INTEGER NOT NULL DEFAULT 0;
UPDATE feedback SET received = time;
DROP INDEX feedback_by_time;
CREATE INDEX feedback_by_project ON feedback (project);
CREATE INDEX feedback_by_arrival ON feedback (received);
CREATE INDEX feedback_unlinked ON feedback (project, looked_for) WHERE group_hash = '' AND event <> '';
)sql",
    // A monitor that is well again says so, too.
    "ALTER TABLE monitor_notices ADD COLUMN recovered INTEGER NOT NULL DEFAULT 0;",
    // What lists are narrowed by and counts are of, without what every event changes.
    "CREATE INDEX issues_by_state ON issues (project, merged_into, status, level, substatus, priority);",
    // In which environments issues were seen; of issues from before this step that is to be read from their
    // events, until which the mark stays.
    R"sql(
CREATE TABLE issue_environments (
  issue INTEGER NOT NULL, environment TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  PRIMARY KEY (issue, environment)) WITHOUT ROWID;
CREATE INDEX issue_environments_by_name ON issue_environments (environment);
CREATE TABLE environments_unknown (mark INTEGER PRIMARY KEY);
INSERT INTO environments_unknown SELECT 1 WHERE EXISTS (SELECT 1 FROM issues);
CREATE INDEX issues_by_assignee ON issues (project, assignee);
CREATE TRIGGER issue_gone_environments AFTER DELETE ON issues
BEGIN
  DELETE FROM issue_environments WHERE issue = OLD.id;
END;
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
