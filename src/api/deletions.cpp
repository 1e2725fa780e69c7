#include "api/deletions.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "logql/selection.hpp"

namespace telltale::api {
namespace {

Result<storage::Deletions*> deletions_of(const Services& services) {
  if (services.deletions == nullptr)
    return fail(ErrorKind::unsupported, "this store deletes nothing by queries");
  return services.deletions;
}

TimeRange with_end(TimeRange range) {
  if (range.to.ns < INT64_MAX) ++range.to.ns;
  return range;
}

}  // namespace

Result<std::vector<storage::Deletion>> visible_deletions(const Services& services,
                                                         const storage::Projects& projects) {
  TT_ASSIGN(auto* const deletions, deletions_of(services));
  TT_ASSIGN(auto all, deletions->list());
  std::erase_if(all, [&](const storage::Deletion& d) {
    return !std::all_of(d.projects.begin(), d.projects.end(), [&](ProjectId project) {
      return std::find(projects.begin(), projects.end(), project) != projects.end();
    });
  });
  return all;
}

Result<> cancel_deletion(const Services& services, const storage::Projects& projects, std::string_view id) {
  TT_ASSIGN(const auto visible, visible_deletions(services, projects));
  for (const auto& deletion : visible)
    if (std::to_string(deletion.id) == id) return services.deletions->cancel(deletion.id);
  return fail(ErrorKind::not_found, fmt::format("deletion {}: not found", id.substr(0, 40)));
}

Result<storage::Deletion> request_deletion(const Services& services, storage::Deletion wanted) {
  TT_ASSIGN(auto* const deletions, deletions_of(services));
  wanted.range = with_end(wanted.range);
  return deletions->add(wanted);
}

Result<std::uint64_t> count_deletion(const Services& services, const storage::Deletion& wanted,
                                     WorkContext& context) {
  TT_ASSIGN(const auto selection, logql::select_rows(wanted.query));
  std::uint64_t rows = 0;
  if (!selection.rest) {
    storage::EventCountQuery query;
    query.projects = wanted.projects;
    query.range = with_end(wanted.range);
    query.filter = selection.filter;
    TT_ASSIGN(const auto counts, services.events.count(query, context));
    for (const auto& count : counts) rows += count.count;
    return rows;
  }
  storage::EventQuery query;
  query.projects = wanted.projects;
  query.range = with_end(wanted.range);
  query.filter = selection.filter;
  query.with_payload = true;
  TT_ASSIGN(const auto cursor, services.events.select(query, context));
  for (std::vector<EventRow> batch;;) {
    TT_TRY(cursor->next(batch));
    if (batch.empty()) return rows;
    rows += static_cast<std::uint64_t>(std::count_if(batch.begin(), batch.end(), selection.rest));
  }
}

}  // namespace telltale::api
