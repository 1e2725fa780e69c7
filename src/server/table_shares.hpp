// What happens when a table outgrows its share of the disk: its own oldest days go, never those of another,
// so that a flood of logs cannot push out the rest.
#pragma once

#include "eventdb/eventdb.hpp"
#include "io/disk_budget.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::server {

/// Drops the oldest days of each table of events until it is within its share or has one day left; metrics
/// are only warned of. The guard's gauges and warnings come along.
void enforce_table_shares(io::DiskGuard& disk, tsdb::Tsdb& metrics, eventdb::EventDb& events);

}  // namespace telltale::server
