// The WHERE of a query that is put together, with the values for its question marks in their order.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "metadb/connection.hpp"

namespace telltale::metadb {

class Where {
 public:
  /// ` AND <text>`, with a value for its question mark.
  void number(std::string_view text, std::int64_t value) {
    sql_.append(" AND ").append(text);
    values_.emplace_back(value);
  }
  void string(std::string_view text, std::string_view value) {
    sql_.append(" AND ").append(text);
    values_.emplace_back(std::string(value));
  }
  /// `columns` (with `LIKE ? ESCAPE '\'` each, joined by OR) hold the text, ASCII case ignored.
  void holds(std::initializer_list<std::string_view> columns, std::string_view text) {
    std::string pattern = "%";
    for (const char c : text) {
      if (c == '%' || c == '_' || c == '\\') pattern.push_back('\\');
      pattern.push_back(c);
    }
    pattern += '%';
    sql_ += " AND (0";
    for (const auto column : columns) {
      sql_.append(" OR ").append(column).append(" LIKE ? ESCAPE '\\'");
      values_.emplace_back(pattern);
    }
    sql_ += ')';
  }
  /// None: no row at all.
  void projects(std::string_view column, const std::vector<ProjectId>& projects) {
    sql_.append(" AND ").append(column).append(" IN (");
    for (std::size_t i = 0; i < projects.size(); ++i) {
      sql_ += i == 0 ? "?" : ", ?";
      values_.emplace_back(std::int64_t{projects[i].value});
    }
    sql_ += ')';
  }
  void between(std::string_view column, TimeRange range) {
    if (range.from.ns != INT64_MIN) number(std::string(column) + " >= ?", range.from.ns);
    if (range.to.ns != INT64_MAX) number(std::string(column) + " < ?", range.to.ns);
  }
  const std::string& sql() const { return sql_; }
  void bind_to(Query& q) const {
    for (const auto& value : values_) std::visit([&](const auto& v) { q.bind(v); }, value);
  }

 private:
  std::string sql_ = " WHERE 1";
  std::vector<std::variant<std::int64_t, std::string>> values_;
};

}  // namespace telltale::metadb
