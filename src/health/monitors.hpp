// Scheduled jobs. Their check-ins come through the journal; what did not come is noticed by tick(), which is
// driven with a clock. A monitor stands by itself in each environment:
//
//   active (nothing came yet) → ok ⇄ error | missed | timeout
//
// A run is missed when nothing came until its time and the margin had passed, and has timed out when it is in
// progress for longer than max_runtime. So many failures in a row as the monitor says make it fail, so many
// successes make it well again. Each failure of a failing monitor becomes an error event of the project, all
// of them one issue; the event is kept with the change that it tells of and sent afterwards, with an id that
// follows from the run, so that neither a crash nor a replay tells of it twice.
//
// What should have come wholly while the server was down is not held against the job.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "health/record_follower.hpp"
#include "health/schedule.hpp"
#include "storage/health_records.hpp"

namespace telltale::health {

/// Takes a failure's event in, as a client's would be, or resolves its issue. invalid_argument drops the
/// notice, other errors keep it.
using NoticeSink = std::function<Result<>(const storage::MonitorNotice&)>;

struct MonitorView {
  storage::Monitor monitor;
  MonitorConfig config;
  std::vector<storage::MonitorStatus> statuses;
};

struct MonitorChange {
  std::optional<std::string> name;
  std::optional<std::string> config;  // a document, see schedule.hpp
  std::optional<bool> muted;
  std::optional<bool> disabled;
};

/// Letters, digits, `-`, `_` and `.`, at most kMaxSlugBytes. invalid_argument.
Result<> check_slug(std::string_view slug);
std::string_view check_in_status_name(storage::CheckInStatus status);
std::string_view monitor_state_name(storage::MonitorState state);

/// apply() on one thread at a time; the rest is thread-safe.
class Monitors final : public RecordFollower {
 public:
  static Result<std::unique_ptr<Monitors>> open(storage::RecordStore& records, const Clock& clock,
                                                const Logger& log, MetricsRegistry& metrics);

  /// Once replay is over and before the first tick(): forgives what was missed meanwhile.
  Result<> start();
  /// Before the first tick().
  void set_sink(NoticeSink sink) { sink_ = std::move(sink); }
  /// Finds what is missed and what takes too long, and tells of failures and of their end.
  void tick();
  /// Drops check-ins past kHealthDays.
  Result<> prune();

  /// Expected at once in `environments`, elsewhere from its first check-in there. conflict when the slug is
  /// taken, resource_exhausted over kMaxMonitors.
  Result<MonitorView> add(storage::Monitor monitor, const std::vector<std::string>& environments);
  Result<MonitorView> change(std::int64_t id, const MonitorChange& change);
  Result<> remove(std::int64_t id);
  Result<MonitorView> get(std::int64_t id) const;
  Result<std::vector<MonitorView>> list(const std::vector<ProjectId>& projects) const;

  std::string_view name() const override { return "monitors"; }

 private:
  Monitors(storage::RecordStore& records, const Clock& clock, const Logger& log, MetricsRegistry& metrics);
  bool concerned(const storage::Batch& batch) const override { return !batch.items.check_ins.empty(); }
  Result<> take(const storage::Batch& batch) override;
  Result<> take_one(ProjectId project, const storage::CheckIn& check_in);
  Result<std::optional<storage::Monitor>> monitor_of(ProjectId project, const storage::CheckIn& check_in);
  Result<> expect_anew(const storage::Monitor& monitor, UnixNanos now);
  Result<> begin_run(const MonitorView& view, storage::MonitorStatus& status,
                     const storage::CheckIn& check_in);
  Result<> continue_run(const MonitorView& view, storage::MonitorStatus& status, storage::KeptCheckIn& run,
                        const storage::CheckIn& check_in);
  Result<> judge(const MonitorView& view, storage::MonitorStatus& status, const storage::KeptCheckIn& run);
  Result<> find_failures(UnixNanos now);
  Result<> find_missed(UnixNanos now);
  Result<> find_timed_out(UnixNanos now);
  void tell();
  Result<MonitorView> view_of(storage::Monitor monitor) const;

  const Clock& clock_;
  const Logger& log_;
  Counter& check_ins_total_;
  Counter& refused_total_;
  Counter& failures_total_;
  NoticeSink sink_;
};

}  // namespace telltale::health
