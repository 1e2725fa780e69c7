// What people say of an application, kept as it came through the journal (masked there already). Feedback
// that names an event belongs to that event's issue; as either may come first, tick() looks for the event
// until it is found: at every tick for a while after some feedback came, then now and then, for a day. It
// keeps the event's group rather than its issue, so that feedback follows when issues are merged.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/context.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "health/record_follower.hpp"
#include "storage/event_store.hpp"
#include "storage/health_records.hpp"

namespace telltale::health {

/// apply() on one thread at a time; the rest is thread-safe.
class FeedbackStore final : public RecordFollower {
 public:
  static Result<std::unique_ptr<FeedbackStore>> open(storage::RecordStore& records, const Clock& clock,
                                                     MetricsRegistry& metrics);

  /// link() when there may be something to find; called every second or so.
  Result<> tick(storage::EventStore& events, WorkContext& context);
  /// Finds the errors of feedback of the last day, kMaxFeedbackLinks at once: every project has its turn, and
  /// what was not found waits behind what was not looked for yet.
  Result<> link(storage::EventStore& events, WorkContext& context);
  /// Drops what is past kFeedbackDays.
  Result<> prune();

  std::string_view name() const override { return "feedback"; }

 private:
  FeedbackStore(storage::RecordStore& records, const Clock& clock, MetricsRegistry& metrics);
  bool concerned(const storage::Batch& batch) const override { return !batch.items.feedback.empty(); }
  Result<> take(const storage::Batch& batch) override;

  const Clock& clock_;
  Counter& total_;
  std::atomic<std::int64_t> taken_at_{INT64_MIN};   // steady; the newest feedback about an event
  std::atomic<std::int64_t> linked_at_{INT64_MIN};  // steady
};

}  // namespace telltale::health
