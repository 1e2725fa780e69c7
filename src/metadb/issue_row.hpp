// A row of `issues` as the .cpp files of this folder read it.
#pragma once

#include <cstdint>
#include <string_view>

#include "metadb/connection.hpp"
#include "storage/records.hpp"

namespace telltale::metadb {

inline constexpr std::int64_t kHourNs = 3'600'000'000'000;

inline std::int64_t hour_of(UnixNanos time) {
  const std::int64_t hour = time.ns / kHourNs;
  return (time.ns % kHourNs < 0 ? hour - 1 : hour) * kHourNs;
}

inline constexpr std::string_view kIssueColumns =
    "SELECT issues.id, project, short_id, title, culprit, type, level, platform, status, substatus, "
    "first_seen, "
    "last_seen, first_release, last_release, event_count, user_count, status_changed, resolved_in, assignee, "
    "last_event, resolved_next, substatus_since, priority, priority_by_hand, archive_until, archive_time, "
    "archive_count, archive_hours, archive_base, users_estimated, parts";

/// What an issue and a part of one have both; the order of `issue_own`.
inline constexpr std::string_view kCountColumns =
    "title, culprit, type, level, platform, first_seen, last_seen, first_release, last_release, event_count, "
    "user_count, last_event, users_estimated";

/// `q` begins with kIssueColumns.
storage::Issue read_issue(const Query& q);
/// All that is left of a statement that begins with kIssueColumns.
Result<std::vector<storage::Issue>> read_issues(Query& q);

}  // namespace telltale::metadb
