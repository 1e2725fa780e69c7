#include "health/feedback.hpp"

#include <map>

#include "base/health_limits.hpp"

namespace telltale::health {
namespace {

constexpr std::chrono::hours kLinkWithin{24};
constexpr std::int64_t kEagerNs = 60'000'000'000;    // after feedback came: its event is on its way, if ever
constexpr std::int64_t kPatientNs = 30'000'000'000;  // between looks otherwise

}  // namespace

FeedbackStore::FeedbackStore(storage::RecordStore& records, const Clock& clock, MetricsRegistry& metrics)
    : RecordFollower(records),
      clock_(clock),
      total_(metrics.counter("telltale_feedback_total", "Feedback that was taken in.")) {}

Result<std::unique_ptr<FeedbackStore>> FeedbackStore::open(storage::RecordStore& records, const Clock& clock,
                                                           MetricsRegistry& metrics) {
  std::unique_ptr<FeedbackStore> store(new FeedbackStore(records, clock, metrics));
  TT_TRY(store->load_sequence());
  return store;
}

Result<> FeedbackStore::take(const storage::Batch& batch) {
  for (const auto& item : batch.items.feedback) {
    storage::Feedback feedback;
    feedback.project = batch.project;
    feedback.item = item;
    feedback.received = batch.received;
    if (item.event_id.present()) taken_at_.store(clock_.steady().count());
    TT_TRY(records_.feedback().put(feedback));
  }
  total_.add(batch.items.feedback.size());
  return {};
}

Result<> FeedbackStore::tick(storage::EventStore& events, WorkContext& context) {
  const std::int64_t now = clock_.steady().count();
  const auto since = [now](const std::atomic<std::int64_t>& time) {
    return time.load() == INT64_MIN ? INT64_MAX : now - time.load();
  };
  if (since(taken_at_) > kEagerNs && since(linked_at_) < kPatientNs) return {};
  linked_at_.store(now);
  return link(events, context);
}

Result<> FeedbackStore::link(storage::EventStore& events, WorkContext& context) {
  TT_ASSIGN(const auto unlinked,
            records_.feedback().unlinked(clock_.now() - kLinkWithin, limits::kMaxFeedbackLinks));
  const UnixNanos now = clock_.now();
  std::map<ProjectId, std::vector<const storage::Feedback*>> by_project;
  for (const auto& feedback : unlinked) by_project[feedback.project].push_back(&feedback);
  for (const auto& [project, list] : by_project) {
    storage::EventQuery query;
    query.table = Table::errors;
    query.projects = {project};
    query.fields = {std::string(attr::kEventId), std::string(attr::kGroupHashes)};
    std::vector<std::string> ids;
    for (const auto* feedback : list) ids.push_back(feedback->item.event_id.hex());
    query.filter = storage::EventFilter::one_of(std::string(attr::kEventId), std::move(ids));
    TT_ASSIGN(const auto rows, storage::collect(events, query, context));
    std::map<std::string, std::string> groups;  // event → its first hash
    for (const EventRow& row : rows) {
      const AttrValue* id = row.find(attr::kEventId);
      const AttrValue* hashes = row.find(attr::kGroupHashes);
      if (id == nullptr || hashes == nullptr) continue;
      const std::string text = to_string(*hashes);
      groups[to_string(*id)] = text.substr(0, text.find(' '));
    }
    for (const auto* feedback : list) {
      const auto found = groups.find(feedback->item.event_id.hex());
      if (found != groups.end()) {
        TT_TRY(records_.feedback().set_group(feedback->id, found->second));
      } else {
        TT_TRY(records_.feedback().looked_for(feedback->id, now));
      }
    }
  }
  return {};
}

Result<> FeedbackStore::prune() {
  return records_.feedback().prune(clock_.now() - std::chrono::hours(24 * limits::kFeedbackDays));
}

}  // namespace telltale::health
