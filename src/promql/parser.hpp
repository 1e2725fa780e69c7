// PromQL text to a checked syntax tree. Errors are invalid_argument with the place in front, as Prometheus
// words it: `1:5: parse error: …`. What we lack (README.md) is refused by name.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "promql/ast.hpp"

namespace telltale::promql {

/// The whole text is one expression.
Result<ExprPtr> parse(std::string_view text);

/// A bare instant selector without modifiers, as `match[]` takes it.
Result<std::vector<storage::LabelMatcher>> parse_selector(std::string_view text);

/// `name{a="b"}`: a metric with equality matchers only, as test files write series.
Result<Labels> parse_metric(std::string_view text);

/// "line:column" of a byte offset, both from 1; columns count bytes.
std::string position(std::string_view text, std::size_t offset);

}  // namespace telltale::promql
