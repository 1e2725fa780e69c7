// What of a pipeline a store can answer: which conditions every row must meet that the pipeline lets through,
// and whether they are all there is to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "logql/ast.hpp"
#include "storage/event_store.hpp"

namespace telltale::logql {

struct PushDown {
  /// Every row passes it that the pipeline lets through.
  storage::EventFilter filter;
  /// The filter is the whole pipeline: rows that pass it are let through, unchanged and without an error, and
  /// no stage reads their text.
  bool exact = true;
};

PushDown push_down(const LogQuery& query);

/// A pipeline that parses JSON, answered by what was read out of the lines when they were taken in.
struct StoredPlan {
  /// Exactly the rows that the pipeline lets through, of those for which `given` holds: these have no error,
  /// and every label that the query reads is their stored field.
  storage::EventFilter filter;
  storage::EventFilter given;
};
/// nullopt when some stage is more than that. `texts`, `numbers`: labels that the query reads behind the
/// pipeline, as they are or as numbers (a row without one is as good as a number).
std::optional<StoredPlan> plan_on_stored(const LogQuery& query, const std::vector<std::string>& texts,
                                         const std::vector<std::string>& numbers);

}  // namespace telltale::logql
