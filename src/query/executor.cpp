#include "query/executor.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "base/limits.hpp"

namespace telltale::query {
namespace {

tl::unexpected<Error> too_many_series(std::size_t limit) {
  return fail(
      ErrorKind::resource_exhausted,
      fmt::format("more than {} series (kMaxQuerySeries); group by fewer labels or narrow the selector",
                  limit));
}

/// What one thread has gathered.
struct Piece {
  std::unique_ptr<SampleReader> reader;
  std::vector<WindowSeries> series;
  std::uint32_t hint = 0;
};

}  // namespace

Result<std::vector<SeriesValues>> run_windows(storage::EventStore& store, WindowPlan plan,
                                              std::vector<std::unique_ptr<SampleReader>> readers,
                                              ScanStats& stats, WorkContext& context) {
  constexpr std::size_t kSeriesBytes = 400;  // labels, map nodes and vectors of one
  const std::size_t cell_bytes = plan.grid.steps * 40;
  TT_TRY(context.charge(cell_bytes));
  const WindowCells cells(plan.grid);
  plan.scan.range = plan.grid.covered();
  plan.scan.order = storage::Order::oldest_first;
  std::vector<Piece> pieces;
  for (auto& reader : readers) pieces.push_back({std::move(reader), {}, 0});
  std::vector<RowVisitor> visitors;
  for (Piece& piece : pieces) {
    visitors.emplace_back([&piece, &cells, &plan, &context](const EventRow& row) -> Result<bool> {
      const auto cell = cells.cell_of(row.time, piece.hint);
      if (!cell) return true;
      WindowSample sample;
      std::uint32_t number = 0;
      TT_ASSIGN(const bool counts, piece.reader->read(row, sample, number));
      if (!counts) return true;
      if (number >= piece.series.size()) {
        if (number >= plan.max_series) return too_many_series(plan.max_series);
        TT_TRY(context.charge(kSeriesBytes));
        piece.series.resize(number + 1, WindowSeries(plan.op));
      }
      TT_TRY(piece.series[number].add(*cell, sample, context));
      return true;
    });
  }
  TT_TRY(scan_rows_in_parallel(store, plan.scan, visitors, stats, context));

  std::map<Labels, WindowSeries> joined;
  for (Piece& piece : pieces) {
    for (std::size_t i = 0; i < piece.series.size(); ++i) {
      const auto [at, fresh] = joined.try_emplace(piece.reader->series()[i], plan.op);
      at->second.append(std::move(piece.series[i]));
      if (fresh && joined.size() > plan.max_series) return too_many_series(plan.max_series);
    }
    piece.series.clear();
  }
  std::vector<SeriesValues> out;
  out.reserve(joined.size());
  for (auto& [labels, series] : joined) {
    TT_TRY(context.check());
    TT_TRY(context.charge(plan.grid.steps * sizeof(double)));
    out.push_back({labels, series.values(cells, plan.q)});
  }
  return out;
}

Result<std::optional<std::vector<SeriesValues>>> run_aggregated(storage::EventStore& store,
                                                                const AggregatePlan& plan,
                                                                WorkContext& context) {
  using storage::MeasureOp;
  const WindowGrid& grid = plan.grid;
  const Nanos bucket = grid.steps == 1 ? grid.range : Nanos(std::gcd(grid.range.count(), grid.step.count()));
  const TimeRange covered = grid.covered();
  const MeasureOp op = plan.measure.op;
  const bool sketch = op == MeasureOp::quantile || op == MeasureOp::distinct;
  const auto buckets = static_cast<std::uint64_t>((covered.to - covered.from).count()) /
                       static_cast<std::uint64_t>(bucket.count());
  if ((sketch && bucket != grid.range) || buckets > limits::kMaxAggregateBuckets) return std::nullopt;

  storage::EventAggregateQuery q;
  q.table = plan.table;
  q.projects = plan.projects;
  q.range = covered;
  q.filter = plan.filter;
  q.group_by = plan.group_by;
  q.any_spelling = true;
  q.bucket = bucket;
  q.origin = covered.from;
  q.measures = {plan.measure};
  if (plan.least_samples > 0) q.measures.push_back({MeasureOp::count, {}, 0});
  q.max_groups = plan.max_series;
  TT_ASSIGN(const auto rows, run_grouped(store, q, context));
  if (!rows) return too_many_series(plan.max_series);
  double samples = 0;
  for (const storage::EventAggregateRow& row : *rows) samples += row.values.back();
  if (plan.least_samples > 0 && samples < static_cast<double>(plan.least_samples)) return std::nullopt;
  const WindowCells cells(grid);
  const WindowOp window = op == MeasureOp::min     ? WindowOp::min
                          : op == MeasureOp::max   ? WindowOp::max
                          : op == MeasureOp::first ? WindowOp::first
                          : op == MeasureOp::last  ? WindowOp::last
                                                   : WindowOp::sum;
  std::map<Labels, WindowSeries> joined;
  for (const storage::EventAggregateRow& row : *rows) {
    if (std::isnan(row.values[0])) continue;
    std::uint32_t hint = 0;
    const auto cell = cells.cell_of(row.bucket, hint);
    if (!cell) continue;
    std::vector<Label> labels;
    for (std::size_t i = 0; i < plan.group_by.size(); ++i) labels.push_back({plan.group_by[i], row.group[i]});
    const auto at = joined.try_emplace(Labels(std::move(labels)), window).first;
    TT_TRY(at->second.add(*cell, {row.values[0], 0}, context));
  }
  std::vector<SeriesValues> out;
  for (auto& [labels, series] : joined) {
    TT_TRY(context.charge(grid.steps * sizeof(double)));
    out.push_back({labels, series.values(cells, 0)});
  }
  return std::optional(std::move(out));
}

Result<std::optional<std::vector<storage::EventAggregateRow>>> run_grouped(
    storage::EventStore& store, const storage::EventAggregateQuery& query, WorkContext& context) {
  auto rows = store.aggregate(query, context);
  if (rows) return std::optional(*std::move(rows));
  // The memory's budget has the same kind.
  if (rows.error().kind() == ErrorKind::resource_exhausted &&
      rows.error().message().find("groups") != std::string::npos)
    return std::nullopt;
  return tl::unexpected(std::move(rows).error());
}

}  // namespace telltale::query
