// What a log query's rows are worth to a metric, one row at a time as they come in: whether the query lets
// the row through, the values it is grouped by, and the number or text of one of its labels.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "logql/ast.hpp"
#include "model/event_row.hpp"

namespace telltale::logql {

enum class RowOutcome : unsigned char {
  filtered,  // the query does not show the row
  unusable,  // it does, but with an error, or without the value wanted
  counted
};

struct RowValue {
  std::vector<std::string> group;  // as `by`; absent is empty
  double number = 0;               // the unwrapped label's, when it is wanted as a number
  std::uint64_t hash = 0;          // of its text otherwise
};

/// Not thread-safe.
class RowValues {
 public:
  /// query.unwrap names the label that a row must have, if any; `as_number`: its number is wanted, not its
  /// text. invalid_argument.
  static Result<RowValues> compile(const LogQuery& query, std::vector<std::string> by, bool as_number);
  ~RowValues();
  RowValues(RowValues&&) noexcept;
  RowValues& operator=(RowValues&&) noexcept;

  /// `out` counts only for `counted`.
  RowOutcome read(const EventRow& row, RowValue& out);

 private:
  struct Impl;
  explicit RowValues(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::logql
