// Durations that are computed: `[5m * 2]`, `offset (step() / 2)`. Their trees are scalar expressions of
// numbers, signs, + - * / % ^, parentheses, min_of, max_of, step() and range(). What step() and range() stand
// for is known only when a query starts, so the engine resolves them then.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "promql/ast.hpp"

namespace telltale::promql {

/// The query as it was asked: what start(), end(), step() and range() stand for.
struct QuerySpan {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t step = 0;  // 0 for an instant query
};

/// True if the duration is known without the query: neither step() nor range() stands in it.
bool is_fixed_duration(const Expr& duration);

/// Milliseconds. Errors point into `text`.
Result<std::int64_t> duration_ms(std::string_view text, const Expr& duration, const QuerySpan& span);
/// The same, above zero, as ranges and the steps of subqueries must be.
Result<std::int64_t> positive_duration_ms(std::string_view text, const Expr& duration, const QuerySpan& span);

/// Sets range_ms, step_ms and offset_ms of every node below `e` whose duration depends on the query.
Result<> resolve_durations(std::string_view text, Expr& e, const QuerySpan& span);

}  // namespace telltale::promql
