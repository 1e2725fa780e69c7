// Reads LogQL: Loki's whole language, and beyond it
//   - the selector may be left out: `|= "timeout" | json`, `count_over_time(|= "timeout" [5m])`;
//   - `any("text")` in a line filter looks into every field of a row;
//   - `distinct_over_time(… | unwrap user_id [1d])` counts different values;
//   - names may be written with dots (`service.name`) and mean their sanitised spelling.
// Every part that can be wrong is checked here, so that what parses can be run: regular expressions,
// patterns, templates, addresses, parameters, groupings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "logql/ast.hpp"

namespace telltale::logql {

/// invalid_argument: `parse error at line 1, col N: …`.
Result<Expr> parse(std::string_view text);
/// A stream selector alone: `{app="web", level=~"err.*"}`; `{}` and nothing at all: no matchers.
Result<std::vector<Matcher>> parse_matchers(std::string_view text);

/// The canonical text of a query; parses to the same tree.
std::string format(const Expr& expr);
std::string format(const LogQuery& query);
std::string format(const Matcher& matcher);

}  // namespace telltale::logql
