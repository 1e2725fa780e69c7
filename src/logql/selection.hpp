// The rows that a log query is about, for whoever works on rows and not on what a query shows of them:
// deleting.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "model/event_row.hpp"
#include "storage/event_store.hpp"

namespace telltale::logql {

struct RowSelection {
  /// Every row of the selection passes it.
  storage::EventFilter filter;
  /// Asked of rows that pass the filter, with all their columns; null: they are the selection. For one thread
  /// at a time; copies share their state.
  std::function<bool(const EventRow&)> rest;
};

/// Of a log query's selector, line filters, parsers and label filters. A row that a stage finds an error in
/// (it is shown with an `__error__`) is not of the selection, unless the query asks for `__error__`.
/// invalid_argument: what does not parse, metric queries, a query without any condition, and stages that only
/// change what is shown (line_format, label_format, decolorize, drop, keep).
Result<RowSelection> select_rows(std::string_view query);

}  // namespace telltale::logql
