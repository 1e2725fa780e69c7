// One SQLite connection with its lock, its statement cache and its transactions. Statements are written where
// they are used:
//   Query q(db, "SELECT slug FROM projects WHERE id = ?", id);
//   TT_ASSIGN(const bool found, q.next());
//   if (found) slug = q.text(0);
// A Query holds the connection's lock while it lives; the lock is recursive, because a transaction's body
// calls repositories that lock again.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "metadb/vfs.hpp"
#include "storage/records.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace telltale::metadb {

/// Thread-safe through its lock; everything but lock() and transaction() wants it held.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(Vfs& vfs, const std::string& path);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<> transaction(const std::function<Result<>()>& body, storage::Durability durability);
  /// To be run, newest first, when what surrounds this call is taken back; for what memory holds of the
  /// records. Forgotten at the commit; outside a transaction at once.
  void if_taken_back(std::function<void()> undo);
  /// Statements without values or rows, separated by semicolons.
  Result<> execute(const std::string& sql);
  std::int64_t last_insert_id() const;
  std::int64_t changed_rows() const;

  std::recursive_mutex& lock() { return mutex_; }
  sqlite3* handle() { return db_; }
  /// The newest error of this connection as ours.
  Error error(int code) const;

 private:
  friend class Query;
  Connection(Vfs& vfs, sqlite3* db) : vfs_(vfs), db_(db) {}
  /// From the cache or new; the cache keeps what is not in use.
  Result<sqlite3_stmt*> take(std::string_view sql);
  void give_back(std::string_view sql, sqlite3_stmt* statement);
  Result<> outermost(const std::function<Result<>()>& body, storage::Durability durability);
  Result<> nested(const std::function<Result<>()>& body);
  /// All but the first `kept`.
  void take_back(std::size_t kept);

  Vfs& vfs_;
  sqlite3* const db_;
  std::recursive_mutex mutex_;
  // Guarded by mutex_.
  int depth_ = 0;
  std::vector<std::function<void()>> undo_;
  bool deferred_commits_ = false;  // committed since the last sync of the log
  struct Cached {
    std::string sql;
    sqlite3_stmt* statement;
  };
  std::list<Cached> cache_;  // newest first
  std::unordered_map<std::string_view, std::list<Cached>::iterator> by_sql_;
};

/// One run of one statement. Errors of preparing and binding come out of next() or run().
class Query {
 public:
  template <class... Args>
  Query(Connection& db, std::string_view sql, const Args&... args) : Query(db, sql, nullptr) {
    (bind(args), ...);
  }
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  void bind(std::int64_t value);
  void bind(std::uint64_t value) { bind(static_cast<std::int64_t>(value)); }
  void bind(std::uint32_t value) { bind(static_cast<std::int64_t>(value)); }
  void bind(int value) { bind(static_cast<std::int64_t>(value)); }
  void bind(bool value) { bind(static_cast<std::int64_t>(value)); }
  void bind(double value);
  void bind(std::string_view text);
  void bind(const std::string& text) { bind(std::string_view(text)); }
  void bind(const char* text) { bind(std::string_view(text)); }
  void bind(UnixNanos time) { bind(time.ns); }
  void bind(const std::optional<UnixNanos>& time);
  template <class Tag, class Rep>
  void bind(Strong<Tag, Rep> id) {
    bind(static_cast<std::int64_t>(id.value));
  }
  template <class E>
    requires std::is_enum_v<E>
  void bind(E value) {
    bind(static_cast<std::int64_t>(value));
  }

  /// True while there is a row.
  Result<bool> next();
  /// To the end, rows ignored.
  Result<> run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  bool is_null(int column) const;
  std::string text(int column) const;
  UnixNanos time(int column) const { return {integer(column)}; }
  std::optional<UnixNanos> maybe_time(int column) const;

 private:
  Query(Connection& db, std::string_view sql, std::nullptr_t);
  Connection& db_;
  std::unique_lock<std::recursive_mutex> lock_;
  const std::string sql_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  std::optional<Error> error_;
};

}  // namespace telltale::metadb
