// Precedence climbing over the token list. Precedences, low to high: or · and unless · comparisons · + - ·
// * / % atan2 · unary · ^ (binds to the right) · postfix modifiers. Types are checked as nodes are made, so
// that an error points at the smallest wrong part.
#include "promql/parser.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/promql_limits.hpp"
#include "promql/functions.hpp"
#include "promql/parser_impl.hpp"
#include "promql/type_check.hpp"

namespace telltale::promql {
namespace {

constexpr std::string_view kAggregators[] = {"avg", "bottomk", "count",    "count_values", "group",
                                             "max", "min",     "quantile", "stddev",       "stdvar",
                                             "sum", "topk",    "limitk",   "limit_ratio"};

template <std::size_t N>
bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

std::optional<OpInfo> binary_op_of(const Token& t) {
  if (t.kind == TokenKind::identifier) {
    if (t.value == "or") return OpInfo{BinaryOp::or_, 1};
    if (t.value == "and") return OpInfo{BinaryOp::and_, 2};
    if (t.value == "unless") return OpInfo{BinaryOp::unless, 2};
    if (t.value == "atan2") return OpInfo{BinaryOp::atan2, 5};
    return std::nullopt;
  }
  if (t.kind != TokenKind::symbol) return std::nullopt;
  static constexpr std::pair<std::string_view, OpInfo> kOps[] = {
      {"==", {BinaryOp::eq, 3}},         {"!=", {BinaryOp::ne, 3}},         {"<", {BinaryOp::lt, 3}},
      {"<=", {BinaryOp::le, 3}},         {">", {BinaryOp::gt, 3}},          {">=", {BinaryOp::ge, 3}},
      {"</", {BinaryOp::trim_upper, 3}}, {">/", {BinaryOp::trim_lower, 3}}, {"+", {BinaryOp::add, 4}},
      {"-", {BinaryOp::sub, 4}},         {"*", {BinaryOp::mul, 5}},         {"/", {BinaryOp::div, 5}},
      {"%", {BinaryOp::mod, 5}},         {"^", {BinaryOp::pow, 7}}};
  for (const auto& [text, info] : kOps) {
    if (t.text == text) return info;
  }
  return std::nullopt;
}

Result<ExprPtr> Parser::binary(int min_precedence) {
  if (++depth_ > kMaxParseDepth) return error(cur().begin, "expression is nested too deeply");
  TT_ASSIGN(ExprPtr left, unary());
  while (true) {
    const auto info = binary_op_of(cur());
    if (!info || info->precedence < min_precedence) break;
    const std::size_t op_at = cur().begin;
    if (++operators_ > limits::kMaxQueryOperators) {
      return error(op_at,
                   "expression has more than " + std::to_string(limits::kMaxQueryOperators) + " operators");
    }
    skip();
    ExprPtr e = node(ExprKind::binary, left->begin);
    e->op = info->op;
    TT_TRY(modifiers(*e));
    // ^ binds to the right, all others to the left.
    TT_ASSIGN(ExprPtr right, binary(info->op == BinaryOp::pow ? info->precedence : info->precedence + 1));
    e->args.push_back(std::move(left));
    e->args.push_back(std::move(right));
    e = finish(std::move(e));
    TT_TRY(check_binary(text_, *e, op_at));
    left = std::move(e);
  }
  --depth_;
  return left;
}

Result<ExprPtr> Parser::unary() {
  if (!cur().is("-") && !cur().is("+")) return postfix();
  if (++depth_ > kMaxParseDepth) return error(cur().begin, "expression is nested too deeply");
  ExprPtr e = node(ExprKind::unary, cur().begin);
  e->op = cur().is("-") ? BinaryOp::sub : BinaryOp::add;
  skip();
  // A sign binds weaker than ^ and as strong as *: -1^2 is -(1^2).
  TT_ASSIGN(ExprPtr inner, binary(7));
  --depth_;
  if (inner->type != ValueType::scalar && inner->type != ValueType::vector) {
    return error(inner->begin,
                 "unary expression only allowed on expressions of type scalar or instant vector, got " +
                     describe(inner->type));
  }
  e->type = inner->type;
  if (inner->kind == ExprKind::number) {
    if (e->op == BinaryOp::sub) inner->number = -inner->number;
    inner->begin = e->begin;
    inner->text.clear();
    return inner;
  }
  e->args.push_back(std::move(inner));
  return finish(std::move(e));
}

Result<ExprPtr> Parser::postfix() {
  TT_ASSIGN(ExprPtr e, primary());
  while (true) {
    if (cur().is("[")) {
      TT_ASSIGN(e, brackets(std::move(e)));
    } else if (cur().is_word("offset")) {
      TT_TRY(offset(*e));
      e = finish(std::move(e));
    } else if (cur().is("@")) {
      TT_TRY(at(*e));
      e = finish(std::move(e));
    } else if (cur().is_word("anchored") || cur().is_word("smoothed")) {
      TT_TRY(extension(*e));
      e = finish(std::move(e));
    } else {
      return e;
    }
  }
}

Result<ExprPtr> Parser::primary() {
  const Token& t = cur();
  if (t.kind == TokenKind::number) {
    ExprPtr e = node(ExprKind::number, t.begin);
    e->type = ValueType::scalar;
    e->number = t.number;
    skip();
    return finish(std::move(e));
  }
  if (t.kind == TokenKind::string) {
    ExprPtr e = node(ExprKind::string, t.begin);
    e->type = ValueType::string;
    e->text = t.value;
    skip();
    return finish(std::move(e));
  }
  if (t.is("(")) {
    ExprPtr e = node(ExprKind::paren, t.begin);
    skip();
    TT_ASSIGN(ExprPtr inner, binary(0));
    TT_TRY(expect(")", "paren expression"));
    e->type = inner->type;
    e->args.push_back(std::move(inner));
    return finish(std::move(e));
  }
  if (t.is("{")) return selector();
  if (t.kind != TokenKind::identifier) return unexpected("");
  const bool grouped = ahead().is("(") || ahead().is_word("by") || ahead().is_word("without");
  if (grouped && is_one_of(kAggregators, t.value)) return aggregate();
  if (ahead().is("(")) return call();
  return selector();
}

Result<ExprPtr> Parser::aggregate() {
  ExprPtr e = node(ExprKind::aggregate, cur().begin);
  e->text = cur().value;
  skip();
  bool grouped = false;
  const auto grouping = [&]() -> Result<> {
    if (!cur().is_word("by") && !cur().is_word("without")) return {};
    if (grouped) return unexpected("aggregation");
    grouped = true;
    e->without = cur().value == "without";
    skip();
    TT_ASSIGN(e->grouping, label_list("grouping opts"));
    return {};
  };
  TT_TRY(grouping());
  TT_TRY(expect("(", "aggregation"));
  std::vector<ExprPtr> args;
  while (!cur().is(")")) {
    TT_ASSIGN(ExprPtr arg, binary(0));
    args.push_back(std::move(arg));
    if (!accept(",")) break;
  }
  TT_TRY(expect(")", "aggregation"));
  TT_TRY(grouping());
  e = finish(std::move(e));
  TT_TRY(check_aggregate(text_, *e, std::move(args)));
  return e;
}

Result<ExprPtr> Parser::call() {
  ExprPtr e = node(ExprKind::call, cur().begin);
  e->text = std::string(cur().text);
  skip();
  skip();
  while (!cur().is(")")) {
    const bool labels = e->text == "info" && e->args.size() == 1;
    if (labels && !cur().is("{")) return error(cur().begin, "expected label selectors only");
    TT_ASSIGN(ExprPtr arg, labels ? selector(true) : binary(0));
    if (labels && !arg->name.empty()) return error(arg->begin, "expected label selectors only");
    e->args.push_back(std::move(arg));
    if (!accept(",")) break;
    if (cur().is(")")) return unexpected("call to function");
  }
  TT_TRY(expect(")", "function call"));
  e = finish(std::move(e));
  TT_TRY(check_call(text_, *e));
  return e;
}

Result<ExprPtr> Parser::selector(bool may_match_all) {
  ExprPtr e = node(ExprKind::vector_selector, cur().begin);
  if (cur().kind == TokenKind::identifier) {
    e->name = std::string(cur().text);
    skip();
  }
  if (accept("{")) {
    while (!cur().is("}")) {
      TT_TRY(matcher(*e));
      if (!accept(",")) break;
    }
    if (!cur().is("}")) {
      const std::string shown =
          cur().kind == TokenKind::end ? "end of input" : "\"" + std::string(cur().text) + "\"";
      return error(cur().begin, "unexpected " + shown + " in label matching, expected \",\" or \"}\"");
    }
    skip();
  }
  if (!e->name.empty()) {
    TT_ASSIGN(auto name,
              storage::LabelMatcher::make(storage::MatchOp::eq, std::string(kMetricName), e->name));
    e->matchers.push_back(std::move(name));
  }
  e = finish(std::move(e));
  const bool selects =
      std::any_of(e->matchers.begin(), e->matchers.end(), [](const auto& m) { return !m.matches_empty(); });
  if (!selects && !may_match_all)
    return error(e->begin, "vector selector must contain at least one non-empty matcher");
  return e;
}

Result<> Parser::matcher(Expr& e) {
  const Token name = cur();
  if (name.kind != TokenKind::identifier && name.kind != TokenKind::string) {
    return unexpected("label matching, expected identifier or \"}\"");
  }
  skip();
  const std::string label = name.kind == TokenKind::string ? name.value : std::string(name.text);
  storage::MatchOp op = storage::MatchOp::eq;
  if (cur().is("=")) {
    op = storage::MatchOp::eq;
  } else if (cur().is("!=")) {
    op = storage::MatchOp::ne;
  } else if (cur().is("=~")) {
    op = storage::MatchOp::re;
  } else if (cur().is("!~")) {
    op = storage::MatchOp::nre;
  } else if (name.kind == TokenKind::string && (cur().is(",") || cur().is("}"))) {
    if (!e.name.empty()) {
      return error(name.begin, "metric name must not be set twice: \"" + e.name + "\" or \"" + label + "\"");
    }
    e.name = label;
    return {};
  } else {
    return unexpected("label matching, expected label matching operator");
  }
  skip();
  if (cur().kind != TokenKind::string) return unexpected("label matching, expected string");
  auto made = storage::LabelMatcher::make(op, label, cur().value);
  if (!made) return error(cur().begin, made.error().message());
  if (label == kMetricName && !e.name.empty()) {
    return error(name.begin,
                 "metric name must not be set twice: \"" + e.name + "\" or \"" + cur().value + "\"");
  }
  e.matchers.push_back(*std::move(made));
  skip();
  return {};
}

Result<std::vector<std::string>> Parser::label_list(std::string_view where) {
  TT_TRY(expect("(", where));
  std::vector<std::string> labels;
  while (!cur().is(")")) {
    if (cur().kind != TokenKind::identifier && cur().kind != TokenKind::string) {
      return unexpected(std::string(where) + ", expected label");
    }
    labels.push_back(cur().kind == TokenKind::string ? cur().value : std::string(cur().text));
    if (labels.back().find(':') != std::string::npos && cur().kind == TokenKind::identifier) {
      return unexpected(std::string(where) + ", expected label");
    }
    skip();
    if (!accept(",")) break;
  }
  TT_TRY(expect(")", where));
  return labels;
}

Result<Labels> Parser::metric_only() {
  if (cur().kind == TokenKind::end) return error(0, "no metric found in input");
  std::vector<Label> labels;
  if (cur().kind == TokenKind::identifier) {
    labels.push_back({std::string(kMetricName), std::string(cur().text)});
    skip();
  }
  if (accept("{")) {
    while (!cur().is("}")) {
      const Token name = cur();
      if (name.kind != TokenKind::identifier && name.kind != TokenKind::string)
        return unexpected("label set");
      skip();
      if (name.kind == TokenKind::string && !cur().is("=")) {
        labels.push_back({std::string(kMetricName), name.value});
      } else {
        TT_TRY(expect("=", "label set"));
        if (cur().kind != TokenKind::string) return unexpected("label set, expected string");
        labels.push_back({name.kind == TokenKind::string ? name.value : std::string(name.text), cur().value});
        skip();
      }
      if (!accept(",")) break;
    }
    TT_TRY(expect("}", "label set"));
  }
  if (cur().kind != TokenKind::end) return unexpected("series");
  return Labels(std::move(labels));
}

Result<ExprPtr> parse(std::string_view text) {
  TT_ASSIGN(auto tokens, lex(text));
  return Parser(text, std::move(tokens)).whole();
}

Result<std::vector<storage::LabelMatcher>> parse_selector(std::string_view text) {
  TT_ASSIGN(auto tokens, lex(text));
  TT_ASSIGN(ExprPtr expr, Parser(text, std::move(tokens)).selector_only());
  return std::move(expr->matchers);
}

Result<Labels> parse_metric(std::string_view text) {
  TT_ASSIGN(auto tokens, lex(text));
  return Parser(text, std::move(tokens)).metric_only();
}

}  // namespace telltale::promql
