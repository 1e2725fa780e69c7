#include "query/scan.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "base/limits.hpp"
#include "base/thread_pool.hpp"

namespace telltale::query {

Result<> scan_rows(storage::EventStore& store, const ScanPlan& plan, const RowVisitor& visit,
                   ScanStats& stats, WorkContext& context) {
  storage::EventQuery q;
  q.table = plan.table;
  q.projects = plan.projects;
  q.range = plan.range;
  q.filter = plan.filter;
  q.fields = plan.fields;
  q.order = plan.order;
  q.with_payload = plan.with_payload;
  TT_ASSIGN(const auto cursor, store.select(q, context));
  std::vector<EventRow> rows;
  while (true) {
    TT_TRY(context.check());
    TT_TRY(cursor->next(rows));
    if (rows.empty()) return {};
    for (const EventRow& row : rows) {
      ++stats.rows;
      stats.bytes += row.message.size();
      TT_ASSIGN(const bool more, visit(row));
      if (!more) return {};
    }
  }
}

Result<> scan_rows_in_parallel(storage::EventStore& store, const ScanPlan& plan,
                               std::vector<RowVisitor>& visitors, ScanStats& stats, WorkContext& context) {
  const std::size_t n = visitors.size();
  if (n == 1) return scan_rows(store, plan, visitors[0], stats, context);
  const auto width =
      static_cast<std::uint64_t>(plan.range.to.ns) - static_cast<std::uint64_t>(plan.range.from.ns);
  std::vector<ScanStats> counted(n);
  std::vector<std::optional<Error>> errors(n);
  std::atomic<bool> failed{false};
  const auto work = [&](std::size_t i) {
    ScanPlan piece = plan;
    piece.range.from.ns = plan.range.from.ns + static_cast<std::int64_t>(width / n * i);
    if (i + 1 < n) piece.range.to.ns = plan.range.from.ns + static_cast<std::int64_t>(width / n * (i + 1));
    const RowVisitor checked = [&](const EventRow& row) -> Result<bool> {
      if (failed.load(std::memory_order_relaxed)) return false;
      return visitors[i](row);
    };
    auto done = scan_rows(store, piece, checked, counted[i], context);
    if (done) return;
    errors[i] = std::move(done).error();
    failed.store(true, std::memory_order_relaxed);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < n; ++i)
    threads.emplace_back([&work, i] {
      name_thread("query");
      work(i);
    });
  work(0);
  for (std::thread& t : threads) t.join();
  for (const ScanStats& s : counted) stats.add(s);
  for (auto& error : errors)
    if (error) return tl::unexpected(std::move(*error));
  return {};
}

std::size_t scan_pieces(TimeRange range) {
  constexpr std::int64_t kWorthIt = 60'000'000'000;
  std::int64_t width = 0;
  if (__builtin_sub_overflow(range.to.ns, range.from.ns, &width)) return 1;  // no bounds: nothing to cut
  if (width < kWorthIt) return 1;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, limits::kMaxScanThreads);
}

}  // namespace telltale::query
