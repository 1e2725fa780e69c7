#include "server/stores.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/upkeep_limits.hpp"
#include "errors/event_words.hpp"
#include "ingest/ingest.hpp"
#include "server/retention.hpp"

namespace telltale::server {
namespace {

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;
constexpr std::string_view kPartial = ".partial";  // a snapshot that is not whole yet

Result<> copy_file(io::FileSystem& fs, const std::string& from, const std::string& to) {
  TT_ASSIGN(const auto source, fs.open(from, io::OpenMode::read));
  TT_TRY(fs.make_dirs(io::parent_dir(to)));
  TT_ASSIGN(const auto target, fs.open(to, io::OpenMode::create_new));
  for (std::uint64_t offset = 0;; offset += kCopyBytes) {
    TT_ASSIGN(const auto bytes, source->read(offset, kCopyBytes));
    if (!bytes.empty()) TT_TRY(target->write(offset, bytes));
    if (bytes.size() < kCopyBytes) break;
  }
  TT_TRY(target->sync());
  return fs.sync_dir(io::parent_dir(to));
}

// The names of `dir` and of all its parents survive a crash after this.
Result<> sync_up(io::FileSystem& fs, std::string dir) {
  while (true) {
    TT_TRY(fs.sync_dir(dir));
    std::string parent = io::parent_dir(dir);
    if (parent == dir || parent.empty()) return {};
    dir = std::move(parent);
  }
}

// Every file below `from`, into the same place below `to`. One that goes meanwhile is left out.
Result<std::size_t> copy_tree(io::FileSystem& fs, const std::string& from, const std::string& to) {
  std::size_t copied = 0;
  TT_ASSIGN(const auto entries, fs.list(from));
  for (const auto& entry : entries) {
    const std::string source = io::join_path(from, entry.name);
    const std::string target = io::join_path(to, entry.name);
    if (entry.is_dir) {
      TT_ASSIGN(const auto below, copy_tree(fs, source, target));
      copied += below;
    } else {
      const auto done = copy_file(fs, source, target);
      if (!done && done.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(done.error());
      if (done) ++copied;
    }
  }
  return copied;
}

Result<> require_empty(io::FileSystem& fs, const std::string& dir) {
  TT_ASSIGN(const bool there, fs.exists(dir));
  if (!there) return fs.make_dirs(dir);
  TT_ASSIGN(const auto entries, fs.list(dir));
  if (entries.empty()) return {};
  return fail(ErrorKind::conflict, dir + ": the folder is not empty");
}

/// Whom the project's rules assign a new issue to.
std::string owner_by_rules(const errors::ProjectOwnership& ownership, ProjectId project,
                           const EventRow& row) {
  const auto rules = ownership.of(project);
  if (rules == nullptr) return {};
  // An error that came as a log record or a span has no payload.
  const auto input = ingest::stored_grouping_input(row.payload);
  const AttrValue* url = row.find("url.full");
  return rules->owner(errors::ownership_facts(input ? *input : errors::GroupingInput(),
                                              url == nullptr ? std::string() : to_string(*url)));
}

}  // namespace

Result<std::unique_ptr<Stores>> Stores::open(io::FileSystem& fs, const config::Config& config,
                                             errors::IssueListener on_issue, std::function<bool()> accepting,
                                             const Clock& clock, const Logger& log, MetricsRegistry& metrics,
                                             ingest::Pipeline::Tap tap) {
  const std::string& dir = config.server.data_dir;
  TT_TRY(fs.make_dirs(dir));
  std::unique_ptr<Stores> stores(new Stores(fs, dir));
  TT_ASSIGN(stores->lock_, fs.lock(io::join_path(dir, "LOCK")));
  {
    const MutexLock lock(stores->snapshot_mutex_);
    TT_TRY(stores->count_snapshots());
  }

  tsdb::TsdbOptions tsdb_options;
  TT_ASSIGN(tsdb_options.retention, metric_retention(config.retention));
  tsdb_options.series = {config.metrics.max_series, config.metrics.max_new_series_per_hour};
  TT_ASSIGN(stores->tsdb_,
            tsdb::open_tsdb(fs, io::join_path(dir, "tsdb"), tsdb_options, clock, log, metrics));
  eventdb::EventDbOptions event_options;
  TT_ASSIGN(event_options.retention, event_retention(config.retention));
  event_options.words = errors::event_word_indexing();
  {
    const MutexLock lock(stores->retention_mutex_);
    stores->event_retention_ = event_options.retention;
  }
  TT_ASSIGN(stores->eventdb_,
            eventdb::open_eventdb(fs, io::join_path(dir, "eventdb"), event_options, clock, log, metrics));
  TT_ASSIGN(stores->metadb_, metadb::open_metadb(fs, io::join_path(dir, "meta"), clock, log, metrics));
  TT_ASSIGN(stores->issues_, errors::IssueStore::open(*stores->metadb_, log, metrics));
  stores->issues_->set_listener(std::move(on_issue));
  TT_TRY(stores->ownership_.load(*stores->metadb_));
  stores->issues_->set_owner([&ownership = stores->ownership_](ProjectId project, const EventRow& row) {
    return owner_by_rules(ownership, project, row);
  });
  stores->issue_clock_ = std::make_unique<errors::IssueClock>(
      *stores->metadb_, clock, log,
      [&issues = *stores->issues_](const std::vector<errors::IssueEvent>& events) {
        issues.announce(events);
      });
  stores->environments_ = std::make_unique<errors::EnvironmentLearner>(*stores->eventdb_, *stores->metadb_);
  TT_ASSIGN(stores->log_metrics_, logmetrics::LogMetrics::open(*stores->metadb_, clock, log, metrics));
  TT_ASSIGN(stores->release_health_, health::ReleaseHealth::open(*stores->metadb_, clock, log, metrics));
  TT_ASSIGN(stores->monitors_, health::Monitors::open(*stores->metadb_, clock, log, metrics));
  TT_ASSIGN(stores->feedback_, health::FeedbackStore::open(*stores->metadb_, clock, metrics));
  TT_ASSIGN(stores->attachments_,
            health::Attachments::open(*stores->metadb_, fs, io::join_path(dir, "attachments"), clock, log,
                                      metrics));

  TT_ASSIGN(stores->usage_, quota::UsageStore::open(*stores->metadb_, clock, log));
  TT_ASSIGN(stores->metric_info_,
            metricinfo::MetricInfo::open(fs, io::join_path(dir, "metricinfo/info"), clock, log, metrics));

  io::JournalOptions journal_options;
  journal_options.segment_bytes = config.journal.segment_bytes;
  journal_options.dedup_window = config.ingest.dedup_window;
  TT_ASSIGN(stores->journal_,
            io::Journal::open(fs, io::join_path(dir, "journal"), journal_options, clock, log, metrics));
  stores->pipeline_ = std::make_unique<ingest::Pipeline>(
      *stores->journal_,
      std::vector<storage::DerivedStore*>{
          stores->tsdb_.get(), stores->eventdb_.get(), stores->issues_.get(), stores->log_metrics_.get(),
          stores->release_health_.get(), stores->monitors_.get(), stores->feedback_.get(),
          stores->attachments_.get(), stores->usage_.get(), stores->metric_info_.get()},
      *stores->tsdb_, std::move(accepting), clock, log, metrics);
  TT_TRY(stores->pipeline_->replay());
  TT_TRY(stores->monitors_->start());
  TT_TRY(stores->attachments_->start());
  stores->issues_->set_live(true);
  stores->pipeline_->set_tap(std::move(tap));
  stores->pipeline_->start();
  return stores;
}

Stores::~Stores() { stop(); }

void Stores::stop() {
  if (stopped_) return;
  stopped_ = true;
  if (journal_) journal_->stop();
  if (pipeline_) pipeline_->stop();
}

Nanos Stores::errors_kept(ProjectId project) {
  const MutexLock lock(retention_mutex_);
  const auto own = event_retention_.projects.find({Table::errors, project});
  if (own != event_retention_.projects.end()) return own->second;
  const auto all = event_retention_.tables.find(Table::errors);
  return all == event_retention_.tables.end() ? Nanos(0) : all->second;
}

Nanos Stores::longest_errors_kept() {
  const MutexLock lock(retention_mutex_);
  std::vector<Nanos> kept;
  if (event_retention_.tables.count(Table::errors) == 0) return Nanos(0);
  for (const auto& [table, keep] : event_retention_.tables)
    if (table == Table::errors) kept.push_back(keep);
  for (const auto& [of, keep] : event_retention_.projects)
    if (of.first == Table::errors) kept.push_back(keep);
  for (const auto& rule : event_retention_.rules)
    if (rule.table == Table::errors) kept.push_back(rule.keep);
  const auto [least, most] = std::minmax_element(kept.begin(), kept.end());
  return *least == Nanos(0) ? *least : *most;
}

void Stores::set_retention(tsdb::MetricRetention metrics, eventdb::EventRetention events) {
  {
    const MutexLock lock(retention_mutex_);
    event_retention_ = events;
  }
  tsdb_->set_retention(std::move(metrics));
  eventdb_->set_retention(std::move(events));
}

Result<> Stores::maintain() {
  TT_TRY(tsdb_->maintenance());
  TT_TRY(eventdb_->maintenance());
  TT_TRY(issue_clock_->prune(longest_errors_kept()));
  TT_TRY(release_health_->prune());
  TT_TRY(monitors_->prune());
  TT_TRY(feedback_->prune());
  TT_TRY(attachments_->prune([this](ProjectId project) { return errors_kept(project); }));
  TT_TRY(usage_->prune());
  return metadb_->compact_log();
}

Result<std::size_t> Stores::backup(const std::string& directory) {
  TT_TRY(require_empty(fs_, directory));
  TT_TRY(pipeline_->checkpoint(true));
  std::size_t copied = 0;
  const auto copy = [&]() -> Result<> {
    const auto numbers = tsdb_->backup_files();
    for (const auto& file : numbers.files) {
      TT_TRY(copy_file(fs_, io::join_path(io::join_path(dir_, "tsdb"), file),
                       io::join_path(io::join_path(directory, "tsdb"), file)));
    }
    TT_TRY(fs_.make_dirs(io::join_path(directory, "tsdb")));
    TT_TRY(io::publish_file(fs_, io::join_path(directory, "tsdb/MANIFEST"), numbers.manifest));
    const auto events = eventdb_->backup_files();
    for (const auto& file : events.files) {
      TT_TRY(copy_file(fs_, io::join_path(io::join_path(dir_, "eventdb"), file),
                       io::join_path(io::join_path(directory, "eventdb"), file)));
    }
    TT_TRY(fs_.make_dirs(io::join_path(directory, "eventdb")));
    TT_TRY(io::publish_file(fs_, io::join_path(directory, "eventdb/MANIFEST"), events.manifest));
    TT_TRY(fs_.make_dirs(io::join_path(directory, "meta")));
    TT_TRY(metadb_->backup(io::join_path(directory, "meta/meta.db")));
    std::size_t info = 0;
    TT_ASSIGN(const bool info_there, fs_.exists(metric_info_->path()));
    if (info_there) {
      TT_TRY(copy_file(fs_, metric_info_->path(), io::join_path(directory, "metricinfo/info")));
      info = 1;
    }
    // Last: the journal then reaches at least as far as every store, and the restored server replays the
    // rest.
    TT_ASSIGN(const auto segments,
              copy_tree(fs_, io::join_path(dir_, "journal"), io::join_path(directory, "journal")));
    // A record names its file only once that is there: behind the journal, every file that it names is.
    TT_ASSIGN(const auto attached,
              copy_tree(fs_, io::join_path(dir_, "attachments"), io::join_path(directory, "attachments")));
    copied = numbers.files.size() + events.files.size() + 3 + info + segments + attached;
    return {};
  };
  TT_TRY(pipeline_->without_checkpoints(copy));
  TT_TRY(sync_up(fs_, directory));
  return copied;
}

Result<std::size_t> Stores::count_snapshots() {
  std::size_t whole = 0;
  const std::string all = snapshots_dir();
  TT_ASSIGN(const bool there, fs_.exists(all));
  if (!there) return whole;
  TT_ASSIGN(const auto entries, fs_.list(all));
  for (const auto& entry : entries) {
    if (entry.name.ends_with(kPartial)) {
      TT_TRY(fs_.remove_all(io::join_path(all, entry.name)));
    } else if (entry.is_dir) {
      ++whole;
    }
  }
  return whole;
}

Result<> Stores::snapshot(const std::string& name) {
  const MutexLock lock(snapshot_mutex_);
  TT_ASSIGN(const std::size_t kept, count_snapshots());
  if (kept >= limits::kMaxSnapshots)
    return fail(ErrorKind::resource_exhausted,
                fmt::format("there are {} snapshots already: remove some below {}", kept, snapshots_dir()));
  const std::string whole = io::join_path(snapshots_dir(), name);
  TT_ASSIGN(const bool there, fs_.exists(whole));
  if (there) return fail(ErrorKind::conflict, whole + ": is there already");
  const std::string partial = whole + std::string(kPartial);
  auto done = backup(partial);
  if (!done) {
    (void)fs_.remove_all(partial);  // a full disk wants its space back
    return tl::unexpected<Error>(std::move(done).error());
  }
  TT_TRY(fs_.rename(partial, whole));
  return sync_up(fs_, snapshots_dir());
}

Result<std::vector<std::string>> Stores::verify() {
  std::vector<std::string> damage;
  TT_ASSIGN(const auto numbers, tsdb_->verify());
  for (const auto& line : numbers) damage.push_back("tsdb: " + line);
  TT_ASSIGN(const auto events, eventdb_->verify());
  for (const auto& file : events.damaged) damage.push_back("eventdb: " + file);
  if (const auto records = metadb_->verify(); !records)
    damage.push_back("meta: " + records.error().message());
  TT_ASSIGN(const auto attached, attachments_->verify());
  for (const auto& line : attached) damage.push_back("attachments: " + line);
  if (const auto info = metric_info_->verify(); !info) damage.push_back(info.error().message());
  TT_ASSIGN(const auto journal, journal_->verify());
  for (const auto& line : journal) damage.push_back("journal: " + line);
  return damage;
}

Result<std::size_t> restore(io::FileSystem& fs, const std::string& backup, const std::string& data_dir) {
  TT_ASSIGN(const bool there, fs.exists(io::join_path(backup, "meta/meta.db")));
  if (!there) return fail(ErrorKind::not_found, backup + ": not a backup (meta/meta.db is missing)");
  TT_TRY(require_empty(fs, data_dir));
  TT_ASSIGN(const std::size_t copied, copy_tree(fs, backup, data_dir));
  TT_TRY(sync_up(fs, data_dir));
  return copied;
}

}  // namespace telltale::server
