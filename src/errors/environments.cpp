#include "errors/environments.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/issue_limits.hpp"
#include "base/limits.hpp"

namespace telltale::errors {
namespace {

/// By project, hashes as the event has them, environment.
using SeenByGroup = std::map<std::tuple<ProjectId, std::string, std::string>, storage::EnvironmentSeen>;

Result<std::optional<storage::IssueId>> part_of(storage::RecordStore& records, ProjectId project,
                                                const std::string& hashes) {
  for (std::size_t at = 0; at < hashes.size();) {
    const std::size_t end = std::min(hashes.find(' ', at), hashes.size());
    if (end > at) {
      TT_ASSIGN(const auto part, records.issues().find_part(project, hashes.substr(at, end - at)));
      if (part) return std::optional(part->part);
    }
    at = end + 1;
  }
  return std::optional<storage::IssueId>();
}

Result<> note(storage::RecordStore& records, SeenByGroup& seen) {
  auto done = records.transaction(
      [&]() -> Result<> {
        for (const auto& [key, environment] : seen) {
          TT_ASSIGN(const auto part, part_of(records, std::get<0>(key), std::get<1>(key)));
          if (part) TT_TRY(records.issues().add_environment(*part, environment));
        }
        return {};
      },
      storage::Durability::deferred);
  if (done) seen.clear();
  return done;
}

}  // namespace

Result<bool> EnvironmentLearner::step(WorkContext& context) {
  if (known_) return true;
  TT_ASSIGN(known_, records_.issues().knows_environments());
  if (known_) return true;
  TT_ASSIGN(const auto projects, records_.projects().list());
  storage::EventQuery query;
  query.table = Table::errors;
  for (const auto& project : projects) query.projects.push_back(project.id);
  query.range.to = before_;
  query.fields = {"environment", std::string(attr::kGroupHashes)};
  query.patience = std::chrono::seconds(1);
  TT_ASSIGN(const auto cursor, events_.select(query, context));
  SeenByGroup seen;
  std::vector<EventRow> rows;
  while (true) {
    TT_TRY(cursor->next(rows));
    for (const EventRow& row : rows) {
      const AttrValue* hashes = row.find(attr::kGroupHashes);
      if (hashes == nullptr || row.ids.environment.empty()) continue;
      auto& one = seen.try_emplace({row.project, to_string(*hashes), row.ids.environment},
                                   storage::EnvironmentSeen{row.ids.environment, row.time, row.time})
                      .first->second;
      one.first_seen = std::min(one.first_seen, row.time);
      one.last_seen = std::max(one.last_seen, row.time);
    }
    if (rows.empty() || seen.size() >= limits::kEnvironmentsAtOnce) TT_TRY(note(records_, seen));
    if (rows.empty()) break;
  }
  if (const auto reached = cursor->reached()) {
    before_ = std::min(*reached + Nanos(1), before_);  // of that very moment some may be missing
    return false;
  }
  TT_TRY(records_.transaction([&] { return records_.issues().environments_are_known(); },
                              storage::Durability::full));
  known_ = true;
  return true;
}

}  // namespace telltale::errors
