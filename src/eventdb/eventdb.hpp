// The embedded store for wide events (logs, spans, errors). Rows are applied to a head in memory, where
// queries see them at once; checkpoint() writes the head as immutable parts (one a table and UTC day) and
// publishes them, together with the sequence they go up to, by replacing one small manifest. A crash
// therefore loses or doubles nothing: the server replays the journal from applied().
//
//   <dir>/MANIFEST                      sequence and the parts that count (docs/formats/eventdb.md)
//   <dir>/logs-20260108-17.part         table, day, part number
//   <dir>/logs-20260108-p2-18.part      the same of project 2, which has a retention of its own
//   <dir>/logs-20260108-r00c0ffee-19.part  of rows that a retention rule matches
//   <dir>/quarantine/…                  damaged parts, moved aside under their name
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "io/file_system.hpp"
#include "storage/erasure.hpp"
#include "storage/event_store.hpp"

namespace telltale::eventdb {

/// Rows that are kept for a time of their own.
struct RetentionRule {
  /// What parts remember it by: the same for a rule whose time changes, another for another filter. Never 0.
  std::uint32_t id = 0;
  Table table = Table::logs;
  ProjectId project;            // 0: every one
  storage::EventFilter filter;  // CompiledFilter::compile takes it
  Nanos keep{0};
};

/// How long rows are kept; 0 for good. A day's partition goes once its last instant is older.
struct EventRetention {
  std::map<Table, Nanos> tables;  // those not named keep everything
  /// A project's own. Its rows then make partitions of their own, those written from now on: rows that share
  /// a partition with other projects' stay as long as these.
  std::map<std::pair<Table, ProjectId>, Nanos> projects;
  /// Stronger than both; the first that matches a row decides. Its rows make partitions of their own, those
  /// written from now on. Theirs is the rule's present time, and their project's once the rule is gone.
  std::vector<RetentionRule> rules;
};

struct EventDbOptions {
  EventRetention retention;
  /// wants_checkpoint() above any of these.
  std::size_t head_max_rows = limits::kEventHeadRows;
  std::size_t head_max_bytes = limits::kEventHeadBytes;
  Nanos head_max_age{std::chrono::minutes(5)};
  /// Rows that become columns together, and rows of a block of a part; smaller in tests.
  std::size_t chunk_rows = limits::kEventChunkRows;
  std::size_t block_rows = limits::kEventBlockRows;
  /// What is kept an index of for word_groups(). Blocks that were written without stay so until a merge
  /// writes them anew.
  std::optional<storage::WordIndexing> words;
};

struct EventDbStats {
  std::size_t head_rows = 0;
  std::size_t head_bytes = 0;
  std::size_t parts = 0;
  std::uint64_t part_rows = 0;
  std::size_t part_memory_bytes = 0;  // footers and page directories that stay in memory
  std::map<Table, std::uint64_t> disk_bytes;
  std::vector<std::string> quarantined;  // file names in <dir>/quarantine
};

struct VerifyReport {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> damaged;  // file names; already quarantined
};

/// What a backup copies: the files (relative to the store's folder) and the manifest's bytes as of one
/// checkpoint. The files stay on disk for as long as `pin` lives.
struct BackupFiles {
  Sequence sequence;
  std::vector<std::string> files;
  std::string manifest;  // to be written as MANIFEST
  std::shared_ptr<const void> pin;
};

/// Thread-safe: one thread applies; queries, checkpoint(), maintenance() and verify() run beside it. Cursors
/// must not outlive the store.
class EventDb : public storage::EventStore {
 public:
  /// Drops expired days, moves damaged parts aside, merges small parts. Does a bounded amount of work a call.
  virtual Result<> maintenance() = 0;
  /// Times hold from the next maintenance() on, partitions of one project or rule from the next checkpoint()
  /// on.
  virtual void set_retention(EventRetention retention) = 0;
  /// Removes the rows that the request matches among those in parts, and their bytes from the disk, by
  /// writing the parts that hold some without them; returns how many went. Queries that began before still
  /// see them, and the files go with the last of these. Checkpoints go on meanwhile; merges and retention
  /// wait. What was published stays so after a crash; a call that did not answer is to be made again.
  /// checkpoint() first: rows of the head are left alone.
  virtual Result<std::uint64_t> erase(const storage::EraseRequest& request) = 0;
  /// For a table over its share of the disk: removes all parts of its oldest day, never those of its newest.
  /// Returns the bytes freed, 0 when there is only one day.
  virtual Result<std::uint64_t> drop_oldest_day(Table table) = 0;
  /// Reads and checks every byte of every part; damaged ones are quarantined.
  virtual Result<VerifyReport> verify() = 0;
  virtual EventDbStats stats() const = 0;
  virtual BackupFiles backup_files() = 0;
};

/// Opens or makes the store in `dir` (one process at a time: conflict). Removes what a crash left half-done;
/// a damaged part is quarantined, a damaged manifest is corruption.
Result<std::unique_ptr<EventDb>> open_eventdb(io::FileSystem& fs, std::string dir, EventDbOptions options,
                                              const Clock& clock, const Logger& log,
                                              MetricsRegistry& metrics);

}  // namespace telltale::eventdb
