// The walk itself, shared by the files that hold its parts.
#pragma once

#include <set>

#include "promql/differential/naive_windows.hpp"

namespace telltale::promql::naive {

/// One query. Not thread-safe.
class Walk {
 public:
  Walk(const std::vector<Series>& data, const QuerySpan& span, const Rules& rules)
      : data_(data), span_(span), rules_(rules) {}

  Result<Value> eval(const Expr& e, std::int64_t now_ms);
  /// The samples of a range, a list for each series; those of a subquery are computed.
  struct LabelledRange {
    Labels labels;
    Range range;
  };
  Result<std::vector<LabelledRange>> ranges(const Expr& e, std::int64_t now_ms);
  bool open() const { return open_; }

 private:
  std::int64_t moved(const Expr& selector, std::int64_t now_ms) const;
  const Point* newest(const Series& s, std::int64_t at_ms) const;
  Value select(const Expr& e, std::int64_t now_ms, bool timestamps) const;
  Result<double> number(const Expr& e, std::int64_t now_ms);
  double settled(const Computed& c) const;

  Result<Value> aggregate_by(const Expr& e, std::int64_t now_ms);
  std::vector<Element> best_of(std::vector<Element> members, double k, bool top);

  Result<Value> binary(const Expr& e, std::int64_t now_ms);
  Value with_scalar(const Expr& e, Value v, double scalar, bool scalar_left) const;
  Value set_operation(const Expr& e, const Value& l, const Value& r) const;
  Result<Value> join(const Expr& e, const Value& l, const Value& r) const;
  double compute(BinaryOp op, double a, double b) const;

  Result<Value> call(const Expr& e, std::int64_t now_ms);
  Result<Value> call_over_range(const Expr& e, std::int64_t now_ms);
  Result<Value> absent(const Expr& e, std::int64_t now_ms);
  Result<Value> histogram_quantile(const Expr& e, std::int64_t now_ms);
  Result<Value> change_labels(const Expr& e, std::int64_t now_ms);
  Result<Value> map_values(const Expr& e, std::int64_t now_ms);

  const std::vector<Series>& data_;
  const QuerySpan span_;
  const Rules rules_;
  bool open_ = false;
};

Labels without_name(Labels labels);
/// execution when two elements have the same labels.
Result<Value> distinct(Value v);

}  // namespace telltale::promql::naive
