// Rows of a table by project, service and level: from the stores' counts, without reading rows where a store
// has counts of whole blocks.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>

#include "storage/event_store.hpp"

namespace telltale::search {

inline constexpr std::size_t kLevels = 7;  // Level's values

struct ServiceCounts {
  /// By project and service; counts by Level.
  std::map<std::pair<ProjectId, std::string>, std::array<std::uint64_t, kLevels>> services;
  bool complete = true;  // false: a project has more than limits::kMaxHistogramGroups services
};

/// Errors: the store's.
Result<ServiceCounts> service_counts(storage::EventStore& store, Table table,
                                     const storage::Projects& projects, TimeRange range,
                                     WorkContext& context);

}  // namespace telltale::search
