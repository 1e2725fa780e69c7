// Appends queue up; one commit thread takes all that wait, writes them at the end of the newest segment with
// one write and one sync, hands them to the sink and wakes their callers.
//
// A failed write is cut off again and the cut synced. When that fails, or a sync failed (after which the
// kernel may have dropped the bytes and still report success), the file is never written again: a new segment
// begins, and its name says from which sequence on the old one no longer counts.
#include "io/journal.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/mutex.hpp"
#include "base/thread_pool.hpp"
#include "io/dedup_window.hpp"
#include "io/journal_segment.hpp"

namespace telltale::io {
namespace {

constexpr std::size_t kMaxGroupBytes = std::size_t{8} << 20;
constexpr std::string_view kIdsSuffix = ".ids";

struct Segment {
  Sequence first;
  Sequence last;  // first-1 when it holds none
  std::uint64_t bytes = 0;
  bool damaged = false;
};

struct PendingAppend {
  std::string payload;
  std::span<const Id128> ids;  // the caller waits, so they stay
  Attachment attachment;
  Sequence sequence;
  Result<> outcome;
  bool done = false;
  CondVar finished;
};

struct JournalMetrics {
  explicit JournalMetrics(MetricsRegistry& r)
      : append_seconds(
            r.histogram("telltale_journal_append_seconds", "From append() to durable and applied.")),
        sync_seconds(r.histogram("telltale_journal_sync_seconds", "One fdatasync of the journal.")),
        groups(r.counter("telltale_journal_groups_total", "Groups of records made durable by one sync.")),
        records(r.counter("telltale_journal_records_total", "Records made durable.")),
        written_bytes(r.counter("telltale_journal_written_bytes_total", "Bytes of durable records.")),
        failures(r.counter("telltale_journal_failed_groups_total", "Groups that could not be made durable.")),
        duplicates(r.counter("telltale_journal_duplicates_total", "Client ids refused as already taken.")),
        damaged(r.counter("telltale_journal_damaged_segments_total", "Segments found with damaged records.")),
        group_size(r.gauge("telltale_journal_last_group_records", "Records in the newest group.")),
        queued_bytes(r.gauge("telltale_journal_queued_bytes", "Bytes accepted and not yet durable.")),
        kept_bytes(r.gauge("telltale_journal_bytes", "Bytes of all segments.")) {}
  LatencyHistogram& append_seconds;
  LatencyHistogram& sync_seconds;
  Counter& groups;
  Counter& records;
  Counter& written_bytes;
  Counter& failures;
  Counter& duplicates;
  Counter& damaged;
  Gauge& group_size;
  Gauge& queued_bytes;
  Gauge& kept_bytes;
};

double seconds_of(Nanos d) { return static_cast<double>(d.count()) * 1e-9; }

class SegmentedJournal final : public Journal {
 public:
  SegmentedJournal(FileSystem& fs, std::string dir, JournalOptions options, const Clock& clock,
                   const Logger& log, MetricsRegistry& metrics)
      : fs_(fs),
        dir_(std::move(dir)),
        options_(options),
        clock_(clock),
        log_(log),
        metrics_(metrics),
        dedup_(options.dedup_window, options.dedup_max_ids) {}
  ~SegmentedJournal() override { stop(); }

  Result<> recover();
  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void set_sink(Sink sink) override {
    MutexLock lock(mutex_);
    sink_ = std::make_shared<const Sink>(std::move(sink));
  }
  Result<Sequence> append(std::string payload, std::span<const Id128> client_ids,
                          Attachment attachment) override;
  Admission admit(Id128 client_id) override {
    if (dedup_.admit(client_id, clock_.now())) return Admission::fresh;
    metrics_.duplicates.add();
    return Admission::duplicate;
  }
  void forget(Id128 client_id) override { dedup_.forget(client_id); }
  Result<> replay(Sequence after, const std::function<Result<>(Sequence, std::string_view)>& apply) override;
  Result<> release(Sequence upto) override;
  void cut() override { cut_ = true; }
  Result<std::vector<std::string>> verify() override;
  Sequence durable() const override {
    MutexLock lock(mutex_);
    return durable_;
  }
  Sequence oldest() const override {
    MutexLock lock(mutex_);
    for (const Segment& segment : segments_) {
      if (segment.last >= segment.first) return segment.first;
    }
    return {durable_.value + 1};
  }
  std::uint64_t bytes() const override {
    MutexLock lock(mutex_);
    return sum_bytes();
  }
  void stop() override;

 private:
  using Group = std::vector<PendingAppend*>;

  std::uint64_t sum_bytes() const TT_REQUIRES(mutex_) {
    std::uint64_t sum = 0;
    for (const Segment& segment : segments_) sum += segment.bytes;
    return sum;
  }
  std::string path_of(Sequence first) const { return join_path(dir_, segment_name(first)); }
  Result<> load_ids(const std::vector<FileInfo>& files) TT_REQUIRES(release_mutex_);
  Result<> drop_old_ids() TT_REQUIRES(release_mutex_);
  static bool intact_ids(std::string_view bytes);
  Result<SegmentScan> load_segment(Segment& segment, Sequence limit, std::string& bytes);
  Result<> keep_ids(const Segment& segment) TT_REQUIRES(release_mutex_);
  void run();
  Result<> commit(const Group& group);
  Result<> begin_segment(Sequence first);
  Result<> write_group(const std::string& bytes);
  void report(const Result<>& outcome);
  void finish(const Group& group, const Result<>& outcome);

  FileSystem& fs_;
  const std::string dir_;
  const JournalOptions options_;
  const Clock& clock_;
  const Logger& log_;
  JournalMetrics metrics_;
  DedupWindow dedup_;
  std::thread thread_;

  std::atomic<bool> cut_{false};
  // Of the commit thread, after recover().
  std::unique_ptr<File> file_;  // null: the next group begins a segment
  std::uint64_t end_ = 0;       // of the good bytes in file_
  std::uint64_t failing_ = 0;   // groups since the last durable one

  // What a released segment left of client ids.
  struct IdsFile {
    std::string path;
    UnixNanos newest;
  };
  Mutex release_mutex_;  // one release at a time
  std::vector<IdsFile> ids_files_ TT_GUARDED_BY(release_mutex_);
  bool names_changed_ TT_GUARDED_BY(release_mutex_) = false;  // since the folder was synced
  mutable Mutex mutex_;
  CondVar wake_;
  std::shared_ptr<const Sink> sink_ TT_GUARDED_BY(mutex_);
  std::deque<Segment> segments_ TT_GUARDED_BY(mutex_);
  Sequence durable_ TT_GUARDED_BY(mutex_);
  std::deque<PendingAppend*> queue_ TT_GUARDED_BY(mutex_);
  std::size_t queued_bytes_ TT_GUARDED_BY(mutex_) = 0;
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
};

// --- opening
// ----------------------------------------------------------------------------------------------------

Result<> SegmentedJournal::recover() {
  MutexLock one(release_mutex_);
  MutexLock lock(mutex_);
  TT_TRY(fs_.make_dirs(dir_));
  TT_TRY(fs_.sync_dir(parent_dir(dir_)));
  TT_ASSIGN(const auto files, fs_.list(dir_));
  TT_TRY(load_ids(files));
  for (const FileInfo& file : files) {
    if (const Sequence first = segment_first(file.name); first.value != 0)
      segments_.push_back({first, {}, file.size});
  }
  std::string bytes;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    const bool newest = i + 1 == segments_.size();
    const Sequence limit = newest ? Sequence{UINT64_MAX} : segments_[i + 1].first;
    auto scan = load_segment(segment, limit, bytes);
    if (!scan) return tl::unexpected<Error>(std::move(scan).error().within(path_of(segment.first)));
    const bool short_of_next = !newest && scan->last.value + 1 < limit.value;
    if (scan->first_damage != 0 || short_of_next) {
      segment.damaged = true;
      metrics_.damaged.add();
      const std::uint64_t where = scan->first_damage != 0 ? scan->first_damage : scan->good_end;
      log_.error("journal segment has damaged records, which are skipped",
                 {{"file", path_of(segment.first)}, {"offset", where}});
    }
    durable_ = std::max(durable_, segment.last);
    if (!newest || segment.damaged) continue;
    TT_ASSIGN(file_, fs_.open(path_of(segment.first), OpenMode::write_existing));
    if (segment.bytes > scan->good_end) {
      log_.warn("journal: a torn tail was dropped",
                {{"file", path_of(segment.first)}, {"bytes", segment.bytes - scan->good_end}});
      TT_TRY(file_->truncate(scan->good_end));
      segment.bytes = scan->good_end;
    }
    // After a kill the bytes may stand in the page cache only, and they are about to be served.
    TT_TRY(file_->sync());
    end_ = segment.bytes;
  }
  metrics_.kept_bytes.set(static_cast<double>(sum_bytes()));
  return {};
}

// `bytes` is room for the file, the same for every segment: fresh memory would cost more than the reading.
Result<SegmentScan> SegmentedJournal::load_segment(Segment& segment, Sequence limit, std::string& bytes) {
  TT_TRY(read_file(fs_, path_of(segment.first), bytes));
  segment.bytes = bytes.size();
  const UnixNanos since = clock_.now() - options_.dedup_window;
  std::vector<Id128> ids;
  TT_ASSIGN(const SegmentScan scan,
            scan_segment(bytes, segment.first, limit, [&](const SegmentRecord& r) -> Result<> {
              if (r.accepted < since || r.ids.empty()) return {};
              ids.clear();
              for (std::size_t i = 0; i < r.id_count(); ++i) ids.push_back(r.id(i));
              dedup_.commit(ids, r.accepted);
              return {};
            }));
  segment.last = scan.last;
  return scan;
}

/// A side file: (accepted, id) of one released segment, checksum last.
Result<> SegmentedJournal::load_ids(const std::vector<FileInfo>& files) {
  const UnixNanos since = clock_.now() - options_.dedup_window;
  for (const FileInfo& info : files) {
    if (!info.name.ends_with(kIdsSuffix)) continue;
    const std::string path = join_path(dir_, info.name);
    TT_ASSIGN(const std::string bytes, read_file(fs_, path));
    if (!intact_ids(bytes)) {
      log_.error("journal: a damaged file of client ids is ignored; retries may count twice",
                 {{"file", path}});
      (void)fs_.rename(path, path + ".damaged");
      continue;
    }
    UnixNanos newest;
    for (ByteReader in(std::string_view(bytes).substr(0, bytes.size() - 4)); !in.empty() && in.ok();) {
      const UnixNanos accepted{static_cast<std::int64_t>(in.u64())};
      Id128 id;
      id.hi = in.u64();
      id.lo = in.u64();
      if (!in.ok()) continue;
      newest = std::max(newest, accepted);
      if (accepted >= since) dedup_.commit({&id, 1}, accepted);
    }
    ids_files_.push_back({path, newest});
  }
  return {};
}

bool SegmentedJournal::intact_ids(std::string_view bytes) {
  const std::string_view body = bytes.substr(0, bytes.size() - std::min<std::size_t>(4, bytes.size()));
  ByteReader tail(bytes.substr(body.size()));
  const std::uint32_t checksum = tail.u32();
  return tail.ok() && checksum == crc32c(body);
}

// --- appending
// --------------------------------------------------------------------------------------------------

Result<Sequence> SegmentedJournal::append(std::string payload, std::span<const Id128> client_ids,
                                          Attachment attachment) {
  const Nanos begun = clock_.steady();
  const std::size_t size = payload.size() + client_ids.size() * sizeof(Id128);
  const auto refuse = [&](ErrorKind kind, std::string message) {
    for (const Id128& id : client_ids) dedup_.forget(id);
    return fail(kind, std::move(message));
  };
  if (size > options_.max_record_bytes)
    return refuse(ErrorKind::too_large, "journal: a record of " + std::to_string(size) +
                                            " bytes is over the limit of " +
                                            std::to_string(options_.max_record_bytes));
  PendingAppend pending;
  pending.payload = std::move(payload);
  pending.ids = client_ids;
  pending.attachment = std::move(attachment);
  {
    MutexLock lock(mutex_);
    if (stopping_) return refuse(ErrorKind::unavailable, "journal: stopping");
    if (queued_bytes_ > 0 && queued_bytes_ + size > options_.max_queued_bytes)
      return refuse(ErrorKind::resource_exhausted, "journal: the queue is full");
    queue_.push_back(&pending);
    queued_bytes_ += size;
    metrics_.queued_bytes.set(static_cast<double>(queued_bytes_));
    wake_.notify_one();
    while (!pending.done) pending.finished.wait(mutex_);
  }
  metrics_.append_seconds.observe(seconds_of(clock_.steady() - begun));
  if (!pending.outcome) return tl::unexpected<Error>(std::move(pending.outcome).error());
  return pending.sequence;
}

void SegmentedJournal::run() {
  name_thread("journal");
  for (;;) {
    Group group;
    std::size_t size = 0;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      while (!queue_.empty() && (group.empty() || size + queue_.front()->payload.size() <= kMaxGroupBytes)) {
        size += queue_.front()->payload.size();
        group.push_back(queue_.front());
        queue_.pop_front();
      }
    }
    const Result<> outcome = commit(group);
    report(outcome);
    finish(group, outcome);
  }
}

// A full disk fails every group for as long as it lasts: the first one and the end of it are told, not each.
void SegmentedJournal::report(const Result<>& outcome) {
  if (outcome) {
    if (failing_ > 0) log_.info("journal: records are made durable again", {{"failed_groups", failing_}});
    failing_ = 0;
    return;
  }
  metrics_.failures.add();
  if (failing_++ > 0) return;
  log_.error("journal: records cannot be made durable", {{"reason", outcome.error().message()}});
}

Result<> SegmentedJournal::commit(const Group& group) {
  Sequence next{durable().value + 1};
  const bool full = end_ >= options_.segment_bytes || cut_.exchange(false);
  if (!file_ || (end_ > kSegmentHeaderBytes && full)) TT_TRY(begin_segment(next));
  std::string bytes;
  const UnixNanos now = clock_.now();
  for (PendingAppend* pending : group) {
    pending->sequence = next;
    append_record(bytes, next, now, pending->ids, pending->payload);
    ++next.value;
  }
  TT_TRY(write_group(bytes));
  std::shared_ptr<const Sink> sink;
  {
    MutexLock lock(mutex_);
    durable_ = group.back()->sequence;
    segments_.back().last = durable_;
    segments_.back().bytes = end_;
    sink = sink_;
    metrics_.kept_bytes.set(static_cast<double>(sum_bytes()));
  }
  metrics_.groups.add();
  metrics_.records.add(group.size());
  metrics_.written_bytes.add(bytes.size());
  metrics_.group_size.set(static_cast<double>(group.size()));
  for (const PendingAppend* pending : group) {
    dedup_.commit(pending->ids, now);
    if (sink && *sink) (*sink)(pending->sequence, pending->attachment);
  }
  return {};
}

Result<> SegmentedJournal::write_group(const std::string& bytes) {
  Result<> written = file_->write(end_, bytes);
  bool trusted = true;
  if (written) {
    const Nanos begun = clock_.steady();
    written = file_->sync();
    metrics_.sync_seconds.observe(seconds_of(clock_.steady() - begun));
    trusted = written.has_value();
  }
  if (written) {
    end_ += bytes.size();
    return {};
  }
  // Nobody was told that these records are there; take them out again before saying so.
  const bool cut = file_->truncate(end_).has_value() && file_->sync().has_value();
  if (!cut || !trusted) {
    file_.reset();
    if (auto fresh = begin_segment({durable().value + 1}); !fresh)
      log_.warn("journal: no new segment yet", {{"reason", fresh.error().message()}});
  }
  return written;
}

/// Durable with its name before a record goes in.
Result<> SegmentedJournal::begin_segment(Sequence first) {
  file_.reset();
  const std::string path = path_of(first);
  {
    // The newest segment may begin at the same sequence and hold nothing that counts: then it is replaced.
    MutexLock lock(mutex_);
    if (!segments_.empty() && segments_.back().first == first) segments_.pop_back();
  }
  const std::string header = segment_header(first);
  TT_TRY(publish_file(fs_, path, header));
  TT_ASSIGN(file_, fs_.open(path, OpenMode::write_existing));
  end_ = header.size();
  MutexLock lock(mutex_);
  segments_.push_back({first, {first.value - 1}, end_});
  return {};
}

void SegmentedJournal::finish(const Group& group, const Result<>& outcome) {
  if (!outcome) {
    for (const PendingAppend* pending : group) {
      for (const Id128& id : pending->ids) dedup_.forget(id);
    }
  }
  MutexLock lock(mutex_);
  for (PendingAppend* pending : group) {
    queued_bytes_ -= pending->payload.size() + pending->ids.size() * sizeof(Id128);
    pending->outcome = outcome;
    pending->done = true;
    pending->finished
        .notify_one();  // under the lock: the caller owns `pending` and goes as soon as it has it
  }
  metrics_.queued_bytes.set(static_cast<double>(queued_bytes_));
}

// --- reading and releasing
// --------------------------------------------------------------------------------------

Result<> SegmentedJournal::replay(Sequence after,
                                  const std::function<Result<>(Sequence, std::string_view)>& apply) {
  std::deque<Segment> segments;
  Sequence durable;
  {
    MutexLock lock(mutex_);
    segments = segments_;
    durable = durable_;
  }
  std::string bytes;
  for (const Segment& segment : segments) {
    if (segment.last <= after || segment.last < segment.first) continue;
    TT_TRY(read_file(fs_, path_of(segment.first), bytes));
    const Sequence limit{std::min(segment.last, durable).value + 1};
    const auto scan = scan_segment(bytes, segment.first, limit, [&](const SegmentRecord& record) -> Result<> {
      return record.sequence <= after ? Result<>() : apply(record.sequence, record.payload);
    });
    if (!scan) return tl::unexpected<Error>(scan.error());
  }
  return {};
}

Result<> SegmentedJournal::release(Sequence upto) {
  MutexLock one(release_mutex_);
  for (;;) {
    Segment segment;
    {
      MutexLock lock(mutex_);
      // The newest stays: its name keeps the sequence.
      if (segments_.size() < 2 || segments_.front().last > upto) break;
      segment = segments_.front();
    }
    TT_TRY(keep_ids(segment));
    const std::string path = path_of(segment.first);
    names_changed_ = true;
    TT_TRY(segment.damaged ? fs_.rename(path, path + ".damaged") : fs_.remove(path));
    MutexLock lock(mutex_);
    segments_.pop_front();
    metrics_.kept_bytes.set(static_cast<double>(sum_bytes()));
  }
  TT_TRY(drop_old_ids());
  if (!names_changed_) return {};
  TT_TRY(fs_.sync_dir(dir_));
  names_changed_ = false;
  return {};
}

/// Files all of whose ids the dedup window has left behind.
Result<> SegmentedJournal::drop_old_ids() {
  const UnixNanos since = clock_.now() - options_.dedup_window;
  for (auto file = ids_files_.begin(); file != ids_files_.end();) {
    if (file->newest >= since) {
      ++file;
      continue;
    }
    names_changed_ = true;
    if (auto gone = fs_.remove(file->path); !gone && gone.error().kind() != ErrorKind::not_found) return gone;
    file = ids_files_.erase(file);
  }
  return {};
}

Result<std::vector<std::string>> SegmentedJournal::verify() {
  MutexLock one(release_mutex_);  // no file goes meanwhile
  std::deque<Segment> segments;
  {
    MutexLock lock(mutex_);
    segments = segments_;
  }
  std::vector<std::string> damage;
  for (const Segment& segment : segments) {
    const std::string path = path_of(segment.first);
    TT_ASSIGN(const std::string bytes, read_file(fs_, path));
    // A newer group may be on its way behind the last durable record.
    const auto scan = scan_segment(bytes, segment.first, {segment.last.value + 1},
                                   [](const SegmentRecord&) -> Result<> { return {}; });
    if (!scan) {
      damage.push_back(path + ": " + scan.error().message());
    } else if (segment.damaged || scan->first_damage != 0 || scan->last < segment.last) {
      const std::uint64_t where = scan->first_damage != 0 ? scan->first_damage : scan->good_end;
      damage.push_back(path + " at " + std::to_string(where) + ": a damaged record");
    }
  }
  TT_ASSIGN(const auto files, fs_.list(dir_));
  for (const FileInfo& file : files) {
    if (!file.name.ends_with(kIdsSuffix)) continue;
    TT_ASSIGN(const std::string bytes, read_file(fs_, join_path(dir_, file.name)));
    if (!intact_ids(bytes)) damage.push_back(join_path(dir_, file.name) + ": damaged client ids");
  }
  return damage;
}

Result<> SegmentedJournal::keep_ids(const Segment& segment) {
  TT_ASSIGN(const std::string bytes, read_file(fs_, path_of(segment.first)));
  const UnixNanos since = clock_.now() - options_.dedup_window;
  ByteWriter out;
  UnixNanos newest;
  TT_TRY(scan_segment(bytes, segment.first, {segment.last.value + 1},
                      [&](const SegmentRecord& record) -> Result<> {
                        newest = std::max(newest, record.accepted);
                        for (std::size_t i = 0; record.accepted >= since && i < record.id_count(); ++i) {
                          const Id128 id = record.id(i);
                          out.u64(static_cast<std::uint64_t>(record.accepted.ns));
                          out.u64(id.hi);
                          out.u64(id.lo);
                        }
                        return {};
                      })
             .map([](const SegmentScan&) {}));
  if (out.size() == 0) return {};
  out.u32(crc32c(out.view()));
  const std::string path = path_of(segment.first) + std::string(kIdsSuffix);
  TT_TRY(publish_file(fs_, path, out.view()));
  const auto same = [&](const IdsFile& file) { return file.path == path; };  // a release that is tried again
  if (std::none_of(ids_files_.begin(), ids_files_.end(), same)) ids_files_.push_back({path, newest});
  return {};
}

void SegmentedJournal::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  MutexLock one(release_mutex_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& fs, std::string dir, JournalOptions options,
                                               const Clock& clock, const Logger& log,
                                               MetricsRegistry& metrics) {
  auto journal = std::make_unique<SegmentedJournal>(fs, std::move(dir), options, clock, log, metrics);
  TT_TRY(journal->recover());
  journal->start();
  return journal;
}

}  // namespace telltale::io
