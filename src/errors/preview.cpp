#include "errors/preview.hpp"

#include <algorithm>
#include <map>

namespace telltale::errors {
namespace {

/// Where an event goes: an issue there is, or a new one.
struct Place {
  std::optional<storage::IssueId> issue;
  std::size_t fresh = 0;
  auto operator<=>(const Place&) const = default;
};

/// The bindings of hashes as they would become, over those there are.
class Bindings {
 public:
  Bindings(storage::RecordStore& records, ProjectId project) : records_(records), project_(project) {}

  Result<Place> place(const GroupingResult& group) {
    std::optional<Place> found;
    for (const GroupingVariant& variant : group.variants) {
      if (found) break;
      TT_ASSIGN(found, bound(variant.hash));
    }
    for (const std::string& hash : group.before) {
      if (found) break;
      TT_ASSIGN(found, bound(hash));
    }
    if (!found) found = Place{std::nullopt, ++fresh_};
    for (const GroupingVariant& variant : group.variants) {
      auto& slot = known_[variant.hash];
      if (!slot) slot = found;
    }
    return *found;
  }

 private:
  Result<std::optional<Place>> bound(const std::string& hash) {
    const auto known = known_.find(hash);
    if (known != known_.end()) return known->second;
    TT_ASSIGN(const auto issue, records_.issues().find_by_hash(project_, hash));
    std::optional<Place> place;
    if (issue) place = Place{*issue, 0};
    known_.emplace(hash, place);
    return place;
  }

  storage::RecordStore& records_;
  const ProjectId project_;
  std::map<std::string, std::optional<Place>> known_;
  std::size_t fresh_ = 0;
};

}  // namespace

Result<GroupingPreview> preview_grouping(storage::RecordStore& records, ProjectId project,
                                         const std::vector<PreviewEvent>& events, const GroupingRules& rules,
                                         WorkContext& context) {
  Bindings bindings(records, project);
  GroupingPreview out;
  std::map<std::pair<storage::IssueId, Place>, GroupingMove> moves;
  for (const PreviewEvent& event : events) {
    TT_TRY(context.check());
    GroupingResult group = group_event(event.input, rules);
    TT_ASSIGN(const Place place, bindings.place(group));
    ++out.events;
    if (place.issue == event.issue) {
      ++out.unchanged;
      continue;
    }
    GroupingMove& move = moves[{event.issue, place}];
    move.from = event.issue;
    move.to = place.issue;
    move.fresh = place.fresh;
    ++move.events;
    move.title = std::move(group.title);
    move.culprit = std::move(group.culprit);
    move.event_id = event.event_id;
  }
  for (auto& [key, move] : moves) out.moves.push_back(std::move(move));
  std::stable_sort(out.moves.begin(), out.moves.end(),
                   [](const GroupingMove& a, const GroupingMove& b) { return a.events > b.events; });
  return out;
}

}  // namespace telltale::errors
