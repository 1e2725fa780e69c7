// Projects, DSN keys and tokens.
#include "metadb/repositories.hpp"

namespace telltale::metadb {

namespace {

storage::Project read_project(const Query& q) {
  return {{static_cast<std::uint32_t>(q.integer(0))}, q.text(1), q.text(2), q.time(3)};
}

storage::DsnKey read_dsn_key(const Query& q) {
  return {q.text(0), {static_cast<std::uint32_t>(q.integer(1))}, q.integer(2) != 0, q.time(3)};
}

storage::ApiToken read_token(const Query& q) {
  storage::ApiToken token;
  token.id = q.integer(0);
  token.name = q.text(1);
  token.role = static_cast<storage::Role>(q.integer(2));
  token.project = {static_cast<std::uint32_t>(q.integer(3))};
  token.hash = q.text(4);
  token.created = q.time(5);
  token.expires = q.maybe_time(6);
  token.last_used = q.maybe_time(7);
  return token;
}

constexpr std::string_view kTokenColumns =
    "SELECT id, name, role, project, hash, created, expires, last_used FROM tokens ";

/// A constraint's own text names columns of ours; say what was taken instead.
Result<> or_conflict(Result<> done, std::string message) {
  if (!done && done.error().kind() == ErrorKind::conflict)
    return fail(ErrorKind::conflict, std::move(message));
  return done;
}

}  // namespace

Result<ProjectId> SqlProjects::add(const storage::Project& project) {
  ProjectId id = project.id;
  auto done = db_.transaction(
      [&]() -> Result<> {
        if (id.value == 0) {
          Query next(db_, "SELECT coalesce(max(id), 0) + 1 FROM projects");
          TT_TRY(next.next());
          id = {static_cast<std::uint32_t>(next.integer(0))};
        }
        Query q(db_, "INSERT INTO projects (id, slug, name, created) VALUES (?, ?, ?, ?)", id, project.slug,
                project.name, project.created);
        return or_conflict(q.run(), "project " + std::to_string(id.value) + " or slug '" + project.slug +
                                        "' exists already");
      },
      storage::Durability::full);
  TT_TRY(std::move(done));
  return id;
}

Result<> SqlProjects::update(const storage::Project& project) {
  Query q(db_, "UPDATE projects SET slug = ?, name = ? WHERE id = ?", project.slug, project.name, project.id);
  TT_TRY(or_conflict(q.run(), "slug '" + project.slug + "' exists already"));
  if (db_.changed_rows() == 0)
    return fail(ErrorKind::not_found, "no project " + std::to_string(project.id.value));
  return {};
}

Result<storage::Project> SqlProjects::get(ProjectId id) {
  Query q(db_, "SELECT id, slug, name, created FROM projects WHERE id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no project " + std::to_string(id.value));
  return read_project(q);
}

Result<storage::Project> SqlProjects::find_by_slug(std::string_view slug) {
  Query q(db_, "SELECT id, slug, name, created FROM projects WHERE slug = ?", slug);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no project '" + std::string(slug) + "'");
  return read_project(q);
}

Result<std::vector<storage::Project>> SqlProjects::list() {
  std::vector<storage::Project> out;
  Query q(db_, "SELECT id, slug, name, created FROM projects ORDER BY id");
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_project(q));
  }
}

Result<> SqlDsnKeys::add(const storage::DsnKey& key) {
  return db_.transaction(
      [&]() -> Result<> {
        TT_TRY(SqlProjects(db_).get(key.project));
        Query q(db_, "INSERT INTO dsn_keys (public_key, project, enabled, created) VALUES (?, ?, ?, ?)",
                key.public_key, key.project, key.enabled, key.created);
        return or_conflict(q.run(), "the DSN key exists already");
      },
      storage::Durability::full);
}

Result<storage::DsnKey> SqlDsnKeys::get(std::string_view public_key) {
  Query q(db_, "SELECT public_key, project, enabled, created FROM dsn_keys WHERE public_key = ?", public_key);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no such DSN key");
  return read_dsn_key(q);
}

Result<> SqlDsnKeys::set_enabled(std::string_view public_key, bool enabled) {
  Query q(db_, "UPDATE dsn_keys SET enabled = ? WHERE public_key = ?", enabled, public_key);
  TT_TRY(q.run());
  if (db_.changed_rows() == 0) return fail(ErrorKind::not_found, "no such DSN key");
  return {};
}

Result<std::vector<storage::DsnKey>> SqlDsnKeys::list(ProjectId project) {
  std::vector<storage::DsnKey> out;
  Query q(db_,
          "SELECT public_key, project, enabled, created FROM dsn_keys WHERE ?1 = 0 OR project = ?1 "
          "ORDER BY created, rowid",
          project);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_dsn_key(q));
  }
}

Result<std::int64_t> SqlTokens::add(const storage::ApiToken& token) {
  Query q(db_,
          "INSERT INTO tokens (name, role, project, hash, created, expires, last_used) VALUES (?, ?, ?, ?, "
          "?, ?, ?)",
          token.name, token.role, token.project, token.hash, token.created, token.expires, token.last_used);
  TT_TRY(or_conflict(q.run(), "a token named '" + token.name + "' (or with this secret) exists already"));
  return db_.last_insert_id();
}

Result<storage::ApiToken> SqlTokens::find_by_hash(std::string_view hash) {
  Query q(db_, std::string(kTokenColumns) + "WHERE hash = ?", hash);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no such token");
  return read_token(q);
}

Result<storage::ApiToken> SqlTokens::find_by_name(std::string_view name) {
  Query q(db_, std::string(kTokenColumns) + "WHERE name = ?", name);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no token '" + std::string(name) + "'");
  return read_token(q);
}

Result<> SqlTokens::remove(std::int64_t id) {
  Query q(db_, "DELETE FROM tokens WHERE id = ?", id);
  TT_TRY(q.run());
  if (db_.changed_rows() == 0) return fail(ErrorKind::not_found, "no token " + std::to_string(id));
  return {};
}

Result<> SqlTokens::touch(std::int64_t id, UnixNanos last_used) {
  Query q(db_, "UPDATE tokens SET last_used = ? WHERE id = ?", last_used, id);
  return q.run();
}

Result<std::vector<storage::ApiToken>> SqlTokens::list() {
  std::vector<storage::ApiToken> out;
  Query q(db_, std::string(kTokenColumns) + "ORDER BY id");
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_token(q));
  }
}

}  // namespace telltale::metadb
