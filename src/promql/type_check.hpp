// The rules of which types may meet, applied while parsing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "promql/ast.hpp"

namespace telltale::promql {

/// "instant vector", "range vector", "scalar", "string": as error messages name types.
std::string describe(ValueType type);

/// Each sets the node's type or fails with a parse error.
Result<> check_binary(std::string_view text, Expr& e, std::size_t op_at);
Result<> check_aggregate(std::string_view text, Expr& e, std::vector<ExprPtr> args);
Result<> check_call(std::string_view text, Expr& e);

}  // namespace telltale::promql
