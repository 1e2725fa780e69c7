#include "metadb/metadb.hpp"

#include <sqlite3.h>

#include "metadb/connection.hpp"
#include "metadb/health_repositories.hpp"
#include "metadb/migrations.hpp"
#include "metadb/repositories.hpp"
#include "metadb/usage_sql.hpp"
#include "metadb/vfs.hpp"

namespace telltale::metadb {

namespace {

constexpr int kBackupPagesPerStep = 256;  // the lock is free between steps

class SqliteMetaDb final : public MetaDb {
 public:
  SqliteMetaDb(io::FileSystem& fs, std::string path, std::unique_ptr<Vfs> vfs, std::unique_ptr<Connection> db,
               MetricsRegistry& metrics)
      : fs_(fs),
        path_(std::move(path)),
        vfs_(std::move(vfs)),
        db_(std::move(db)),
        transactions_(metrics.counter("telltale_metadb_transactions_total", "Transactions on the records.")),
        failures_(metrics.counter("telltale_metadb_transaction_failures_total", "Transactions taken back.")) {
  }

  Result<> transaction(const std::function<Result<>()>& body, storage::Durability durability) override {
    transactions_.add();
    auto done = db_->transaction(body, durability);
    if (!done) failures_.add();
    return done;
  }

  storage::ProjectRepository& projects() override { return projects_; }
  storage::DsnKeyRepository& dsn_keys() override { return dsn_keys_; }
  storage::TokenRepository& tokens() override { return tokens_; }
  storage::UserRepository& users() override { return users_; }
  storage::SessionRepository& sessions() override { return sessions_; }
  storage::IssueRepository& issues() override { return issues_; }
  storage::IssueActivityRepository& issue_activity() override { return issue_activity_; }
  storage::RuleStateRepository& rule_states() override { return rule_states_; }
  storage::SettingRepository& settings() override { return settings_; }
  storage::LogMetricRepository& log_metrics() override { return log_metrics_; }
  storage::KeptRuleRepository& kept_rules() override { return kept_rules_; }
  storage::AppliedRepository& applied() override { return applied_; }
  storage::SessionHealthRepository& session_health() override { return session_health_; }
  storage::ReleaseRepository& releases() override { return releases_; }
  storage::MonitorRepository& monitors() override { return monitors_; }
  storage::FeedbackRepository& feedback() override { return feedback_; }
  storage::OutcomeRepository& outcomes() override { return outcomes_; }
  storage::AttachmentRepository& attachments() override { return attachments_; }
  storage::UsageRepository& usage() override { return usage_; }

  Result<> verify() override {
    Query q(*db_, "PRAGMA integrity_check(20)");
    std::string problems;
    while (true) {
      TT_ASSIGN(const bool more, q.next());
      if (!more) break;
      if (const std::string line = q.text(0); line != "ok") problems += (problems.empty() ? "" : "; ") + line;
    }
    if (!problems.empty()) return fail(ErrorKind::corruption, path_ + ": " + problems);
    return {};
  }

  Result<> backup(const std::string& path) override {
    const std::string partial = path + ".tmp";
    for (const char* suffix : {"", "-journal", "-wal"}) {
      TT_ASSIGN(const bool there, fs_.exists(partial + suffix));
      if (there) TT_TRY(fs_.remove(partial + suffix));
    }
    TT_TRY(copy_to(partial));
    TT_TRY(fs_.rename(partial, path));
    return fs_.sync_dir(io::parent_dir(path));
  }

  Result<bool> load_trends(UnixNanos now) override { return issues_.load_trends(now); }

  Result<> compact_log() override {
    const std::lock_guard lock(db_->lock());
    return db_->execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  std::uint64_t bytes() const override {
    std::uint64_t total = 0;
    auto files = fs_.list(io::parent_dir(path_));
    if (!files) return 0;
    const std::string name = path_.substr(path_.rfind('/') + 1);
    for (const auto& file : *files) {
      if (file.name.starts_with(name)) total += file.size;
    }
    return total;
  }

 private:
  Result<> copy_to(const std::string& path) {
    sqlite3* copy = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path.c_str(), &copy, flags, vfs_->name().c_str());
    if (code == SQLITE_OK) {
      code = copy_pages(copy);
      // The copy carries the WAL mark of its source; leaving that mode makes it one file again.
      if (code == SQLITE_OK) {
        code = sqlite3_exec(copy, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE", nullptr,
                            nullptr, nullptr);
      }
    }
    std::string message = copy == nullptr ? "out of memory" : sqlite3_errmsg(copy);
    sqlite3_close_v2(copy);
    if (code == SQLITE_OK) return {};
    if (const std::string cause = vfs_->last_error(); !cause.empty()) message += ": " + cause;
    return fail((code & 0xff) == SQLITE_FULL ? ErrorKind::disk_full : ErrorKind::io, path + ": " + message);
  }

  int copy_pages(sqlite3* copy) {
    sqlite3_backup* backup = nullptr;
    {
      const std::lock_guard lock(db_->lock());
      backup = sqlite3_backup_init(copy, "main", db_->handle(), "main");
    }
    if (backup == nullptr) return sqlite3_errcode(copy);
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
      const std::lock_guard lock(db_->lock());
      code = sqlite3_backup_step(backup, kBackupPagesPerStep);
    }
    const std::lock_guard lock(db_->lock());
    const int finished = sqlite3_backup_finish(backup);
    return code == SQLITE_DONE ? finished : code;
  }

  io::FileSystem& fs_;
  const std::string path_;
  std::unique_ptr<Vfs> vfs_;  // before db_: connections close first
  std::unique_ptr<Connection> db_;
  Counter& transactions_;
  Counter& failures_;
  SqlProjects projects_{*db_};
  SqlDsnKeys dsn_keys_{*db_};
  SqlTokens tokens_{*db_};
  SqlUsers users_{*db_};
  SqlSessions sessions_{*db_};
  SqlIssues issues_{*db_};
  SqlIssueActivity issue_activity_{*db_};
  SqlRuleStates rule_states_{*db_};
  SqlSettings settings_{*db_};
  SqlApplied applied_{*db_};
  SqlLogMetrics log_metrics_{*db_};
  SqlKeptRules kept_rules_{*db_};
  SqlSessionHealth session_health_{*db_};
  SqlReleases releases_{*db_};
  SqlMonitors monitors_{*db_};
  SqlFeedback feedback_{*db_};
  SqlOutcomes outcomes_{*db_};
  SqlAttachments attachments_{*db_};
  SqlUsage usage_{*db_};
};

/// A folder made just now disappears in a crash, and the database in it, until its parents' entries are
/// synced.
Result<> make_durable_dir(io::FileSystem& fs, const std::string& dir) {
  TT_TRY(fs.make_dirs(dir));
  std::string child = dir;
  while (true) {
    const std::string parent = io::parent_dir(child);
    if (parent == child || parent.empty()) return {};
    TT_TRY(fs.sync_dir(parent));
    if (parent == "." || parent == "/") return {};
    child = parent;
  }
}

}  // namespace

Result<std::unique_ptr<MetaDb>> open_metadb(io::FileSystem& fs, const std::string& dir, const Clock& clock,
                                            const Logger& log, MetricsRegistry& metrics) {
  TT_TRY(make_durable_dir(fs, dir));
  std::string path = io::join_path(dir, "meta.db");
  auto vfs = std::make_unique<Vfs>(fs, clock);
  TT_ASSIGN(auto db, Connection::open(*vfs, path));
  if (auto done = migrate(*db); !done) return tl::unexpected<Error>(std::move(done).error().within(path));
  log.info("records opened", {{"file", path}, {"schema", schema_version()}});
  return std::make_unique<SqliteMetaDb>(fs, std::move(path), std::move(vfs), std::move(db), metrics);
}

}  // namespace telltale::metadb
