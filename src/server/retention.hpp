// How long events and samples are kept, out of the settings: selectors of retention rules become filters of
// the stores, LogQL's of events and PromQL's of metrics.
#pragma once

#include "config/config.hpp"
#include "eventdb/eventdb.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::server {

// invalid_argument of both names file and line of a rule whose selector is wrong, or that is there twice.
Result<eventdb::EventRetention> event_retention(const config::RetentionConfig& from);
Result<tsdb::MetricRetention> metric_retention(const config::RetentionConfig& from);

}  // namespace telltale::server
