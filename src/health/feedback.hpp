// What people say of an application, kept as it came through the journal (masked there already). Feedback
// that names an event belongs to that event's issue; as either may come first, link() looks for the event
// until it is found, and keeps its group rather than the issue, so that feedback follows when issues are
// merged.
#pragma once

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

  /// Finds the errors of feedback of the last day.
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
};

}  // namespace telltale::health
