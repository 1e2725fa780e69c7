// The parser's class, shared by parser.cpp (expressions, calls, selectors) and parser_modifiers.cpp (what
// stands behind operators and selectors, and durations). Nothing else includes this.
#pragma once

#include <algorithm>

#include "promql/lexer.hpp"
#include "promql/parser.hpp"

namespace telltale::promql {

inline constexpr int kMaxParseDepth = 200;

struct OpInfo {
  BinaryOp op;
  int precedence;
};
/// Nothing for a token that is no binary operator.
std::optional<OpInfo> binary_op_of(const Token& t);

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
  int operators_ = 0;
};

}  // namespace telltale::promql
