// Sentry's trace metrics as series. An SDK sends every single measurement; what is kept are totals: a
// counter's sum, a distribution as a native histogram, a gauge's values as they are. For this folder's .cpp
// files only.
#pragma once

#include <vector>

#include "ingest/delta_totals.hpp"
#include "wire/metric/metric_write.hpp"
#include "wire/sentry/event.hpp"

namespace telltale::ingest {

/// `now` is the time of totals: measurements of several processes arrive in no order.
void add_trace_metrics(const std::vector<wire::sentry::MetricItem>& items, DeltaTotals& totals,
                       ProjectId project, UnixNanos now, wire::MetricWrite& out);

}  // namespace telltale::ingest
