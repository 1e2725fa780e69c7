// Internal: values of metric expressions, one number a series and step, and what operators do with them.
#pragma once

#include <string>
#include <vector>

#include "logql/engine.hpp"
#include "query/executor.hpp"

namespace telltale::logql {

using query::SeriesValues;

struct StepValues {
  bool scalar = false;               // one series without labels, a value at every step
  bool ordered = false;              // the order of the series is part of the answer (sort, topk)
  std::vector<SeriesValues> series;  // else by labels
};

struct EvalContext {
  storage::EventStore& store;
  const QueryRequest& request;
  query::WindowGrid grid;  // start, step, steps
  WorkContext& context;
  QueryStats& stats;
};

/// `inner_grouping`: of a sum right around the range aggregation, done while reading.
Result<StepValues> eval_range(const Expr& expr, const Grouping* inner_grouping, EvalContext& context);
Result<StepValues> eval_aggregate(const Expr& expr, StepValues inner, EvalContext& context);
Result<StepValues> eval_binary(const Expr& expr, StepValues left, StepValues right, EvalContext& context);
Result<StepValues> eval_label_replace(const Expr& expr, StepValues inner);

/// The labels that a grouping leaves of a set.
Labels grouped(const Labels& labels, const Grouping& grouping);

/// Whether sum by (…) around this range aggregation may be done while reading.
bool takes_outer_sum(const Expr& outer);

void sort_series(StepValues& values);

}  // namespace telltale::logql
