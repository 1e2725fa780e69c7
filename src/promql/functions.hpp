// The table of PromQL's functions: what they take and give. The parser checks calls against it; evaluation
// looks up its own code by name.
#pragma once

#include <string_view>
#include <vector>

#include "promql/ast.hpp"

namespace telltale::promql {

struct FunctionSignature {
  std::string_view name;
  ValueType result;
  std::vector<ValueType> args;
  int optional = 0;  // of the last arguments; -1: the last may repeat, or be absent
};

/// Null when there is none of that name.
const FunctionSignature* find_function(std::string_view name);
/// All there are, experimental ones too.
std::vector<std::string_view> function_names();
/// Experimental in Prometheus 3.14: behind a flag (features.hpp).
bool is_experimental_function(std::string_view name);

}  // namespace telltale::promql
