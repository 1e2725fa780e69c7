// When alerts began and ceased to fire, read back from the ALERTS series that rules write: a series' first
// sample is the beginning, its stale marker the end.
#pragma once

#include <vector>

#include "base/context.hpp"
#include "base/time.hpp"
#include "storage/metric_store.hpp"

namespace telltale::alerting {

struct AlertChange {
  UnixMillis time;
  bool firing = false;  // else resolved
  Labels labels;        // of the alert, alertname included
};

/// Newest first, then by labels. An alert that fired in the hour before the range and did not end is taken as
/// firing all along. Errors: the store's.
Result<std::vector<AlertChange>> alert_changes(storage::MetricStore& store, const storage::Projects& projects,
                                               TimeRange range, WorkContext& context);

}  // namespace telltale::alerting
