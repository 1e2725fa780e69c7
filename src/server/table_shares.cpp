#include "server/table_shares.hpp"

#include <algorithm>

namespace telltale::server {

void enforce_table_shares(io::DiskGuard& disk, tsdb::Tsdb& metrics, eventdb::EventDb& events) {
  const auto numbers = metrics.stats();
  std::vector<io::TableUsage> usage = {{"metrics", numbers.disk_bytes, limits::kMetricsBudgetPercent}};
  for (const auto& [table, bytes] : events.stats().disk_bytes) {
    const int percent = table == Table::logs    ? limits::kLogsBudgetPercent
                        : table == Table::spans ? limits::kSpansBudgetPercent
                                                : limits::kErrorsBudgetPercent;
    usage.push_back({std::string(to_string(table)), bytes, percent});
  }
  for (const auto& [name, excess] : disk.check_tables(usage)) {
    const auto table =
        std::find_if(std::begin(kTables), std::end(kTables), [&](Table t) { return to_string(t) == name; });
    if (table == std::end(kTables)) continue;  // metrics: only the warning
    for (std::uint64_t freed = 0; freed < excess;) {
      const auto dropped = events.drop_oldest_day(*table);
      if (!dropped || *dropped == 0) break;
      freed += *dropped;
    }
  }
}

}  // namespace telltale::server
