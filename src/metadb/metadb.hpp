// The book of records on SQLite: WAL mode, synchronous=FULL, reached only through io::FileSystem (a VFS of
// our own), so that the crash tests that drop unsynced writes hold for it, too. The process owns the database
// exclusively (locking_mode=EXCLUSIVE), which lets WAL do without shared memory. One connection, one lock:
// records are small, transactions short.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "io/file_system.hpp"
#include "storage/records.hpp"

namespace telltale::metadb {

/// Thread-safe.
class MetaDb : public storage::RecordStore {
 public:
  /// Reads every page and index. corruption with SQLite's own words.
  virtual Result<> verify() = 0;
  /// A consistent copy as one file at `path` (of the same file system), made beside running work; synced, an
  /// existing file is replaced.
  virtual Result<> backup(const std::string& path) = 0;
  /// A step of taking into memory what issues counted in the last 48 hours, for lists by trend and the look
  /// for escalating ones, which are right but slow until it is done; true: nothing is left to do. To be
  /// called now and then for good: what is too old goes from memory.
  virtual Result<bool> load_trends(UnixNanos now) = 0;
  /// Moves the log into the database file and empties it. Called now and then, and by the destructor.
  virtual Result<> compact_log() = 0;
  virtual std::uint64_t bytes() const = 0;
};

/// Opens or makes `dir`/meta.db and brings it to the current schema. unsupported when it was written by a
/// newer version; corruption when it is not a database. All arguments outlive the MetaDb.
Result<std::unique_ptr<MetaDb>> open_metadb(io::FileSystem& fs, const std::string& dir, const Clock& clock,
                                            const Logger& log, MetricsRegistry& metrics);

}  // namespace telltale::metadb
