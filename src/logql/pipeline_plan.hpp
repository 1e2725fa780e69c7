// What of a pipeline a store can answer: which conditions every row must meet that the pipeline lets through,
// and whether they are all there is to it.
#pragma once

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

}  // namespace telltale::logql
