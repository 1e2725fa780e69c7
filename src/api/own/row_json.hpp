// A wide event as our own API shows it.
#pragma once

#include <optional>
#include <vector>

#include "base/json.hpp"
#include "errors/issue_views.hpp"
#include "model/event_row.hpp"
#include "storage/records.hpp"

namespace telltale::api {

void write_row(JsonWriter& w, const EventRow& row);
/// What is shown of an issue beside its fields, where it is known.
struct IssueExtras {
  std::optional<errors::IssueTrend> trend;  // `trend_24h`, `trend_7d` and `trend_30d`
  std::optional<storage::IssueMark> mark;   // `bookmarked` and `seen`, to whom is signed in
  std::vector<storage::Issue> merged;       // `merged_from`
  std::optional<std::uint64_t> comments;    // `comment_count`
  std::string awaits_commit;                // it is resolved once a release has it
  std::optional<std::uint64_t> left_out;    // `bodies_left_out`
};
void write_issue(JsonWriter& w, const storage::Issue& issue, const IssueExtras& extras = {});

}  // namespace telltale::api
