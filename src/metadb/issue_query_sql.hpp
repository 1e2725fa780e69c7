// The WHERE of a search for issues; what its conditions mean says storage/issue_condition.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metadb/connection.hpp"
#include "metadb/issue_condition_sql.hpp"
#include "storage/records.hpp"

namespace telltale::metadb {

/// Of a stretch of time: an index over last_seen may be used for it, or each issue is asked, in an order that
/// another index gives.
enum class RangeTest : unsigned char { indexed, asked };

/// The WHERE of a search with the values for its question marks.
struct IssueWhere {
  std::string sql = "WHERE 1";
  std::vector<SqlValue> values;

  void number(std::string_view text, std::int64_t value) {
    sql.append(text);
    values.emplace_back(value);
  }
  void string(std::string_view text, std::string value) {
    sql.append(text);
    values.emplace_back(std::move(value));
  }
  template <class Items, class Number>
  void one_of(std::string_view column, const Items& items, Number to_number) {
    sql.append(" AND ").append(column).append(" IN (");
    for (std::size_t i = 0; i < items.size(); ++i) number(i == 0 ? "?" : ", ?", to_number(items[i]));
    sql.append(")");
  }
  void bind_to(Query& q) const {
    for (const auto& value : values) std::visit([&](const auto& v) { q.bind(v); }, value);
  }
};

/// Of issues that were not merged into another one.
IssueWhere issue_where(const storage::IssueQuery& query, SeenTest seen = SeenTest::listed,
                       RangeTest range = RangeTest::indexed);

/// What of a condition, all of which must hold, is about states that issues_by_state has.
storage::IssueCondition states_of(const storage::IssueCondition& where);

/// Whose issues are asked for is said, so that an index leads to them.
bool names_assignees(const storage::IssueQuery& query);

/// An environment or a release is asked for in the very stretch of time that the query is about: who was seen
/// there then was seen then.
bool says_range(const storage::IssueQuery& query);

/// Some text of each issue is looked through.
bool looks_into_texts(const storage::IssueQuery& query);

struct SeenName {
  storage::IssueField field;  // release or environment
  std::string name;
};
/// Releases and environments that a condition names.
std::vector<SeenName> seen_names(const storage::IssueCondition& where);

}  // namespace telltale::metadb
