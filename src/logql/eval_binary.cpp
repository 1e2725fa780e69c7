// Binary operators between scalars and vectors, as PromQL has them, but for division by zero, which LogQL
// calls NaN.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "logql/eval.hpp"

namespace telltale::logql {
namespace {

using query::has_value;
using query::no_value;

double arithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::add:
      return a + b;
    case BinaryOp::sub:
      return a - b;
    case BinaryOp::mul:
      return a * b;
    case BinaryOp::div:
      return b == 0 ? std::numeric_limits<double>::quiet_NaN() : a / b;
    case BinaryOp::mod:
      return b == 0 ? std::numeric_limits<double>::quiet_NaN() : std::fmod(a, b);
    default:
      return std::pow(a, b);
  }
}

bool compares(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::eq:
      return a == b;
    case BinaryOp::ne:
      return a != b;
    case BinaryOp::lt:
      return a < b;
    case BinaryOp::le:
      return a <= b;
    case BinaryOp::gt:
      return a > b;
    default:
      return a >= b;
  }
}

/// `kept`: what a comparison without bool lets through.
double operate(const Expr& e, double a, double b, double kept) {
  if (!is_comparison(e.binary_op)) return arithmetic(e.binary_op, a, b);
  const bool holds = compares(e.binary_op, a, b);
  if (e.bool_modifier) return holds ? 1 : 0;
  return holds ? kept : no_value();
}

Labels signature(const Labels& labels, const Matching& m) {
  Grouping g;
  g.given = true;
  g.without = !m.on;
  g.labels = m.labels;
  return grouped(labels, g);
}

StepValues with_scalar(const Expr& e, StepValues left, StepValues right) {
  const bool scalar_left = left.scalar;
  StepValues& vector = scalar_left ? right : left;
  const std::vector<double>& number = (scalar_left ? left : right).series[0].values;
  for (SeriesValues& s : vector.series) {
    for (std::size_t k = 0; k < s.values.size(); ++k) {
      const double v = s.values[k];
      if (!has_value(v)) continue;
      s.values[k] = scalar_left ? operate(e, number[k], v, v) : operate(e, v, number[k], v);
    }
  }
  std::erase_if(vector.series, [](const SeriesValues& s) {
    return std::none_of(s.values.begin(), s.values.end(), has_value);
  });
  return std::move(vector);
}

StepValues scalars(const Expr& e, StepValues left, const StepValues& right) {
  // Between numbers a comparison is 1 or 0, with bool or without.
  for (std::size_t k = 0; k < left.series[0].values.size(); ++k) {
    double& a = left.series[0].values[k];
    const double b = right.series[0].values[k];
    a = is_comparison(e.binary_op) ? (compares(e.binary_op, a, b) ? 1 : 0) : arithmetic(e.binary_op, a, b);
  }
  return left;
}

StepValues set_operation(const Expr& e, StepValues left, StepValues right) {
  const std::size_t steps = !left.series.empty()    ? left.series[0].values.size()
                            : !right.series.empty() ? right.series[0].values.size()
                                                    : 0;
  const auto present = [&](const StepValues& side) {
    std::map<Labels, std::vector<bool>> out;
    for (const SeriesValues& s : side.series) {
      auto& steps_of = out.try_emplace(signature(s.labels, e.matching), steps, false).first->second;
      for (std::size_t k = 0; k < steps; ++k)
        if (has_value(s.values[k])) steps_of[k] = true;
    }
    return out;
  };
  const auto keep = [&](StepValues& side, const std::map<Labels, std::vector<bool>>& other, bool where) {
    for (SeriesValues& s : side.series) {
      const auto found = other.find(signature(s.labels, e.matching));
      for (std::size_t k = 0; k < steps; ++k)
        if ((found != other.end() && found->second[k]) != where) s.values[k] = no_value();
    }
    std::erase_if(side.series, [](const SeriesValues& s) {
      return std::none_of(s.values.begin(), s.values.end(), has_value);
    });
  };
  if (e.binary_op != BinaryOp::or_) {
    keep(left, present(right), e.binary_op == BinaryOp::and_);
    return left;
  }
  keep(right, present(left), false);
  // A series may come from both sides, at different steps.
  std::map<Labels, std::size_t> at;
  for (std::size_t i = 0; i < left.series.size(); ++i) at.emplace(left.series[i].labels, i);
  for (SeriesValues& s : right.series) {
    const auto found = at.find(s.labels);
    if (found == at.end()) {
      left.series.push_back(std::move(s));
      continue;
    }
    for (std::size_t k = 0; k < steps; ++k)
      if (has_value(s.values[k])) left.series[found->second].values[k] = s.values[k];
  }
  left.ordered = false;
  sort_series(left);
  return left;
}

Labels result_labels(const Labels& many, const Labels& one, const Matching& m) {
  if (m.card == Cardinality::one_to_one) return signature(many, m);
  Labels out = many;
  for (const std::string& name : m.include) out.set(name, one.get(name));
  return out;
}

Result<StepValues> match(const Expr& e, const StepValues& left, const StepValues& right) {
  const bool swapped = e.matching.card == Cardinality::one_to_many;
  const StepValues& many = swapped ? right : left;
  const StepValues& one = swapped ? left : right;
  std::map<Labels, std::vector<std::size_t>> by_signature;
  for (std::size_t i = 0; i < one.series.size(); ++i)
    by_signature[signature(one.series[i].labels, e.matching)].push_back(i);
  const auto duplicate = [](const Labels& sign, std::string_view side) {
    return fail(ErrorKind::execution,
                fmt::format("several series match on the {} side of the operator for {}: put group_left or "
                            "group_right, or aggregate that side",
                            side, sign.to_string()));
  };
  std::map<Labels, SeriesValues> out;
  for (const SeriesValues& m : many.series) {
    const Labels sign = signature(m.labels, e.matching);
    const auto found = by_signature.find(sign);
    if (found == by_signature.end()) continue;
    const std::size_t steps = m.values.size();
    for (std::size_t k = 0; k < steps; ++k) {
      if (!has_value(m.values[k])) continue;
      const SeriesValues* partner = nullptr;
      for (const std::size_t i : found->second) {
        if (!has_value(one.series[i].values[k])) continue;
        if (partner != nullptr) return duplicate(sign, swapped ? "left" : "right");
        partner = &one.series[i];
      }
      if (partner == nullptr) continue;
      const double a = swapped ? partner->values[k] : m.values[k];
      const double b = swapped ? m.values[k] : partner->values[k];
      const double v = operate(e, a, b, a);
      Labels labels = result_labels(m.labels, partner->labels, e.matching);
      auto at = out.find(labels);
      if (at == out.end())
        at = out.emplace(labels, SeriesValues{labels, std::vector<double>(steps, no_value())}).first;
      if (has_value(at->second.values[k])) return duplicate(sign, swapped ? "right" : "left");
      if (has_value(v)) at->second.values[k] = v;
    }
  }
  StepValues result;
  for (auto& [labels, s] : out)
    if (std::any_of(s.values.begin(), s.values.end(), has_value)) result.series.push_back(std::move(s));
  return result;
}

}  // namespace

Result<StepValues> eval_binary(const Expr& e, StepValues left, StepValues right, EvalContext& context) {
  TT_TRY(context.context.check());
  if (left.scalar && right.scalar) return scalars(e, std::move(left), right);
  if (left.scalar || right.scalar) return with_scalar(e, std::move(left), std::move(right));
  if (is_set_operator(e.binary_op)) return set_operation(e, std::move(left), std::move(right));
  return match(e, left, right);
}

}  // namespace telltale::logql
