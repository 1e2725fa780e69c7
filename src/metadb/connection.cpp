#include "metadb/connection.hpp"

#include <sqlite3.h>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace telltale::metadb {

namespace {

ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return ErrorKind::disk_full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::corruption;
    case SQLITE_CONSTRAINT:
      return ErrorKind::conflict;
    case SQLITE_TOOBIG:
      return ErrorKind::too_large;
    case SQLITE_NOMEM:
      return ErrorKind::resource_exhausted;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return ErrorKind::io;
    default:
      return ErrorKind::internal;
  }
}

/// What is read of the records stays in memory up to this: SQLite's own 2 MiB hold the texts of 6,000 issues,
/// of which a search looks through all, by an index, that is, in no order.
constexpr std::size_t kRecordCacheKiB = 48 * 1024;

// WAL without shared memory wants the exclusive mode to be set before the first read.
constexpr const char* kSetUp =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA journal_size_limit=16777216;";

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(Vfs& vfs, const std::string& path) {
  sqlite3* handle = nullptr;
  // Our lock serialises; SQLite's own mutexes would be a second time.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, vfs.name().c_str());
  if (handle == nullptr) return fail(ErrorKind::resource_exhausted, path + ": out of memory");
  std::unique_ptr<Connection> connection(new Connection(vfs, handle));
  if (code != SQLITE_OK) return tl::unexpected<Error>(connection->error(code).within(path));
  sqlite3_extended_result_codes(handle, 1);
  const std::string set_up = kSetUp + ("PRAGMA cache_size=-" + std::to_string(kRecordCacheKiB));
  if (auto done = connection->execute(set_up); !done) {
    return tl::unexpected<Error>(std::move(done).error().within(path));
  }
  return connection;
}

Connection::~Connection() {
  for (Cached& cached : cache_) sqlite3_finalize(cached.statement);
  sqlite3_close_v2(db_);
}

Error Connection::error(int code) const {
  const ErrorKind kind = kind_of(code);
  std::string text = sqlite3_errmsg(db_);
  if (kind == ErrorKind::io || kind == ErrorKind::disk_full) {
    if (const std::string cause = vfs_.last_error(); !cause.empty()) text += ": " + cause;
  }
  return Error(kind, std::move(text));
}

Result<> Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error(code));
  return {};
}

std::int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(db_); }
std::int64_t Connection::changed_rows() const { return sqlite3_changes64(db_); }

Result<> Connection::transaction(const std::function<Result<>()>& body, storage::Durability durability) {
  const std::lock_guard lock(mutex_);
  ++depth_;
  auto done = depth_ == 1 ? outermost(body, durability) : nested(body);
  --depth_;
  return done;
}

Result<> Connection::outermost(const std::function<Result<>()>& body, storage::Durability durability) {
  const bool deferred = durability == storage::Durability::deferred;
  // In WAL mode synchronous=NORMAL leaves out exactly the log's sync at commit; order and atomicity stay,
  // because recovery stops at the first frame whose running checksum is wrong.
  if (deferred) TT_TRY(execute("PRAGMA synchronous=NORMAL"));
  auto done = execute("BEGIN IMMEDIATE");
  if (done) done = body();
  // A full commit that changes no page would sync nothing, and earlier deferred ones would stay at risk.
  if (done && !deferred && deferred_commits_) done = execute("UPDATE sync_mark SET n = n + 1");
  if (done) done = execute("COMMIT");
  // After some errors SQLite has rolled back by itself.
  if (!done && sqlite3_get_autocommit(db_) == 0) {
    if (auto undone = execute("ROLLBACK"); !undone) done = std::move(undone);
  }
  if (!done) take_back(0);
  undo_.clear();
  if (done) deferred_commits_ = deferred;
  if (deferred) TT_TRY(execute("PRAGMA synchronous=FULL"));
  return done;
}

Result<> Connection::nested(const std::function<Result<>()>& body) {
  const std::string name = "t" + std::to_string(depth_);
  TT_TRY(execute("SAVEPOINT " + name));
  const std::size_t before = undo_.size();
  auto done = body();
  if (!done) {
    take_back(before);
    // Where SQLite has rolled back the whole transaction, there is no savepoint left to go back to.
    if (sqlite3_get_autocommit(db_) == 0) TT_TRY(execute("ROLLBACK TO " + name + "; RELEASE " + name));
    return done;
  }
  return execute("RELEASE " + name);
}

void Connection::if_taken_back(std::function<void()> undo) {
  if (depth_ > 0) undo_.push_back(std::move(undo));
}

void Connection::take_back(std::size_t kept) {
  for (; undo_.size() > kept; undo_.pop_back()) undo_.back()();
}

Result<sqlite3_stmt*> Connection::take(std::string_view sql) {
  if (auto it = by_sql_.find(sql); it != by_sql_.end()) {
    sqlite3_stmt* statement = it->second->statement;
    const auto entry = it->second;
    by_sql_.erase(it);
    cache_.erase(entry);
    return statement;
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error(code));
  TT_CHECK(statement != nullptr);
  return statement;
}

void Connection::give_back(std::string_view sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (by_sql_.contains(sql)) {  // two of the same were in use
    sqlite3_finalize(statement);
    return;
  }
  cache_.push_front({std::string(sql), statement});
  by_sql_.emplace(cache_.front().sql, cache_.begin());
  if (cache_.size() <= limits::kMaxCachedStatements) return;
  by_sql_.erase(cache_.back().sql);
  sqlite3_finalize(cache_.back().statement);
  cache_.pop_back();
}

Query::Query(Connection& db, std::string_view sql, std::nullptr_t) : db_(db), lock_(db.mutex_), sql_(sql) {
  auto statement = db_.take(sql_);
  if (statement) {
    statement_ = *statement;
  } else {
    error_ = std::move(statement).error();
  }
}

Query::~Query() {
  if (statement_ != nullptr) db_.give_back(sql_, statement_);
}

void Query::bind(std::int64_t value) {
  if (error_) return;
  if (const int code = sqlite3_bind_int64(statement_, ++bound_, value); code != SQLITE_OK)
    error_ = db_.error(code);
}

void Query::bind(double value) {
  if (error_) return;
  if (const int code = sqlite3_bind_double(statement_, ++bound_, value); code != SQLITE_OK)
    error_ = db_.error(code);
}

void Query::bind(std::string_view text) {
  if (error_) return;
  // A null pointer would be NULL, not the empty text. Bytes that must not pass for UTF-8 (hashes) go here as
  // well: SQLite compares and returns text bytewise.
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code =
      sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) error_ = db_.error(code);
}

void Query::bind(const std::optional<UnixNanos>& time) {
  if (time) {
    bind(time->ns);
  } else {
    ++bound_;  // NULL is what an unbound parameter is
  }
}

Result<bool> Query::next() {
  if (error_) return tl::unexpected<Error>(*error_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  error_ = db_.error(code);
  return tl::unexpected<Error>(*error_);
}

Result<> Query::run() {
  while (true) {
    TT_ASSIGN(const bool more, next());
    if (!more) return {};
  }
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Query::real(int column) const { return sqlite3_column_double(statement_, column); }

bool Query::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string Query::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return size == 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

std::optional<UnixNanos> Query::maybe_time(int column) const {
  if (is_null(column)) return std::nullopt;
  return time(column);
}

}  // namespace telltale::metadb
