// Issues by a query of the search language. An issue is found when its own record satisfies the query, or
// when its record and one of its events in the time range do so together: conditions on events are about one
// event, not about several. Words are looked for in the record's texts, or else in one event's; turned around
// (`!word`), in the record's only.
//
// The plan: a query becomes alternatives, each with conditions on the record and conditions on an event.
// Where columns answer the latter, the store counts the events that match by group; where the event's JSON
// has the words, the store is asked which groups say them (EventStore::word_groups), and of those groups that
// only may, the newest events that may match (their bytes have the words) are walked until every group is
// settled (query/group_walk.hpp). A store that keeps no index of words has all events walked. What was found
// is a set of issues, and with it the whole query is one condition on records, by which they are sorted,
// counted and paged.
#pragma once

#include <optional>

#include "query/scan.hpp"
#include "search/condition.hpp"
#include "storage/event_store.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

struct IssueSearchQuery {
  storage::IssueQuery records;  // its seen is also the range of the events
  search::Conditions where;
  /// Of reading events' JSON; zero: none but the context's deadline.
  Nanos patience{0};
};

struct IssueSearchPlan {
  /// The query with `where` filled: what IssueRepository is to be asked.
  storage::IssueQuery records;
  bool complete = true;  // false: events before `reached` were not looked at
  std::optional<UnixNanos> reached;
  query::ScanStats stats;  // of events that were handed out one by one
};

/// invalid_argument when the conditions of issues and of events are mixed in more than
/// limits::kMaxSearchBranches ways; resource_exhausted over limits::kMaxSearchGroups groups of events.
Result<IssueSearchPlan> plan_issue_search(storage::EventStore& events, storage::RecordStore& records,
                                          IssueSearchQuery query, WorkContext& context);

/// The condition on records alone that a tree without conditions on events is; for tests and callers that
/// have no events.
storage::IssueCondition record_condition(const search::Conditions& tree);

}  // namespace telltale::errors
