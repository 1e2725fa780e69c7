// What a change of grouping rules would do, shown on events that are kept: each is grouped again as if it
// came now, with the issues and hashes that there are. Nothing is changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/context.hpp"
#include "errors/grouping.hpp"
#include "errors/rules.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

struct PreviewEvent {
  storage::IssueId issue;  // whose it is now
  std::string event_id;
  GroupingInput input;
};

/// Events that would go elsewhere.
struct GroupingMove {
  storage::IssueId from;
  std::optional<storage::IssueId> to;  // none: a new issue, of the number `fresh`
  std::size_t fresh = 0;               // from 1; moves with the same number meet in the same new issue
  std::uint64_t events = 0;
  std::string title;     // of the newest
  std::string culprit;   // likewise
  std::string event_id;  // likewise
};

struct GroupingPreview {
  std::uint64_t events = 0;
  std::uint64_t unchanged = 0;
  std::vector<GroupingMove> moves;  // most events first
};

/// `events` oldest first.
Result<GroupingPreview> preview_grouping(storage::RecordStore& records, ProjectId project,
                                         const std::vector<PreviewEvent>& events, const GroupingRules& rules,
                                         WorkContext& context);

}  // namespace telltale::errors
