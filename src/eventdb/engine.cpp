#include "eventdb/engine.hpp"

#include <algorithm>
#include <thread>

namespace telltale::eventdb {

namespace {

constexpr std::string_view kQuarantineDir = "quarantine";
constexpr std::size_t kMaxQueuedHelpers = 256;

/// Threads beside the one that asks.
std::size_t query_helpers() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 9) - 1; }

bool is_store_file(std::string_view name) {
  return name.find(".part") != std::string_view::npos || name.starts_with("MANIFEST.");
}

/// A new folder's name is as much in need of a sync as a file's; the last one is synced in any case, because
/// an earlier start may have died in between.
Result<> make_dirs_durably(io::FileSystem& fs, const std::string& dir) {
  std::vector<std::string> parents{io::parent_dir(dir)};
  for (std::string at = parents.back(); !at.empty() && at != "." && at != "/"; at = io::parent_dir(at)) {
    TT_ASSIGN(const bool exists, fs.exists(at));
    if (exists) break;
    parents.push_back(io::parent_dir(at));
  }
  TT_TRY(fs.make_dirs(dir));
  for (const std::string& parent : parents) TT_TRY(fs.sync_dir(parent.empty() ? "." : parent));
  return {};
}

}  // namespace

Result<std::unique_ptr<EventDb>> open_eventdb(io::FileSystem& fs, std::string dir, EventDbOptions options,
                                              const Clock& clock, const Logger& log,
                                              MetricsRegistry& metrics) {
  auto engine = std::make_unique<Engine>(fs, std::move(dir), std::move(options), clock, log, metrics);
  TT_TRY(engine->open());
  return engine;
}

Engine::Engine(io::FileSystem& fs, std::string dir, EventDbOptions options, const Clock& clock,
               const Logger& log, MetricsRegistry& metrics)
    : fs_(fs),
      dir_(std::move(dir)),
      options_(std::move(options)),
      clock_(clock),
      log_(log),
      query_helpers_(query_helpers()),
      query_pool_("eventdb-query", query_helpers_, kMaxQueuedHelpers),
      head_rows_gauge_(metrics.gauge("telltale_eventdb_head_rows", "Event rows not yet in parts.")),
      head_bytes_gauge_(
          metrics.gauge("telltale_eventdb_head_bytes", "Memory held by event rows not yet in parts.")),
      parts_gauge_(metrics.gauge("telltale_eventdb_parts", "Published event parts.")),
      quarantined_counter_(
          metrics.counter("telltale_eventdb_quarantined_total", "Damaged event parts moved aside.")),
      checkpoint_seconds_(
          metrics.histogram("telltale_eventdb_checkpoint_seconds", "Time to write the head as parts.")),
      merge_seconds_(metrics.histogram("telltale_eventdb_merge_seconds", "Time to merge event parts.")),
      copied_blocks_(metrics.counter("telltale_eventdb_copied_blocks_total",
                                     "Blocks of rows that merges took over as they were.")),
      head_(options_.chunk_rows),
      retention_(options_.retention) {}

Engine::~Engine() = default;

Result<> Engine::open() {
  TT_TRY(make_dirs_durably(fs_, dir_));
  TT_TRY(fs_.make_dirs(io::join_path(dir_, kQuarantineDir)));
  TT_TRY(fs_.sync_dir(dir_));
  TT_ASSIGN(lock_, fs_.lock(io::join_path(dir_, "LOCK")));
  Manifest manifest;
  const std::string path = io::join_path(dir_, kManifestName);
  TT_ASSIGN(const bool exists, fs_.exists(path));
  if (exists) {
    TT_ASSIGN(const std::string bytes, io::read_file(fs_, path));
    auto decoded = Manifest::decode(bytes);
    if (!decoded) return tl::unexpected<Error>(std::move(decoded).error().within(dir_));
    manifest = *std::move(decoded);
  }
  MutexLock writer(writer_mutex_);
  TT_TRY(remove_orphans(manifest.parts));
  durable_ordinal_ = manifest.next_ordinal;
  {
    MutexLock lock(mutex_);
    next_part_ = manifest.next_part;
    applied_ = durable_ = manifest.applied;
    next_ordinal_ = manifest.next_ordinal;
    TT_ASSIGN(const auto aside, fs_.list(io::join_path(dir_, kQuarantineDir)));
    for (const io::FileInfo& file : aside) quarantined_.push_back(file.name);
  }
  TT_TRY(open_parts(manifest.parts));
  update_gauges();
  return {};
}

Result<> Engine::remove_orphans(const std::vector<std::string>& keep) {
  TT_ASSIGN(const auto files, fs_.list(dir_));
  for (const io::FileInfo& file : files) {
    if (file.is_dir || !is_store_file(file.name)) continue;
    if (std::find(keep.begin(), keep.end(), file.name) != keep.end()) continue;
    TT_TRY(fs_.remove(io::join_path(dir_, file.name)));
    log_.info("event store: removed what a crash left", {{"file", file.name}});
  }
  return {};
}

Result<> Engine::open_parts(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    auto part = Part::open(fs_, dir_, name, log_);
    if (part) {
      MutexLock lock(mutex_);
      parts_.push_back(*std::move(part));
      continue;
    }
    const ErrorKind kind = part.error().kind();
    if (kind != ErrorKind::corruption && kind != ErrorKind::not_found)
      return tl::unexpected<Error>(std::move(part).error());
    log_.error("event part cannot be used", {{"file", name}, {"reason", part.error().message()}});
    if (kind == ErrorKind::corruption) TT_TRY(set_aside(name));
  }
  return {};
}

Result<> Engine::set_aside(const std::string& name) {
  const std::string to_dir = io::join_path(dir_, kQuarantineDir);
  TT_TRY(fs_.rename(io::join_path(dir_, name), io::join_path(to_dir, name)));
  TT_TRY(fs_.sync_dir(to_dir));
  TT_TRY(fs_.sync_dir(dir_));
  quarantined_counter_.add();
  log_.error("event part quarantined", {{"file", name}});
  MutexLock lock(mutex_);
  quarantined_.push_back(name);
  return {};
}

Result<> Engine::apply_shared(Sequence sequence, std::shared_ptr<const storage::Batch> batch) {
  std::vector<std::pair<Table, HeadSlice>> full;
  {
    MutexLock lock(mutex_);
    if (sequence <= applied_) return {};
    if (head_.rows() == 0) head_since_ = clock_.steady();
    for (const Table table : kTables)
      head_.add(table, batch, next_ordinal_[static_cast<std::size_t>(table) - 1], full);
    applied_ = sequence;
  }
  // Outside of the lock: a full chunk does not change any more, and queries go on reading its rows.
  for (const auto& [table, slice] : full) {
    TT_ASSIGN(auto block, make_head_block(slice, words_of(table)));
    MutexLock lock(mutex_);
    head_.replace(table, slice, std::move(block));
  }
  update_gauges();
  return {};
}

Sequence Engine::applied() const {
  MutexLock lock(mutex_);
  return applied_;
}

Sequence Engine::durable() const {
  MutexLock lock(mutex_);
  return durable_;
}

bool Engine::wants_checkpoint() const {
  MutexLock lock(mutex_);
  if (head_.rows() == 0) return false;
  return head_.rows() >= options_.head_max_rows || head_.bytes() >= options_.head_max_bytes ||
         clock_.steady() - head_since_ >= options_.head_max_age;
}

void Engine::update_gauges() const {
  MutexLock lock(mutex_);
  head_rows_gauge_.set(static_cast<double>(head_.rows()));
  head_bytes_gauge_.set(static_cast<double>(head_.bytes()));
  parts_gauge_.set(static_cast<double>(parts_.size()));
}

EventDbStats Engine::stats() const {
  MutexLock lock(mutex_);
  EventDbStats out;
  out.head_rows = head_.rows();
  out.head_bytes = head_.bytes();
  out.parts = parts_.size();
  for (const Table table : kTables) out.disk_bytes[table] = 0;
  for (const auto& part : parts_) {
    out.part_rows += part->rows();
    out.part_memory_bytes += part->memory_bytes();
    out.disk_bytes[part->table()] += part->file_bytes();
  }
  out.quarantined = quarantined_;
  return out;
}

BackupFiles Engine::backup_files() {
  MutexLock writer(writer_mutex_);
  MutexLock lock(mutex_);
  BackupFiles out;
  out.sequence = durable_;
  Manifest manifest{durable_, next_part_, durable_ordinal_, {}};
  auto pin = std::make_shared<Parts>();
  for (const auto& part : parts_) {
    if (part->damaged()) continue;
    manifest.parts.push_back(part->name());
    pin->push_back(part);
  }
  out.files = manifest.parts;
  out.manifest = manifest.encode();
  out.pin = std::move(pin);
  return out;
}

}  // namespace telltale::eventdb
