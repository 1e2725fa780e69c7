// Issues that may be the same problem, for people to look at and perhaps to merge: of the same class of
// exception or thrown in the same place, and told in similar words. Nothing is merged because of it.
//
// Likeness is between 0 and 1: half of it is the share of words that both titles have (those with digits do
// not count: they are ids and numbers), a quarter each the same class and the same place.
#pragma once

#include <vector>

#include "storage/records.hpp"

namespace telltale::errors {

inline constexpr double kLeastLikeness = 0.5;

struct SimilarIssue {
  storage::Issue issue;
  double likeness = 0;
  bool same_type = false;
  bool same_place = false;  // culprit
};

/// How alike two issues are told; without looking at their projects.
SimilarIssue compare_issues(const storage::Issue& to, storage::Issue candidate);

/// Of the issue's project, the most alike first, at least kLeastLikeness; looks at the
/// limits::kMaxSimilarCandidates that were seen last of those with its class or its place.
Result<std::vector<SimilarIssue>> similar_issues(storage::RecordStore& records, const storage::Issue& issue,
                                                 std::size_t limit);

}  // namespace telltale::errors
