// Precedence climbing over the token list. Precedences, low to high: or · and unless · comparisons · + - ·
// * / % atan2 · unary · ^ (binds to the right) · postfix modifiers. Types are checked as nodes are made, so
// that an error points at the smallest wrong part.
#include "promql/parser.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/duration.hpp"
#include "promql/functions.hpp"
#include "promql/lexer.hpp"
#include "promql/type_check.hpp"

namespace telltale::promql {
namespace {

constexpr int kMaxParseDepth = 200;

constexpr std::string_view kAggregators[] = {"avg", "bottomk", "count",    "count_values", "group",
                                             "max", "min",     "quantile", "stddev",       "stdvar",
                                             "sum", "topk",    "limitk",   "limit_ratio"};

template <std::size_t N>
bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

struct OpInfo {
  BinaryOp op;
  int precedence;
};

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
      {"==", {BinaryOp::eq, 3}}, {"!=", {BinaryOp::ne, 3}}, {"<", {BinaryOp::lt, 3}},
      {"<=", {BinaryOp::le, 3}}, {">", {BinaryOp::gt, 3}},  {">=", {BinaryOp::ge, 3}},
      {"+", {BinaryOp::add, 4}}, {"-", {BinaryOp::sub, 4}}, {"*", {BinaryOp::mul, 5}},
      {"/", {BinaryOp::div, 5}}, {"%", {BinaryOp::mod, 5}}, {"^", {BinaryOp::pow, 7}}};
  for (const auto& [text, info] : kOps) {
    if (t.text == text) return info;
  }
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : text_(text), tokens_(std::move(tokens)) {}

  Result<ExprPtr> whole() {
    if (cur().kind == TokenKind::end) return error(cur().begin, "no expression found in input");
    TT_ASSIGN(ExprPtr expr, binary(0));
    if (cur().kind != TokenKind::end) return unexpected("");
    return expr;
  }

  Result<ExprPtr> selector_only() {
    TT_ASSIGN(ExprPtr expr, primary());
    if (cur().kind != TokenKind::end) return unexpected("");
    if (expr->kind != ExprKind::vector_selector) return error(expr->begin, "expected a series selector");
    return expr;
  }

  Result<Labels> metric_only();

 private:
  const Token& cur() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  void skip() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool accept(std::string_view symbol) {
    if (!cur().is(symbol)) return false;
    skip();
    return true;
  }
  bool accept_word(std::string_view word) {
    if (!cur().is_word(word)) return false;
    skip();
    return true;
  }
  tl::unexpected<Error> error(std::size_t offset, const std::string& message) const {
    return tl::unexpected(parse_error(text_, offset, message));
  }
  tl::unexpected<Error> unexpected(std::string_view where) const {
    std::string shown = cur().kind == TokenKind::end ? "end of input" : "\"" + std::string(cur().text) + "\"";
    if (cur().kind == TokenKind::end && where.empty()) return error(cur().begin, "unexpected end of input");
    return error(cur().begin, "unexpected " + shown + (where.empty() ? "" : " in " + std::string(where)));
  }
  Result<> expect(std::string_view symbol, std::string_view where) {
    if (accept(symbol)) return {};
    std::string shown = cur().kind == TokenKind::end ? "end of input" : "\"" + std::string(cur().text) + "\"";
    return error(cur().begin, "unexpected " + shown + " in " + std::string(where) + ", expected \"" +
                                  std::string(symbol) + "\"");
  }
  ExprPtr node(ExprKind kind, std::size_t begin) const {
    auto e = std::make_unique<Expr>();
    e->kind = kind;
    e->begin = begin;
    e->end = begin;
    return e;
  }
  ExprPtr finish(ExprPtr e) const {
    e->end = at_ == 0 ? e->begin : tokens_[at_ - 1].end;
    return e;
  }

  Result<ExprPtr> binary(int min_precedence);
  Result<> modifiers(Expr& e);
  Result<> fill(Expr& e);
  Result<ExprPtr> unary();
  Result<ExprPtr> postfix();
  Result<ExprPtr> primary();
  Result<ExprPtr> brackets(ExprPtr inner);
  Result<> offset(Expr& e);
  Result<> at(Expr& e);
  Result<> extension(Expr& e);
  Result<ExprPtr> aggregate();
  Result<ExprPtr> call();
  Result<ExprPtr> selector(bool may_match_all = false);
  Result<> matcher(Expr& e);
  Result<std::vector<std::string>> label_list(std::string_view where);
  Result<ExprPtr> duration(std::string_view where, int min_precedence);
  Result<ExprPtr> duration_operand(std::string_view where);
  Result<> positive(ExprPtr duration, std::int64_t& ms, ExprPtr& kept);

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Result<ExprPtr> Parser::binary(int min_precedence) {
  if (++depth_ > kMaxParseDepth) return error(cur().begin, "expression is nested too deeply");
  TT_ASSIGN(ExprPtr left, unary());
  while (true) {
    if (cur().is("</") || cur().is(">/")) {
      return error(cur().begin,
                   "native histogram operator \"" + std::string(cur().text) + "\" is not supported");
    }
    const auto info = binary_op_of(cur());
    if (!info || info->precedence < min_precedence) break;
    const std::size_t op_at = cur().begin;
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

/// The node that carries the modifiers of a selector or subquery; null for anything else.
Expr* modified_node(Expr& e) {
  if (e.kind == ExprKind::vector_selector || e.kind == ExprKind::subquery) return &e;
  if (e.kind == ExprKind::matrix_selector) return e.args[0].get();
  return nullptr;
}

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

}  // namespace

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
