// How sessions end, by project, release, environment and hour of their start, and which releases there are. A
// store that is derived from the journal: each batch is counted once, when it is applied, and checkpoint()
// keeps the counts and the sequence they have come to together. Between checkpoints what was counted is added
// to what is kept when somebody asks, so that thousands of sessions a second cost a few records a minute.
//
// A client tells of a session several times. The update that is marked as the first counts it as started;
// of how it ended the worst that was told counts (open < exited < errored < abnormal < crashed), so that
// updates may come late, twice or in another order. A session stays in the hour, release and environment that
// its first update named, whatever later ones say. For that the store knows the sessions it was told of: a
// session that has ended for kClosedSessionMinutes, others for kSessionDays, at most kMaxKnownSessions;
// between checkpoints kMaxSessionsHeld, over which a session's updates count as if each were its first.
#pragma once

#include <atomic>
#include <compare>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "base/sketch.hpp"
#include "storage/derived_store.hpp"
#include "storage/health_records.hpp"
#include "storage/records.hpp"

namespace telltale::health {

/// Thread-safe; apply() on one thread at a time.
class ReleaseHealth final : public storage::DerivedStore {
 public:
  /// The arguments outlive it.
  static Result<std::unique_ptr<ReleaseHealth>> open(storage::RecordStore& records, const Clock& clock,
                                                     const Logger& log, MetricsRegistry& metrics);

  /// What is kept together with what is not written yet, by hour.
  Result<std::vector<storage::SessionHour>> hours(const storage::SessionQuery& query) const;
  /// What was not kept, most first.
  Result<std::vector<storage::OutcomeHour>> outcomes(const std::vector<ProjectId>& projects,
                                                     TimeRange range) const;
  /// Drops what is past kHealthDays.
  Result<> prune();

  std::string_view name() const override { return "release_health"; }
  storage::Urgency urgency(const storage::Batch& batch) const override {
    const bool counted = !batch.items.sessions.empty() || !batch.items.outcomes.empty() ||
                         !batch.errors.empty() || !batch.spans.empty();
    return counted ? storage::Urgency::soon : storage::Urgency::none;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override;
  Sequence applied() const override { return {applied_.load()}; }
  Sequence durable() const override { return {durable_.load()}; }
  Result<> checkpoint() override;
  bool wants_checkpoint() const override;

 private:
  struct HourKey {
    ProjectId project;
    std::string release;
    std::string environment;
    UnixNanos hour;
    auto operator<=>(const HourKey&) const = default;
  };
  struct HourDelta {
    storage::SessionCounts counts;
    DistinctSketch users;
    DistinctSketch crashed_users;
  };
  struct OutcomeKey {
    ProjectId project;
    UnixNanos hour;
    std::string source;
    std::string category;
    std::string reason;
    auto operator<=>(const OutcomeKey&) const = default;
  };
  struct Known {
    const HourKey* place = nullptr;  // where it counts; of `places_`
    storage::SessionState state = storage::SessionState::open;
    bool started = false;
    bool changed = false;  // since the last checkpoint
    UnixNanos seen;
  };
  using Span = std::pair<UnixNanos, UnixNanos>;

  ReleaseHealth(storage::RecordStore& records, const Clock& clock, const Logger& log,
                MetricsRegistry& metrics);
  Result<> load();
  void count(const storage::Batch& batch, const storage::SessionUpdate& update) TT_REQUIRES(mutex_);
  Known& known_of(std::uint64_t sid, const HourKey& key) TT_REQUIRES(mutex_);
  void count_outcome(const storage::Batch& batch, const storage::OutcomeCount& count) TT_REQUIRES(mutex_);
  void saw(ProjectId project, const std::string& release, UnixNanos time) TT_REQUIRES(mutex_);
  std::vector<std::uint64_t> sessions_to_forget(UnixNanos now) const TT_REQUIRES(mutex_);
  void drop_unused_places() TT_REQUIRES(mutex_);
  Result<> write(const std::vector<std::uint64_t>& forgotten, Sequence reached) TT_REQUIRES(mutex_);
  Result<> write_hour(const HourKey& key, const HourDelta& delta) TT_REQUIRES(mutex_);

  storage::RecordStore& records_;
  const Clock& clock_;
  const Logger& log_;
  Counter& sessions_total_;
  Counter& over_limit_total_;
  Counter& not_remembered_total_;
  Gauge& known_gauge_;
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::int64_t> last_checkpoint_{0};  // steady
  std::atomic<std::size_t> pending_{0};           // hours and outcomes that are not written
  std::atomic<bool> new_release_{false};          // among them
  std::atomic<bool> too_many_{false};             // sessions are held

  // Taken before a transaction on the records.
  mutable Mutex mutex_;
  std::map<HourKey, HourDelta> hours_ TT_GUARDED_BY(mutex_);
  std::map<OutcomeKey, std::uint64_t> outcomes_ TT_GUARDED_BY(mutex_);
  std::map<std::pair<ProjectId, std::string>, Span> seen_ TT_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, Known> known_ TT_GUARDED_BY(mutex_);
  std::set<HourKey> places_ TT_GUARDED_BY(mutex_);
  Known not_remembered_ TT_GUARDED_BY(mutex_);
  std::set<std::pair<ProjectId, std::string>> written_ TT_GUARDED_BY(mutex_);  // releases; not all there are
};

}  // namespace telltale::health
