#include "health/feedback.hpp"

#include <map>

#include "base/health_limits.hpp"

namespace telltale::health {
namespace {

constexpr std::chrono::hours kLinkWithin{24};

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
    TT_TRY(records_.feedback().put(feedback));
  }
  total_.add(batch.items.feedback.size());
  return {};
}

Result<> FeedbackStore::link(storage::EventStore& events, WorkContext& context) {
  TT_ASSIGN(const auto unlinked,
            records_.feedback().unlinked(clock_.now() - kLinkWithin, limits::kMaxFeedbackLinks));
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
      if (found != groups.end()) TT_TRY(records_.feedback().set_group(feedback->id, found->second));
    }
  }
  return {};
}

Result<> FeedbackStore::prune() {
  return records_.feedback().prune(clock_.now() - std::chrono::hours(24 * limits::kFeedbackDays));
}

}  // namespace telltale::health
