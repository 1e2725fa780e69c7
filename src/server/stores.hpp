// The data folder, opened: lock, journal, the three stores and the pipeline that feeds them, replayed up to
// the journal's end. Everything goes through the given FileSystem, so that the crash tests run the very same
// wiring.
//
//   <dir>/LOCK  journal/  tsdb/  eventdb/  meta/  attachments/  metricinfo/  snapshots/
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "config/config.hpp"
#include "errors/environments.hpp"
#include "errors/issue_clock.hpp"
#include "errors/issue_store.hpp"
#include "errors/ownership.hpp"
#include "eventdb/eventdb.hpp"
#include "health/attachments.hpp"
#include "health/feedback.hpp"
#include "health/monitors.hpp"
#include "health/release_health.hpp"
#include "ingest/pipeline.hpp"
#include "io/file_system.hpp"
#include "io/journal.hpp"
#include "logmetrics/log_metrics.hpp"
#include "metadb/metadb.hpp"
#include "metricinfo/metric_info.hpp"
#include "quota/usage.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::server {

/// Members are in the order of construction; stop() ends them the other way round.
class Stores {
 public:
  /// conflict when another server has the folder. `tap` sees every batch accepted from now on
  /// (Pipeline::set_tap).
  static Result<std::unique_ptr<Stores>> open(io::FileSystem& fs, const config::Config& config,
                                              errors::IssueListener on_issue, std::function<bool()> accepting,
                                              const Clock& clock, const Logger& log, MetricsRegistry& metrics,
                                              ingest::Pipeline::Tap tap = {});
  ~Stores();

  /// Refuses new batches, applies and checkpoints what is there. Idempotent.
  void stop();
  /// Holds from the next maintain() on.
  void set_retention(tsdb::MetricRetention metrics, eventdb::EventRetention events);
  /// Merges, retention, compaction of the records' log.
  Result<> maintain();
  /// A consistent copy into the new or empty folder `directory`, while running; returns the number of files.
  Result<std::size_t> backup(const std::string& directory);
  /// The same into `<dir>/snapshots/<name>`, which is there whole or not at all. conflict when it is there,
  /// resource_exhausted beyond limits::kMaxSnapshots of them.
  Result<> snapshot(const std::string& name);
  /// Reads every checksum of every store; one line a damage.
  Result<std::vector<std::string>> verify();

  io::Journal& journal() { return *journal_; }
  tsdb::Tsdb& metrics() { return *tsdb_; }
  eventdb::EventDb& events() { return *eventdb_; }
  metadb::MetaDb& records() { return *metadb_; }
  errors::IssueClock& issue_clock() { return *issue_clock_; }
  errors::EnvironmentLearner& environments() { return *environments_; }
  errors::ProjectOwnership& ownership() { return ownership_; }
  logmetrics::LogMetrics& log_metrics() { return *log_metrics_; }
  health::ReleaseHealth& release_health() { return *release_health_; }
  health::Monitors& monitors() { return *monitors_; }
  health::FeedbackStore& feedback() { return *feedback_; }
  health::Attachments& attachments() { return *attachments_; }
  quota::UsageStore& usage() { return *usage_; }
  metricinfo::MetricInfo& metric_info() { return *metric_info_; }
  ingest::Pipeline& pipeline() { return *pipeline_; }

 private:
  Stores(io::FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}
  Nanos errors_kept(ProjectId project);
  /// Of any project and by any rule; 0: for good.
  Nanos longest_errors_kept();
  std::string snapshots_dir() const { return io::join_path(dir_, "snapshots"); }
  /// Removes what a crash left of one.
  Result<std::size_t> count_snapshots() TT_REQUIRES(snapshot_mutex_);

  io::FileSystem& fs_;
  const std::string dir_;
  std::unique_ptr<io::FileLock> lock_;
  std::unique_ptr<tsdb::Tsdb> tsdb_;
  std::unique_ptr<eventdb::EventDb> eventdb_;
  std::unique_ptr<metadb::MetaDb> metadb_;
  errors::ProjectOwnership ownership_;
  std::unique_ptr<errors::IssueStore> issues_;
  std::unique_ptr<errors::IssueClock> issue_clock_;
  std::unique_ptr<errors::EnvironmentLearner> environments_;
  std::unique_ptr<logmetrics::LogMetrics> log_metrics_;
  std::unique_ptr<health::ReleaseHealth> release_health_;
  std::unique_ptr<health::Monitors> monitors_;
  std::unique_ptr<health::FeedbackStore> feedback_;
  std::unique_ptr<health::Attachments> attachments_;
  std::unique_ptr<quota::UsageStore> usage_;
  std::unique_ptr<metricinfo::MetricInfo> metric_info_;
  std::unique_ptr<io::Journal> journal_;
  std::unique_ptr<ingest::Pipeline> pipeline_;
  bool stopped_ = false;
  Mutex snapshot_mutex_;  // one at a time
  Mutex retention_mutex_;
  eventdb::EventRetention event_retention_ TT_GUARDED_BY(retention_mutex_);
};

/// Copies a backup into the empty or missing folder `data_dir`.
Result<std::size_t> restore(io::FileSystem& fs, const std::string& backup, const std::string& data_dir);

}  // namespace telltale::server
