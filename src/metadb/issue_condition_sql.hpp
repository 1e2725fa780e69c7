// A tree of conditions on issues as the WHERE of a SELECT on `issues`.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "storage/issue_condition.hpp"

namespace telltale::metadb {

using SqlValue = std::variant<std::int64_t, std::string>;

/// Of releases and environments: all their issues are looked up, or each issue is asked whether it is one of
/// them, which is quicker where most are and the first few are wanted, or all issues are counted that are.
enum class SeenTest : unsigned char { listed, asked, counted };

/// Appends an expression with question marks to `sql` and what they stand for to `values`.
void append_issue_condition(const storage::IssueCondition& condition, SeenTest seen, std::string& sql,
                            std::vector<SqlValue>& values);

}  // namespace telltale::metadb
