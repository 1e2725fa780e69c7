// Which groups have a row that matches: a walk over rows from the newest on that looks at a group no longer
// than until it is settled. When most of what comes by belongs to settled groups, the walk begins anew where
// it stands and has the store leave those out, so that a few frequent groups do not cost more than a few rows
// each. Searches that ask for existence run on it: issues by a condition on their events, traces by one on
// their spans.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "query/scan.hpp"

namespace telltale::query {

struct GroupWalk {
  ScanPlan scan;      // its order is newest first; its fields, when some are named, must have `group`
  std::string group;  // the field whose text, together with the project, tells groups apart
  /// After so many rows of settled groups those are left out in the store. 0: never, which is right where
  /// groups are small and many.
  std::size_t wasted_rows = 256;
  std::shared_ptr<const storage::RowPlaces> places;  // null: rows are wherever the scan says
  std::size_t max_rows = 0;                          // rows that the walk sees at most; 0: no limit
  /// Longer than zero: the walk may end after it, see WalkEnd::reached.
  Nanos patience{0};
};

enum class Verdict : unsigned char {
  open,     // later rows of the group may still tell something
  settled,  // they cannot
  enough,   // neither can those of other groups
};
using GroupVisitor = std::function<Result<Verdict>(const EventRow&)>;

struct WalkEnd {
  bool complete = true;  // false: max_rows or patience ended it
  /// The time of the last row that was looked at; where it was not complete, older ones may be missing.
  std::optional<UnixNanos> reached;
};

/// Errors: the store's, the visitor's.
Result<WalkEnd> walk_groups(storage::EventStore& store, const GroupWalk& walk, const GroupVisitor& visit,
                            ScanStats& stats, WorkContext& context);

}  // namespace telltale::query
