#include "logql/engine.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "logql/eval.hpp"
#include "query/scan.hpp"

namespace telltale::logql {
namespace {

Result<StepValues> eval(const Expr& e, EvalContext& context) {
  switch (e.kind) {
    case ExprKind::log:
      return fail(ErrorKind::invalid_argument, "log lines where a metric is wanted");
    case ExprKind::number:
    case ExprKind::vector: {
      StepValues out;
      out.scalar = e.kind == ExprKind::number;
      out.series.push_back({Labels(), std::vector<double>(context.grid.steps, e.number)});
      return out;
    }
    case ExprKind::range:
      return eval_range(e, nullptr, context);
    case ExprKind::aggregate: {
      if (takes_outer_sum(e)) {
        Grouping grouping = e.grouping;
        grouping.given = true;  // without any, everything is one group
        TT_ASSIGN(StepValues inner, eval_range(e.args[0], &grouping, context));
        // What was read by group needs no more than that groups with equal labels be one.
        return eval_aggregate(e, std::move(inner), context);
      }
      TT_ASSIGN(StepValues inner, eval(e.args[0], context));
      return eval_aggregate(e, std::move(inner), context);
    }
    case ExprKind::label_replace: {
      TT_ASSIGN(StepValues inner, eval(e.args[0], context));
      return eval_label_replace(e, std::move(inner));
    }
    case ExprKind::binary: {
      TT_ASSIGN(StepValues left, eval(e.args[0], context));
      TT_ASSIGN(StepValues right, eval(e.args[1], context));
      return eval_binary(e, std::move(left), std::move(right), context);
    }
  }
  return fail(ErrorKind::internal, "an expression of no kind");
}

Result<QueryResult> run_log(storage::EventStore& store, const LogQuery& q, const QueryRequest& request,
                            WorkContext& context) {
  QueryResult out;
  TT_ASSIGN(Pipeline pipeline, Pipeline::compile(q));
  query::ScanPlan plan;
  plan.table = request.table;
  plan.projects = request.projects;
  plan.range = {request.start, request.end};
  plan.filter = pipeline.necessary();
  plan.order = request.direction;
  const std::size_t limit =
      request.limit == 0 ? limits::kMaxLogEntries : std::min(request.limit, limits::kMaxLogEntries);
  query::ScanStats stats;
  LogEntry entry;
  auto done = query::scan_rows(
      store, plan,
      [&](const EventRow& row) -> Result<bool> {
        if (!pipeline.process(row, entry)) return true;
        ++out.stats.matched;
        std::size_t bytes = sizeof entry + entry.line.size();
        for (const auto* list : {&entry.stream, &entry.metadata, &entry.parsed})
          for (const Label& l : *list) bytes += sizeof l + l.name.size() + l.value.size();
        TT_TRY(context.charge(bytes));
        out.entries.push_back(std::move(entry));
        return out.entries.size() < limit;
      },
      stats, context);
  if (!done) return tl::unexpected(std::move(done).error());
  out.stats.rows = stats.rows;
  out.stats.bytes = stats.bytes;
  return out;
}

Result<query::WindowGrid> grid_of(const QueryRequest& request) {
  query::WindowGrid grid;
  grid.start = request.step.count() == 0 ? request.end : request.start;
  if (request.step.count() == 0) return grid;
  if (request.step.count() < 0) return fail(ErrorKind::invalid_argument, "step: not negative");
  if (request.end < request.start) return fail(ErrorKind::invalid_argument, "end: before start");
  std::int64_t width = 0;
  const bool wide = __builtin_sub_overflow(request.end.ns, request.start.ns, &width);
  const std::int64_t steps = wide ? INT64_MAX : width / request.step.count();
  if (steps >= static_cast<std::int64_t>(limits::kMaxQueryPoints))
    return fail(ErrorKind::invalid_argument,
                fmt::format("step: more than {} points (kMaxQueryPoints); take a longer step",
                            limits::kMaxQueryPoints));
  grid.step = request.step;
  grid.steps = static_cast<std::size_t>(steps) + 1;
  return grid;
}

/// Refuses windows whose ends do not fit into 64 bits.
bool fits(const Expr& e, const query::WindowGrid& grid) {
  for (const Expr& arg : e.args)
    if (!fits(arg, grid)) return false;
  if (e.kind != ExprKind::range) return true;
  for (const UnixNanos t : {grid.time(0), grid.time(grid.steps - 1)}) {
    std::int64_t at = 0;
    if (__builtin_sub_overflow(t.ns, e.log.offset.count(), &at) ||
        __builtin_sub_overflow(at, e.log.range.count(), &at) || at < INT64_MIN / 2 || at > INT64_MAX / 2)
      return false;
  }
  return true;
}

Result<QueryResult> run_metric(storage::EventStore& store, const Expr& expr, const QueryRequest& request,
                               WorkContext& context) {
  QueryResult out;
  TT_ASSIGN(const query::WindowGrid grid, grid_of(request));
  if (!fits(expr, grid))
    return fail(ErrorKind::invalid_argument, "range or offset: too far from the present");
  EvalContext eval_context{store, request, grid, context, out.stats};
  TT_ASSIGN(StepValues values, eval(expr, eval_context));
  if (values.series.size() > limits::kMaxQuerySeries)
    return fail(ErrorKind::resource_exhausted,
                fmt::format("more than {} series (kMaxQuerySeries) in the answer", limits::kMaxQuerySeries));
  const bool instant = request.step.count() == 0;
  if (instant && values.scalar) {
    out.kind = ResultKind::scalar;
    out.scalar = {grid.time(0), values.series[0].values[0]};
    return out;
  }
  out.kind = instant ? ResultKind::vector : ResultKind::matrix;
  if (!values.ordered) sort_series(values);
  for (SeriesValues& s : values.series) {
    Series& series = out.series.emplace_back();
    series.labels = std::move(s.labels);
    for (std::size_t k = 0; k < s.values.size(); ++k)
      if (query::has_value(s.values[k])) series.points.push_back({grid.time(k), s.values[k]});
    if (series.points.empty()) out.series.pop_back();
  }
  return out;
}

}  // namespace

std::string_view to_string(ResultKind kind) {
  static constexpr std::string_view kNames[] = {"streams", "matrix", "vector", "scalar"};
  return kNames[static_cast<std::size_t>(kind)];
}

Result<QueryResult> run(storage::EventStore& store, const Expr& expr, const QueryRequest& request,
                        WorkContext& context) {
  const Nanos began = context.clock().steady();
  auto out =
      expr.is_log() ? run_log(store, expr.log, request, context) : run_metric(store, expr, request, context);
  if (out) out->stats.took = context.clock().steady() - began;
  return out;
}

std::vector<Stream> group_streams(const std::vector<LogEntry>& entries, bool categorized) {
  std::vector<Stream> out;
  std::map<std::vector<Label>, std::size_t> at;
  for (const LogEntry& entry : entries) {
    const std::vector<Label> key = categorized ? entry.stream : entry.labels().items();
    const auto [found, fresh] = at.try_emplace(key, out.size());
    if (fresh) out.push_back({key, {}});
    out[found->second].entries.push_back(&entry);
  }
  return out;
}

}  // namespace telltale::logql
