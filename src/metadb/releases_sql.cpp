// Releases with their commits and deploys. Issues are counted when asked: an index leads to those that began
// in a release, and `issue_regressions` says in which one an issue came back.
#include "metadb/health_repositories.hpp"
#include "metadb/where.hpp"

namespace telltale::metadb {
namespace {

constexpr std::string_view kSelectReleases =
    "SELECT id, project, version, created, first_seen, last_seen, released, ref, url, "
    "(SELECT count(*) FROM issues i WHERE i.project = r.project AND i.first_release = r.version AND "
    "i.merged_into = 0), "
    "(SELECT count(DISTINCT coalesce(nullif(i.merged_into, 0), i.id)) FROM issue_regressions g JOIN issues i "
    "ON "
    "i.id = g.issue WHERE g.project = r.project AND g.release = r.version), "
    "(SELECT count(*) FROM release_commits c WHERE c.release = r.id), "
    "(SELECT count(*) FROM release_deploys d WHERE d.release = r.id) FROM releases r";

storage::Release release_of(const Query& q) {
  storage::Release r;
  r.id = q.integer(0);
  r.project = {static_cast<std::uint32_t>(q.integer(1))};
  r.version = q.text(2);
  r.created = q.time(3);
  r.first_seen = q.maybe_time(4);
  r.last_seen = q.maybe_time(5);
  r.released = q.maybe_time(6);
  r.ref = q.text(7);
  r.url = q.text(8);
  r.new_issues = static_cast<std::uint64_t>(q.integer(9));
  r.regressed_issues = static_cast<std::uint64_t>(q.integer(10));
  r.commits = static_cast<std::uint64_t>(q.integer(11));
  r.deploys = static_cast<std::uint64_t>(q.integer(12));
  return r;
}

Where release_condition(const storage::ReleaseQuery& query) {
  Where where;
  where.projects("project", query.projects);
  if (!query.text.empty()) where.holds({"version"}, query.text);
  if (!query.environment.empty()) {
    where.string(
        "EXISTS (SELECT 1 FROM session_hours h WHERE h.project = r.project AND h.release = r.version AND "
        "h.environment = ?)",
        query.environment);
  }
  return where;
}

/// Type and path of each file, a line each.
std::string files_text(const std::vector<storage::CommitFile>& files) {
  std::string out;
  for (const auto& file : files) {
    out += file.type;
    out.append(file.path) += '\n';
  }
  return out;
}

std::vector<storage::CommitFile> files_of(std::string_view text) {
  std::vector<storage::CommitFile> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;
    if (end > 1) out.push_back({std::string(text.substr(1, end - 1)), text[0]});
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

Result<std::int64_t> SqlReleases::add(const storage::Release& r) {
  Query q(db_,
          "INSERT INTO releases (project, version, created, first_seen, last_seen, released, ref, url) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          r.project, r.version, r.created, r.first_seen, r.last_seen, r.released, r.ref, r.url);
  auto done = q.run();
  if (!done && done.error().kind() == ErrorKind::conflict)
    return fail(ErrorKind::conflict, "version: there is a release " + r.version + " already");
  TT_TRY(std::move(done));
  return db_.last_insert_id();
}

Result<bool> SqlReleases::saw(ProjectId project, std::string_view version, UnixNanos first, UnixNanos last,
                              UnixNanos now, std::uint64_t most) {
  {
    Query q(db_,
            "UPDATE releases SET first_seen = min(ifnull(first_seen, ?), ?), "
            "last_seen = max(ifnull(last_seen, ?), ?) WHERE project = ? AND version = ?",
            first, first, last, last, project, version);
    TT_TRY(q.run());
    if (db_.changed_rows() > 0) return true;
  }
  {
    Query q(db_, "SELECT count(*) FROM releases WHERE project = ?", project);
    TT_TRY(q.next());
    if (static_cast<std::uint64_t>(q.integer(0)) >= most) return false;
  }
  storage::Release made;
  made.project = project;
  made.version = std::string(version);
  made.created = now;
  made.first_seen = first;
  made.last_seen = last;
  TT_TRY(add(made));
  return true;
}

Result<> SqlReleases::update(const storage::Release& r) {
  Query q(db_, "UPDATE releases SET released = ?, ref = ?, url = ? WHERE id = ?", r.released, r.ref, r.url,
          r.id);
  return q.run();
}

Result<storage::Release> SqlReleases::get(ProjectId project, std::string_view version) {
  Query q(db_, std::string(kSelectReleases) + " WHERE project = ? AND version = ?", project, version);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "release " + std::string(version) + ": not found");
  return release_of(q);
}

Result<std::vector<storage::Release>> SqlReleases::list(const storage::ReleaseQuery& query) {
  const Where where = release_condition(query);
  Query q(db_, std::string(kSelectReleases) + where.sql() +
                   " ORDER BY ifnull(released, created) DESC, id DESC LIMIT ? OFFSET ?");
  where.bind_to(q);
  q.bind(static_cast<std::uint64_t>(query.limit));
  q.bind(static_cast<std::uint64_t>(query.offset));
  std::vector<storage::Release> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(release_of(q));
  }
}

Result<std::uint64_t> SqlReleases::count(const storage::ReleaseQuery& query) {
  const Where where = release_condition(query);
  Query q(db_, "SELECT count(*) FROM releases r" + where.sql());
  where.bind_to(q);
  TT_TRY(q.next());
  return static_cast<std::uint64_t>(q.integer(0));
}

Result<> SqlReleases::remove(std::int64_t id) {
  return db_.transaction(
      [&]() -> Result<> {
        for (const char* sql :
             {"DELETE FROM release_commits WHERE release = ?",
              "DELETE FROM release_deploys WHERE release = ?", "DELETE FROM releases WHERE id = ?"}) {
          Query q(db_, sql, id);
          TT_TRY(q.run());
        }
        return {};
      },
      storage::Durability::full);
}

Result<> SqlReleases::set_commits(std::int64_t id, const std::vector<storage::Commit>& commits) {
  return db_.transaction(
      [&]() -> Result<> {
        {
          Query q(db_, "DELETE FROM release_commits WHERE release = ?", id);
          TT_TRY(q.run());
        }
        std::int64_t place = 0;
        for (const auto& c : commits) {
          Query q(db_,
                  "INSERT OR REPLACE INTO release_commits (release, place, sha, author_name, author_email, "
                  "message, "
                  "repository, time, files) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  id, place++, c.sha, c.author_name, c.author_email, c.message, c.repository, c.time,
                  files_text(c.files));
          TT_TRY(q.run());
        }
        return {};
      },
      storage::Durability::full);
}

Result<std::vector<storage::Commit>> SqlReleases::commits(std::int64_t id) {
  Query q(db_,
          "SELECT sha, author_name, author_email, message, repository, time, files FROM release_commits "
          "WHERE release = ? ORDER BY place",
          id);
  std::vector<storage::Commit> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    storage::Commit c;
    c.sha = q.text(0);
    c.author_name = q.text(1);
    c.author_email = q.text(2);
    c.message = q.text(3);
    c.repository = q.text(4);
    c.time = q.maybe_time(5);
    c.files = files_of(q.text(6));
    out.push_back(std::move(c));
  }
}

Result<std::int64_t> SqlReleases::add_deploy(const storage::Deploy& d) {
  Query q(db_,
          "INSERT INTO release_deploys (release, environment, name, url, started, finished) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          d.release, d.environment, d.name, d.url, d.started, d.finished);
  TT_TRY(q.run());
  return db_.last_insert_id();
}

Result<std::vector<storage::Deploy>> SqlReleases::deploys(std::int64_t id) {
  Query q(
      db_,
      "SELECT id, release, environment, name, url, started, finished FROM release_deploys WHERE release = ? "
      "ORDER BY finished DESC, id DESC",
      id);
  std::vector<storage::Deploy> out;
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back({q.integer(0), q.integer(1), q.text(2), q.text(3), q.text(4), q.maybe_time(5), q.time(6)});
  }
}

}  // namespace telltale::metadb
