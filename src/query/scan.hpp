// Which rows a query is about, and going over them one by one. The caller's function says when it has seen
// enough; the deadline, the cancel flag and the memory budget of the context hold throughout.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/context.hpp"
#include "storage/event_store.hpp"

namespace telltale::query {

struct ScanPlan {
  Table table = Table::logs;
  storage::Projects projects;
  TimeRange range;
  storage::EventFilter filter;      // what the store can sort out
  std::vector<std::string> fields;  // as EventQuery's; empty: all
  storage::Order order = storage::Order::oldest_first;
  bool with_payload = false;
};

struct ScanStats {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of messages

  void add(const ScanStats& other) {
    rows += other.rows;
    bytes += other.bytes;
  }
};

/// False: enough.
using RowVisitor = std::function<Result<bool>(const EventRow&)>;

/// Calls `visit` for every row in the plan's order until it has enough. Errors: the store's, the visitor's.
Result<> scan_rows(storage::EventStore& store, const ScanPlan& plan, const RowVisitor& visit,
                   ScanStats& stats, WorkContext& context);

/// The same rows by several threads at once: the range is cut into `visitors.size()` pieces of equal time,
/// and each visitor sees one of them, in order. The first error of the earliest piece is returned and ends
/// the others.
Result<> scan_rows_in_parallel(storage::EventStore& store, const ScanPlan& plan,
                               std::vector<RowVisitor>& visitors, ScanStats& stats, WorkContext& context);

/// How many pieces a scan over `range` is worth: 1 for a short one, at most limits::kMaxScanThreads.
std::size_t scan_pieces(TimeRange range);

}  // namespace telltale::query
