#include "errors/issue_views.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "base/limits.hpp"

namespace telltale::errors {
namespace {

using storage::IssueId;

constexpr std::int64_t kViewHourNs = 3'600'000'000'000;

storage::EventFilter carries_one_of(const std::vector<std::string>& hashes) {
  std::vector<storage::EventFilter> any;
  for (const std::string& hash : hashes)
    any.push_back(
        storage::EventFilter::leaf(storage::FilterOp::contains, std::string(attr::kGroupHashes), hash));
  return {storage::FilterOp::any, {}, {}, std::move(any), {}};
}

/// The issue's event rows in order, until `take` has enough of them (answers false).
Result<> walk_issue_events(storage::EventStore& events, storage::RecordStore& records,
                           const storage::Issue& issue, storage::EventQuery query, WorkContext& context,
                           const std::function<Result<bool>(EventRow&)>& take) {
  TT_ASSIGN(const auto hashes, records.issues().hashes(issue.id));
  query.table = Table::errors;
  query.projects = {issue.project};
  query.filter = storage::EventFilter::all_of({carries_one_of(hashes), std::move(query.filter)});
  query.range.from = std::max(query.range.from, issue.first_seen);
  query.range.to = std::min(query.range.to, issue.last_seen + Nanos(1));
  if (query.range.to <= query.range.from) return {};
  query.limit = limits::kMaxIssueEventRows;
  IssueResolver resolver(records);
  TT_ASSIGN(const auto cursor, events.select(query, context));
  std::vector<EventRow> rows;
  while (true) {
    TT_TRY(cursor->next(rows));
    if (rows.empty()) return {};
    for (EventRow& row : rows) {
      TT_ASSIGN(const auto owner, resolver.issue_of(row));
      if (owner != issue.id) continue;
      TT_ASSIGN(const bool more, take(row));
      if (!more) return {};
    }
  }
}

}  // namespace

Result<std::optional<IssueId>> IssueResolver::issue_of(const EventRow& row) {
  const AttrValue* value = row.find(attr::kGroupHashes);
  if (value == nullptr) return std::optional<IssueId>();
  std::string text = to_string(*value);
  const auto found = known_.find({row.project, text});
  if (found != known_.end()) return found->second;
  std::optional<IssueId> issue;
  for (std::size_t at = 0; at < text.size() && !issue;) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) {
      TT_ASSIGN(issue, records_.issues().find_by_hash(row.project, text.substr(at, end - at)));
    }
    at = end + 1;
  }
  known_.emplace(std::pair(row.project, std::move(text)), issue);
  return issue;
}

Result<std::vector<storage::Issue>> issues_of_rows(storage::RecordStore& records,
                                                   const std::vector<EventRow>& rows) {
  IssueResolver resolver(records);
  std::set<IssueId> seen;
  std::vector<storage::Issue> out;
  for (const EventRow& row : rows) {
    TT_ASSIGN(const auto id, resolver.issue_of(row));
    if (!id || !seen.insert(*id).second) continue;
    TT_ASSIGN(auto issue, records.issues().get(*id));
    out.push_back(std::move(issue));
  }
  return out;
}

Result<std::vector<EventRow>> issue_events(storage::EventStore& events, storage::RecordStore& records,
                                           const storage::Issue& issue, const IssueEventsQuery& wanted,
                                           WorkContext& context) {
  storage::EventQuery query;
  query.range = wanted.range;
  query.order = wanted.order;
  query.with_payload = wanted.with_payload;
  if (!wanted.event_id.empty())
    query.filter =
        storage::EventFilter::leaf(storage::FilterOp::eq, std::string(attr::kEventId), wanted.event_id);
  std::vector<EventRow> out;
  const auto keep = [&](EventRow& row) -> Result<bool> {
    TT_TRY(context.charge(memory_bytes(row)));
    out.push_back(std::move(row));
    return out.size() < wanted.limit;
  };
  TT_TRY(walk_issue_events(events, records, issue, std::move(query), context, keep));
  return out;
}

Result<std::optional<EventRow>> event_of_hashes(storage::EventStore& events, ProjectId project,
                                                TimeRange range, const std::vector<std::string>& hashes,
                                                storage::Order order, WorkContext& context) {
  storage::EventQuery query;
  query.table = Table::errors;
  query.projects = {project};
  query.range = range;
  query.order = order;
  query.limit = 1;
  query.filter = carries_one_of(hashes);
  TT_ASSIGN(const auto cursor, events.select(query, context));
  std::vector<EventRow> rows;
  TT_TRY(cursor->next(rows));
  if (rows.empty()) return std::optional<EventRow>();
  return std::optional<EventRow>(std::move(rows.front()));
}

Result<search::Facets> issue_tags(storage::EventStore& events, storage::RecordStore& records,
                                  const storage::Issue& issue, std::size_t limit, WorkContext& context) {
  IssueEventsQuery newest;
  newest.limit = limits::kFacetProbeRows;
  TT_ASSIGN(const auto probe, issue_events(events, records, issue, newest, context));
  auto fields = search::facet_fields(probe, limits::kMaxFacetFields);
  std::erase(fields, attr::kBodyLeftOut);  // ours, and told with the issue
  storage::EventQuery query;
  query.fields = fields;
  query.fields.emplace_back(attr::kGroupHashes);
  search::FacetCounter counter(std::move(fields), context);
  const auto count = [&counter](EventRow& row) -> Result<bool> {
    TT_TRY(counter.add(row));
    return true;
  };
  TT_TRY(walk_issue_events(events, records, issue, std::move(query), context, count));
  search::Facets out = counter.take(limit);
  out.exact = out.exact && out.sampled_rows < limits::kMaxIssueEventRows;
  return out;
}

Result<IssueTrend> issue_trend(storage::RecordStore& records, IssueId issue, UnixNanos now) {
  IssueTrend out;
  const std::int64_t end = (now.ns / kViewHourNs + 1) * kViewHourNs;
  const std::int64_t from = end - static_cast<std::int64_t>(out.days.size()) * 24 * kViewHourNs;
  TT_ASSIGN(const auto counts, records.issues().hour_counts(issue, {{from}, {end}}));
  for (const auto& hour : counts) {
    const auto back = static_cast<std::size_t>((end - hour.hour.ns) / kViewHourNs - 1);
    const auto add = [&](auto& bars, std::size_t hours_each) {
      if (back / hours_each < bars.size()) bars[bars.size() - 1 - back / hours_each] += hour.count;
    };
    add(out.hours, 1);
    add(out.six_hours, 6);
    add(out.days, 24);
  }
  return out;
}

Result<IssueMarks> issue_marks(storage::EventStore& events, storage::RecordStore& records,
                               const storage::Projects& projects, TimeRange range, WorkContext& context) {
  storage::EventQuery query;
  query.table = Table::errors;
  query.projects = projects;
  query.range = range;
  query.limit = limits::kMaxOverviewErrors;
  query.fields = {"service", std::string(attr::kGroupHashes)};
  IssueResolver resolver(records);
  std::map<IssueId, std::set<std::string>> services;
  std::size_t read = 0;
  TT_ASSIGN(const auto cursor, events.select(query, context));
  std::vector<EventRow> rows;
  while (true) {
    TT_TRY(cursor->next(rows));
    if (rows.empty()) break;
    read += rows.size();
    for (const EventRow& row : rows) {
      TT_ASSIGN(const auto id, resolver.issue_of(row));
      if (id) services[*id].insert(row.ids.service);
    }
  }
  IssueMarks out;
  out.complete = read < limits::kMaxOverviewErrors;
  for (const auto& [id, names] : services) {
    TT_ASSIGN(const auto issue, records.issues().get(id));
    const std::vector<std::string> list(names.begin(), names.end());
    if (range.contains(issue.first_seen)) out.marks.push_back({issue.first_seen, false, issue, list});
    if (issue.substatus == storage::IssueSubstatus::regressed && range.contains(issue.status_changed))
      out.marks.push_back({issue.status_changed, true, issue, list});
  }
  std::stable_sort(out.marks.begin(), out.marks.end(),
                   [](const IssueMark& a, const IssueMark& b) { return a.time > b.time; });
  return out;
}

}  // namespace telltale::errors
