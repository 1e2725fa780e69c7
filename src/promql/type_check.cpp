#include "promql/type_check.hpp"

#include <algorithm>

#include "promql/eval.hpp"
#include "promql/functions.hpp"
#include "promql/lexer.hpp"

namespace telltale::promql {

std::string describe(ValueType type) {
  switch (type) {
    case ValueType::scalar:
      return "scalar";
    case ValueType::string:
      return "string";
    case ValueType::vector:
      return "instant vector";
    case ValueType::matrix:
      return "range vector";
  }
  return "";
}

namespace {

tl::unexpected<Error> type_error(std::string_view text, std::size_t at, const std::string& message) {
  return tl::unexpected(parse_error(text, at, message));
}

bool scalar_or_vector(ValueType type) { return type == ValueType::scalar || type == ValueType::vector; }

std::string quoted(std::string_view s) { return "\"" + std::string(s) + "\""; }

}  // namespace

Result<> check_binary(std::string_view text, Expr& e, std::size_t op_at) {
  const Expr& l = *e.args[0];
  const Expr& r = *e.args[1];
  const std::string op = quoted(to_string(e.op));
  for (const Expr* side : {&l, &r}) {
    if (!scalar_or_vector(side->type)) {
      return type_error(text, side->begin,
                        "binary expression must contain only scalar and instant vector types");
    }
  }
  const bool both_scalar = l.type == ValueType::scalar && r.type == ValueType::scalar;
  const bool both_vector = l.type == ValueType::vector && r.type == ValueType::vector;
  if (e.bool_modifier && !is_comparison(e.op)) {
    return type_error(text, op_at, "bool modifier can only be used on comparison operators");
  }
  if (is_comparison(e.op) && !e.bool_modifier && both_scalar) {
    return type_error(text, op_at, "comparisons between scalars must use BOOL modifier");
  }
  if ((e.op == BinaryOp::trim_upper || e.op == BinaryOp::trim_lower) && both_scalar) {
    return type_error(text, op_at, "operator " + op + " is for histograms and not allowed between scalars");
  }
  if (is_set_operator(e.op) && !both_vector) {
    return type_error(text, op_at, "set operator " + op + " not allowed in binary scalar expression");
  }
  if (!both_vector && !e.matching.labels.empty()) {
    return type_error(text, op_at, "vector matching only allowed between instant vectors");
  }
  if (!both_vector && (e.matching.fill_left || e.matching.fill_right)) {
    return type_error(text, op_at, "filling in missing series only allowed between instant vectors");
  }
  if (e.matching.on) {
    for (const std::string& label : e.matching.labels) {
      if (std::find(e.matching.include.begin(), e.matching.include.end(), label) !=
          e.matching.include.end()) {
        return type_error(text, op_at,
                          "label " + quoted(label) + " must not occur in ON and GROUP clause at once");
      }
    }
  }
  e.type = both_scalar ? ValueType::scalar : ValueType::vector;
  return {};
}

Result<> check_aggregate(std::string_view text, Expr& e, std::vector<ExprPtr> args) {
  const bool takes_param = e.text == "topk" || e.text == "bottomk" || e.text == "quantile" ||
                           e.text == "count_values" || e.text == "limitk" || e.text == "limit_ratio";
  const std::size_t want = takes_param ? 2 : 1;
  if (args.empty()) return type_error(text, e.begin, "no arguments for aggregate expression provided");
  if (args.size() != want) {
    return type_error(text, e.begin,
                      "wrong number of arguments for aggregate expression provided, expected " +
                          std::to_string(want) + ", got " + std::to_string(args.size()));
  }
  if (takes_param) {
    e.param = std::move(args[0]);
    const ValueType type = e.text == "count_values" ? ValueType::string : ValueType::scalar;
    if (e.param->type != type) {
      return type_error(
          text, e.param->begin,
          "expected type " + describe(type) + " in aggregation parameter, got " + describe(e.param->type));
    }
  }
  if (args.back()->type != ValueType::vector) {
    return type_error(
        text, args.back()->begin,
        "expected type instant vector in aggregation expression, got " + describe(args.back()->type));
  }
  e.args.push_back(std::move(args.back()));
  e.type = ValueType::vector;
  return {};
}

/// A range that uses samples from outside of itself has a meaning for few functions.
static Result<> check_extension(std::string_view text, const Expr& call, const Expr& selector) {
  if (selector.extension == Extension::none || takes_extension(call.text, selector.extension)) return {};
  const bool smoothed = selector.extension == Extension::smoothed;
  return type_error(text, selector.begin,
                    std::string(smoothed ? "smoothed modifier can only be used with: delta, increase, rate"
                                         : "anchored modifier can only be used with: changes, delta, "
                                           "increase, rate, resets") +
                        " - not with " + call.text);
}

Result<> check_call(std::string_view text, Expr& e) {
  const FunctionSignature* f = find_function(e.text);
  if (f == nullptr) {
    return type_error(text, e.begin, "unknown function with name " + quoted(e.text));
  }
  const std::size_t n = e.args.size();
  const std::size_t max = f->args.size();
  const std::string call = " argument(s) in call to " + quoted(f->name) + ", got " + std::to_string(n);
  if (f->optional == 0 && n != max) {
    return type_error(text, e.begin, "expected " + std::to_string(max) + call);
  }
  const std::size_t min = f->optional < 0 ? max - 1 : max - static_cast<std::size_t>(f->optional);
  if (n < min) return type_error(text, e.begin, "expected at least " + std::to_string(min) + call);
  if (f->optional >= 0 && n > max)
    return type_error(text, e.begin, "expected at most " + std::to_string(max) + call);
  for (std::size_t i = 0; i < n; ++i) {
    const ValueType want = f->args[std::min(i, max - 1)];
    if (e.args[i]->type != want) {
      return type_error(text, e.args[i]->begin,
                        "expected type " + describe(want) + " in call to function " + quoted(f->name) +
                            ", got " + describe(e.args[i]->type));
    }
  }
  for (const ExprPtr& arg : e.args) {
    const Expr& range = unwrap(*arg);
    if (range.kind == ExprKind::matrix_selector) TT_TRY(check_extension(text, e, *range.args[0]));
  }
  e.type = f->result;
  return {};
}

}  // namespace telltale::promql
