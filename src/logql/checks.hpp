// What the grammar lets through and the language does not: which functions take a parameter, a grouping or
// unwrap, what stands on the sides of an operator. Errors are invalid_argument, without a position; the
// parser adds it.
#pragma once

#include "base/result.hpp"
#include "logql/ast.hpp"

namespace telltale::logql {

Result<> check_binary(const Expr& expr);
Result<> check_range(const Expr& expr);
Result<> check_aggregate(const Expr& expr);
Result<> check_label_replace(const Expr& expr);
Result<> check_filter(const LabelFilter& filter);
Result<> check_stage(const Stage& stage);

}  // namespace telltale::logql
