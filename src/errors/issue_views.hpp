// What people see of issues beside their own fields: the events behind one, its tags, how often it came, and
// which services have new ones. Events are found by their grouping hashes; the first hash of an event that is
// bound to an issue says which (as issue_store.hpp decided when the event came), so merged issues show the
// events of both.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/facets.hpp"
#include "storage/event_store.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

/// Remembers what it has looked up; for one request.
class IssueResolver {
 public:
  explicit IssueResolver(storage::RecordStore& records) : records_(records) {}
  /// Reads the row's project and group_hashes.
  Result<std::optional<storage::IssueId>> issue_of(const EventRow& row);

 private:
  storage::RecordStore& records_;
  std::map<std::pair<ProjectId, std::string>, std::optional<storage::IssueId>> known_;
};

/// The distinct issues of error rows, in the rows' order.
Result<std::vector<storage::Issue>> issues_of_rows(storage::RecordStore& records,
                                                   const std::vector<EventRow>& rows);

struct IssueEventsQuery {
  TimeRange range;
  storage::Order order = storage::Order::newest_first;
  std::size_t limit = 100;
  bool with_payload = false;
  std::string event_id;  // only this one
};
/// Events of the issue; looks at no more than limits::kMaxIssueEventRows rows.
Result<std::vector<EventRow>> issue_events(storage::EventStore& events, storage::RecordStore& records,
                                           const storage::Issue& issue, const IssueEventsQuery& query,
                                           WorkContext& context);

/// The newest or oldest event within the range that carries one of the hashes; nullopt when none is kept.
Result<std::optional<EventRow>> event_of_hashes(storage::EventStore& events, ProjectId project,
                                                TimeRange range, const std::vector<std::string>& hashes,
                                                storage::Order order, WorkContext& context);

/// The most frequent values of the issue's fields and tags, `limit` each.
Result<search::Facets> issue_tags(storage::EventStore& events, storage::RecordStore& records,
                                  const storage::Issue& issue, std::size_t limit, WorkContext& context);

/// Events of the last 24 hours, 7 days (in 6 hours each) and 30 days, oldest first; the last of each is what
/// ends with the running hour.
struct IssueTrend {
  std::array<std::uint64_t, 24> hours{};
  std::array<std::uint64_t, 28> six_hours{};
  std::array<std::uint64_t, 30> days{};
};
Result<IssueTrend> issue_trend(storage::RecordStore& records, storage::IssueId issue, UnixNanos now);

/// An issue that began, or came back, within a range.
struct IssueMark {
  UnixNanos time;
  bool regressed = false;  // else new
  storage::Issue issue;
  std::vector<std::string> services;  // of its events in the range, sorted
};
struct IssueMarks {
  std::vector<IssueMark> marks;  // newest first
  bool complete = true;          // false: more than limits::kMaxOverviewErrors error rows in the range
};
Result<IssueMarks> issue_marks(storage::EventStore& events, storage::RecordStore& records,
                               const storage::Projects& projects, TimeRange range, WorkContext& context);

}  // namespace telltale::errors
