#include "search/service_counts.hpp"

#include <charconv>

#include "base/limits.hpp"

namespace telltale::search {
namespace {

storage::EventFilter has_level(std::size_t level) {
  const auto named = static_cast<Level>(level);
  return storage::EventFilter::leaf(storage::FilterOp::eq, "level",
                                    named == Level::unknown ? "" : std::string(to_string(named)));
}

/// Those of `projects` that have rows: most have none of most tables.
Result<storage::Projects> busy_projects(storage::EventStore& store, const storage::EventCountQuery& base,
                                        const storage::Projects& projects, WorkContext& context) {
  if (projects.size() < 2) return projects;
  storage::EventCountQuery query = base;
  query.projects = projects;
  query.group_by = "project";
  query.max_groups = projects.size();
  TT_ASSIGN(const auto counts, store.count(query, context));
  storage::Projects out;
  for (const auto& count : counts) {
    std::uint32_t id = 0;
    std::from_chars(count.group.data(), count.group.data() + count.group.size(), id);
    out.push_back(ProjectId{id});
  }
  return out;
}

}  // namespace

Result<ServiceCounts> service_counts(storage::EventStore& store, Table table,
                                     const storage::Projects& projects, TimeRange range,
                                     WorkContext& context) {
  storage::EventCountQuery query;
  query.table = table;
  query.range = range;
  query.max_groups = limits::kMaxHistogramGroups;
  ServiceCounts out;
  TT_ASSIGN(const auto busy, busy_projects(store, query, projects, context));
  query.group_by = "service";
  for (const ProjectId project : busy) {
    query.projects = {project};
    for (std::size_t level = 0; level < kLevels; ++level) {
      query.filter = has_level(level);
      const auto counts = store.count(query, context);
      if (!counts) {
        if (counts.error().kind() != ErrorKind::resource_exhausted ||
            !counts.error().message().starts_with("count by "))
          return tl::unexpected<Error>(counts.error());
        out.complete = false;
        continue;
      }
      for (const auto& count : *counts) out.services[{project, count.group}][level] += count.count;
    }
  }
  return out;
}

}  // namespace telltale::search
