// Users and their sessions.
#include "metadb/repositories.hpp"

namespace telltale::metadb {

namespace {

constexpr std::string_view kUserColumns =
    "SELECT id, email, name, role, disabled, password, created, last_login FROM users ";
constexpr std::string_view kSessionColumns =
    "SELECT id, hash, user, created, last_seen, expires, address, user_agent FROM sessions ";

storage::User read_user(const Query& q) {
  storage::User user;
  user.id = q.integer(0);
  user.email = q.text(1);
  user.name = q.text(2);
  user.role = static_cast<storage::Role>(q.integer(3));
  user.disabled = q.integer(4) != 0;
  user.password = q.text(5);
  user.created = q.time(6);
  user.last_login = q.maybe_time(7);
  return user;
}

storage::Session read_session(const Query& q) {
  storage::Session session;
  session.id = q.integer(0);
  session.hash = q.text(1);
  session.user = q.integer(2);
  session.created = q.time(3);
  session.last_seen = q.time(4);
  session.expires = q.time(5);
  session.address = q.text(6);
  session.user_agent = q.text(7);
  return session;
}

Result<> unless_email_taken(Result<> done, const std::string& email) {
  if (!done && done.error().kind() == ErrorKind::conflict) {
    return fail(ErrorKind::conflict, "email: a user '" + email + "' exists already");
  }
  return done;
}

tl::unexpected<Error> no_user(std::int64_t id) {
  return fail(ErrorKind::not_found, "no user " + std::to_string(id));
}

}  // namespace

Result<std::int64_t> SqlUsers::add(const storage::User& user) {
  Query q(db_,
          "INSERT INTO users (email, name, role, disabled, password, created, last_login) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)",
          user.email, user.name, user.role, user.disabled, user.password, user.created, user.last_login);
  TT_TRY(unless_email_taken(q.run(), user.email));
  return db_.last_insert_id();
}

Result<> SqlUsers::update(const storage::User& user) {
  Query q(db_,
          "UPDATE users SET email = ?, name = ?, role = ?, disabled = ?, password = ?, last_login = ? "
          "WHERE id = ?",
          user.email, user.name, user.role, user.disabled, user.password, user.last_login, user.id);
  TT_TRY(unless_email_taken(q.run(), user.email));
  if (db_.changed_rows() == 0) return no_user(user.id);
  return {};
}

Result<storage::User> SqlUsers::get(std::int64_t id) {
  Query q(db_, std::string(kUserColumns) + "WHERE id = ?", id);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return no_user(id);
  return read_user(q);
}

Result<storage::User> SqlUsers::find_by_email(std::string_view email) {
  Query q(db_, std::string(kUserColumns) + "WHERE email = ?", email);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no user '" + std::string(email) + "'");
  return read_user(q);
}

Result<> SqlUsers::remove(std::int64_t id) {
  return db_.transaction(
      [&]() -> Result<> {
        TT_TRY(Query(db_, "DELETE FROM sessions WHERE user = ?", id).run());
        Query q(db_, "DELETE FROM users WHERE id = ?", id);
        TT_TRY(q.run());
        if (db_.changed_rows() == 0) return no_user(id);
        return {};
      },
      storage::Durability::full);
}

Result<std::vector<storage::User>> SqlUsers::list() {
  std::vector<storage::User> out;
  Query q(db_, std::string(kUserColumns) + "ORDER BY id");
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_user(q));
  }
}

Result<std::int64_t> SqlSessions::add(const storage::Session& session) {
  std::int64_t id = 0;
  auto done = db_.transaction(
      [&]() -> Result<> {
        TT_TRY(SqlUsers(db_).get(session.user));
        Query q(db_,
                "INSERT INTO sessions (hash, user, created, last_seen, expires, address, user_agent) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                session.hash, session.user, session.created, session.last_seen, session.expires,
                session.address, session.user_agent);
        TT_TRY(q.run());
        id = db_.last_insert_id();
        return {};
      },
      storage::Durability::full);
  TT_TRY(std::move(done));
  return id;
}

Result<storage::Session> SqlSessions::find_by_hash(std::string_view hash) {
  Query q(db_, std::string(kSessionColumns) + "WHERE hash = ?", hash);
  TT_ASSIGN(const bool found, q.next());
  if (!found) return fail(ErrorKind::not_found, "no such session");
  return read_session(q);
}

Result<> SqlSessions::touch(std::int64_t id, UnixNanos last_seen) {
  return Query(db_, "UPDATE sessions SET last_seen = ? WHERE id = ?", last_seen, id).run();
}

Result<> SqlSessions::remove(std::int64_t id) {
  Query q(db_, "DELETE FROM sessions WHERE id = ?", id);
  TT_TRY(q.run());
  if (db_.changed_rows() == 0) return fail(ErrorKind::not_found, "no session " + std::to_string(id));
  return {};
}

Result<std::size_t> SqlSessions::remove_of(std::int64_t user, std::int64_t keep) {
  Query q(db_, "DELETE FROM sessions WHERE user = ? AND id <> ?", user, keep);
  TT_TRY(q.run());
  return static_cast<std::size_t>(db_.changed_rows());
}

Result<std::vector<storage::Session>> SqlSessions::list(std::int64_t user) {
  std::vector<storage::Session> out;
  Query q(db_, std::string(kSessionColumns) + "WHERE user = ? ORDER BY id DESC", user);
  while (true) {
    TT_ASSIGN(const bool more, q.next());
    if (!more) return out;
    out.push_back(read_session(q));
  }
}

Result<std::size_t> SqlSessions::prune(UnixNanos now, UnixNanos idle_since) {
  Query q(db_, "DELETE FROM sessions WHERE expires <= ? OR last_seen < ?", now, idle_since);
  TT_TRY(q.run());
  return static_cast<std::size_t>(db_.changed_rows());
}

}  // namespace telltale::metadb
