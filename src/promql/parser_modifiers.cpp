#include <algorithm>
#include <cmath>

#include "promql/duration.hpp"
#include "promql/parser_impl.hpp"
#include "promql/type_check.hpp"

namespace telltale::promql {

Result<> Parser::modifiers(Expr& e) {
  VectorMatching& m = e.matching;
  if (is_set_operator(e.op)) m.card = Cardinality::many_to_many;
  e.bool_modifier = accept_word("bool");
  if (cur().is_word("on") || cur().is_word("ignoring")) {
    m.written = true;
    m.on = cur().value == "on";
    skip();
    TT_ASSIGN(m.labels, label_list("grouping opts"));
    if (cur().is_word("group_left") || cur().is_word("group_right")) {
      m.card = cur().value == "group_left" ? Cardinality::many_to_one : Cardinality::one_to_many;
      if (is_set_operator(e.op)) {
        return error(cur().begin,
                     "no grouping allowed for \"" + std::string(to_string(e.op)) + "\" operation");
      }
      skip();
      if (cur().is("(")) {
        TT_ASSIGN(m.include, label_list("grouping opts"));
      }
    }
  }
  return fill(e);
}

Result<> Parser::fill(Expr& e) {
  VectorMatching& m = e.matching;
  while (ahead().is("(") &&
         (cur().is_word("fill") || cur().is_word("fill_left") || cur().is_word("fill_right"))) {
    const Token word = cur();
    if (is_set_operator(e.op)) {
      return error(word.begin, "filling in missing series not allowed for set operators");
    }
    skip();
    skip();
    double sign = 1;
    if (cur().is("-") || cur().is("+")) {
      sign = cur().is("-") ? -1 : 1;
      skip();
    }
    if (cur().kind != TokenKind::number) return unexpected("fill modifier, expected number");
    const double value = sign * cur().number;
    skip();
    TT_TRY(expect(")", "fill modifier"));
    if (word.value != "fill_right") {
      if (m.fill_left) return error(word.begin, word.value + " sets the left side twice");
      m.fill_left = value;
    }
    if (word.value != "fill_left") {
      if (m.fill_right) return error(word.begin, word.value + " sets the right side twice");
      m.fill_right = value;
    }
  }
  return {};
}

Result<ExprPtr> Parser::brackets(ExprPtr inner) {
  skip();
  TT_ASSIGN(ExprPtr written, duration("subquery or range selector", 0));
  std::int64_t range_ms = 0;
  ExprPtr range;
  TT_TRY(positive(std::move(written), range_ms, range));
  if (!cur().is(":")) {
    TT_TRY(expect("]", "subquery or range selector"));
    if (inner->kind != ExprKind::vector_selector) {
      return error(inner->begin, "ranges only allowed for vector selectors");
    }
    if (inner->offset_ms != 0 || inner->offset)
      return error(inner->begin, "no offset modifiers allowed before range");
    if (inner->extension != Extension::none) return error(inner->begin, "smoothed must follow the range");
    if (inner->at != AtKind::none) return error(inner->begin, "no @ modifiers allowed before range");
    ExprPtr e = node(ExprKind::matrix_selector, inner->begin);
    e->type = ValueType::matrix;
    e->range_ms = range_ms;
    e->range = std::move(range);
    e->args.push_back(std::move(inner));
    return finish(std::move(e));
  }
  skip();
  ExprPtr e = node(ExprKind::subquery, inner->begin);
  e->type = ValueType::matrix;
  e->range_ms = range_ms;
  e->range = std::move(range);
  if (!cur().is("]")) {
    TT_ASSIGN(ExprPtr step, duration("subquery selector", 0));
    TT_TRY(positive(std::move(step), e->step_ms, e->step));
  }
  TT_TRY(expect("]", "subquery selector"));
  if (inner->type != ValueType::vector) {
    return error(inner->begin,
                 "subquery is only allowed on instant vector, got " + describe(inner->type) + " instead");
  }
  e->args.push_back(std::move(inner));
  return finish(std::move(e));
}

Result<> Parser::positive(ExprPtr duration, std::int64_t& ms, ExprPtr& kept) {
  if (is_fixed_duration(*duration)) {
    TT_ASSIGN(ms, positive_duration_ms(text_, *duration, {}));
  }
  if (duration->kind != ExprKind::number) kept = std::move(duration);
  return {};
}

Result<ExprPtr> Parser::duration(std::string_view where, int min_precedence) {
  if (++depth_ > kMaxParseDepth) return error(cur().begin, "expression is nested too deeply");
  TT_ASSIGN(ExprPtr left, duration_operand(where));
  while (cur().kind == TokenKind::symbol) {
    const auto info = binary_op_of(cur());
    if (!info || is_comparison(info->op) || info->precedence < min_precedence) break;
    skip();
    ExprPtr e = node(ExprKind::binary, left->begin);
    e->op = info->op;
    e->type = ValueType::scalar;
    TT_ASSIGN(ExprPtr right,
              duration(where, info->op == BinaryOp::pow ? info->precedence : info->precedence + 1));
    e->args.push_back(std::move(left));
    e->args.push_back(std::move(right));
    left = finish(std::move(e));
  }
  --depth_;
  return left;
}

Result<ExprPtr> Parser::duration_operand(std::string_view where) {
  const Token t = cur();
  ExprPtr e = node(ExprKind::number, t.begin);
  e->type = ValueType::scalar;
  if (t.kind == TokenKind::number) {
    skip();
    e->number = t.number;
    e->text = std::string(t.text);
    return finish(std::move(e));
  }
  if (t.is("-") || t.is("+")) {
    skip();
    e->kind = ExprKind::unary;
    e->op = t.is("-") ? BinaryOp::sub : BinaryOp::add;
    TT_ASSIGN(ExprPtr inner, duration(where, 7));
    e->args.push_back(std::move(inner));
    return finish(std::move(e));
  }
  if (accept("(")) {
    e->kind = ExprKind::paren;
    TT_ASSIGN(ExprPtr inner, duration(where, 0));
    e->args.push_back(std::move(inner));
    TT_TRY(expect(")", "duration expression"));
    return finish(std::move(e));
  }
  const bool pair = t.is_word("min_of") || t.is_word("max_of");
  if (!pair && !t.is_word("step") && !t.is_word("range")) {
    const std::string shown = t.kind == TokenKind::end ? "end of input" : "\"" + std::string(t.text) + "\"";
    return error(t.begin, "unexpected " + shown + " in " + std::string(where) + ", expected duration");
  }
  skip();
  e->kind = ExprKind::call;
  e->text = t.value;
  TT_TRY(expect("(", "duration expression"));
  for (int i = 0; pair && i < 2; ++i) {
    if (i == 1) TT_TRY(expect(",", "duration expression"));
    TT_ASSIGN(ExprPtr arg, duration(where, 0));
    e->args.push_back(std::move(arg));
  }
  TT_TRY(expect(")", "duration expression"));
  return finish(std::move(e));
}

namespace {

/// The node that carries the modifiers of a selector or subquery; null for anything else.
Expr* modified_node(Expr& e) {
  if (e.kind == ExprKind::vector_selector || e.kind == ExprKind::subquery) return &e;
  if (e.kind == ExprKind::matrix_selector) return e.args[0].get();
  return nullptr;
}

}  // namespace

Result<> Parser::offset(Expr& e) {
  skip();
  double sign = 1;
  ExprPtr written;
  if (cur().is("-") || cur().is("+")) {
    sign = cur().is("-") ? -1 : 1;
    written = node(ExprKind::unary, cur().begin);
    written->type = ValueType::scalar;
    written->op = sign < 0 ? BinaryOp::sub : BinaryOp::add;
    skip();
  }
  TT_ASSIGN(ExprPtr amount, duration_operand("offset"));
  const bool plain = amount->kind == ExprKind::number;
  if (written) {
    written->args.push_back(std::move(amount));
  } else {
    written = std::move(amount);
  }
  Expr* target = modified_node(e);
  if (target == nullptr) {
    return error(e.begin,
                 "offset modifier must be preceded by an instant vector selector or range vector selector or "
                 "a subquery");
  }
  if (target->offset_ms != 0 || target->offset) return error(e.begin, "offset may not be set multiple times");
  if (is_fixed_duration(*written)) {
    TT_ASSIGN(target->offset_ms, duration_ms(text_, *written, {}));
  }
  if (!plain) target->offset = std::move(written);
  return {};
}

Result<> Parser::extension(Expr& e) {
  const bool smoothed = cur().is_word("smoothed");
  const std::string word = cur().value;
  if (e.kind == ExprKind::subquery)
    return error(cur().begin, word + " modifier is not supported on subqueries");
  const bool fits = e.kind == ExprKind::matrix_selector || (smoothed && e.kind == ExprKind::vector_selector);
  if (!fits) {
    return error(cur().begin,
                 word + " modifier must be preceded by " +
                     (smoothed ? "an instant or range vector selector" : "a range vector selector"));
  }
  Expr& target = *modified_node(e);
  if (target.extension != Extension::none) {
    return error(cur().begin, "anchored and smoothed may not be set multiple times");
  }
  target.extension = smoothed ? Extension::smoothed : Extension::anchored;
  skip();
  return {};
}

Result<> Parser::at(Expr& e) {
  skip();
  Expr* target = modified_node(e);
  if (target == nullptr) {
    return error(
        e.begin,
        "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (target->at != AtKind::none) return error(e.begin, "@ <timestamp> may not be set multiple times");
  if (cur().is_word("start") || cur().is_word("end")) {
    target->at = cur().value == "start" ? AtKind::start : AtKind::end;
    skip();
    TT_TRY(expect("(", "@ modifier"));
    return expect(")", "@ modifier");
  }
  double sign = 1;
  if (cur().is("-") || cur().is("+")) {
    sign = cur().is("-") ? -1 : 1;
    skip();
  }
  if (cur().kind != TokenKind::number) return unexpected("@");
  const double ms = sign * cur().number * 1000;
  if (!(std::abs(ms) < 9.2e18)) return error(cur().begin, "timestamp out of bounds for @ modifier");
  target->at = AtKind::time;
  target->at_ms = static_cast<std::int64_t>(std::llround(ms));
  skip();
  return {};
}

}  // namespace telltale::promql
