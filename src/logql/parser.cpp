// The metric part of the grammar, and the way in. Precedence, loosest first: or · and, unless · comparisons ·
// + - · * / % · ^ (right).
#include "logql/parser.hpp"

#include <cmath>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "logql/checks.hpp"
#include "logql/parse_state.hpp"

namespace telltale::logql {
namespace {

struct BinaryWord {
  std::string_view text;
  BinaryOp op;
  int precedence;
};
constexpr BinaryWord kBinaryWords[] = {
    {"or", BinaryOp::or_, 1}, {"and", BinaryOp::and_, 2}, {"unless", BinaryOp::unless, 2},
    {"==", BinaryOp::eq, 3},  {"!=", BinaryOp::ne, 3},    {"<", BinaryOp::lt, 3},
    {"<=", BinaryOp::le, 3},  {">", BinaryOp::gt, 3},     {">=", BinaryOp::ge, 3},
    {"+", BinaryOp::add, 4},  {"-", BinaryOp::sub, 4},    {"*", BinaryOp::mul, 5},
    {"/", BinaryOp::div, 5},  {"%", BinaryOp::mod, 5},    {"^", BinaryOp::pow, 6}};

const BinaryWord* binary_word(const Token& t) {
  for (const BinaryWord& w : kBinaryWords)
    if (t.is(w.text) || t.is_word(w.text)) return &w;
  return nullptr;
}

class LogqlParser {
 public:
  explicit LogqlParser(ParseState& state) : s_(state) {}

  Result<Expr> run() {
    TT_ASSIGN(Expr out, binary(1));
    if (!s_.at_end()) return s_.unexpected("the end of the query");
    return out;
  }

 private:
  Result<Expr> binary(int lowest) {
    TT_TRY(s_.enter());
    TT_ASSIGN(Expr left, operand());
    std::size_t deep = 1;
    while (true) {
      const BinaryWord* word = binary_word(s_.peek());
      if (word == nullptr || word->precedence < lowest) break;
      Expr out;
      out.kind = ExprKind::binary;
      out.begin = s_.take().begin;
      out.binary_op = word->op;
      TT_TRY(modifiers(out));
      TT_ASSIGN(Expr right, binary(word->op == BinaryOp::pow ? word->precedence : word->precedence + 1));
      out.args.push_back(std::move(left));
      out.args.push_back(std::move(right));
      if (auto ok = check_binary(out); !ok) return s_.error_at(out.begin, ok.error().message());
      left = std::move(out);
      TT_TRY(s_.enter());  // a long chain is a deep tree
      ++deep;
    }
    while (deep-- > 0) s_.leave();
    return left;
  }

  Result<> modifiers(Expr& out) {
    if (s_.peek().is_word("bool")) {
      if (!is_comparison(out.binary_op)) return s_.error("bool stands after comparisons only");
      s_.take();
      out.bool_modifier = true;
    }
    const bool on = s_.peek().is_word("on");
    if (!on && !s_.peek().is_word("ignoring")) return {};
    s_.take();
    out.matching.given = true;
    out.matching.on = on;
    TT_ASSIGN(out.matching.labels, s_.want_labels());
    const bool left = s_.peek().is_word("group_left");
    if (!left && !s_.peek().is_word("group_right")) return {};
    if (is_set_operator(out.binary_op))
      return s_.error("and, or, unless take no group_left and no group_right");
    s_.take();
    out.matching.card = left ? Cardinality::many_to_one : Cardinality::one_to_many;
    if (s_.peek().is("(")) {
      TT_ASSIGN(out.matching.include, s_.want_labels());
    }
    return {};
  }

  Result<Expr> operand() {
    const Token& t = s_.peek();
    const bool sign = t.is("+") || t.is("-");
    if (t.kind == TokenKind::number || sign) {
      Expr out;
      out.kind = ExprKind::number;
      out.begin = t.begin;
      TT_ASSIGN(out.number, s_.want_number("a number"));
      return out;
    }
    if (t.is("(")) return parenthesised();
    if (t.is("{") || at_stage(s_)) return log_query();
    if (t.kind != TokenKind::word) return s_.unexpected("a selector, a function or a number");
    if (t.is_word("vector") && s_.peek(1).is("(")) return vector_call();
    if (t.is_word("label_replace") && s_.peek(1).is("(")) return label_replace();
    if (const auto op = range_op_from(t.value)) return range_aggregation(*op);
    if (const auto op = vector_op_from(t.value)) return vector_aggregation(*op);
    return s_.error(fmt::format("unknown function {}", t.text));
  }

  Result<Expr> parenthesised() {
    s_.take();
    TT_ASSIGN(Expr out, binary(1));
    TT_TRY(s_.want_symbol(")"));
    return out;
  }

  Result<Expr> log_query() {
    Expr out;
    out.begin = s_.peek().begin;
    TT_TRY(log_parts(out.log));
    if (out.log.unwrap) return s_.error_at(out.begin, "unwrap stands inside a range aggregation only");
    return out;
  }

  /// Selector, stages and unwrap, as far as they are there.
  Result<> log_parts(LogQuery& q) {
    if (s_.peek().is("{")) {
      q.has_selector = true;
      TT_ASSIGN(q.matchers, parse_selector(s_));
    }
    return stages(q);
  }

  Result<> stages(LogQuery& q) {
    while (at_stage(s_)) {
      if (q.unwrap) return s_.error("after unwrap stand label filters only");
      if (q.stages.size() >= limits::kMaxPipelineStages)
        return s_.error(fmt::format("more than {} pipeline stages", limits::kMaxPipelineStages));
      TT_ASSIGN(q.stages.emplace_back(), parse_stage(s_));
    }
    if (at_unwrap(s_)) {
      if (q.unwrap) return s_.error("a second unwrap");
      TT_ASSIGN(q.unwrap, parse_unwrap(s_));
      if (at_stage(s_)) return s_.error("after unwrap stand label filters only");
    }
    return {};
  }

  Result<> range_and_offset(LogQuery& q) {
    if (s_.peek().kind == TokenKind::range) {
      if (q.range.count() != 0) return s_.error("a second range");
      q.range = s_.take().duration;
    }
    if (s_.peek().is_word("offset")) {
      s_.take();
      if (q.offset.count() != 0) return s_.error("a second offset");
      const bool negative = s_.take_symbol("-");
      if (s_.peek().kind != TokenKind::duration && s_.peek().text != "0") return s_.unexpected("a duration");
      const Nanos offset = s_.take().duration;
      q.offset = negative ? -offset : offset;
    }
    return {};
  }

  /// A log query with its range somewhere: after the selector, after the pipeline, before or after unwrap,
  /// inside or outside of parentheses.
  Result<> log_range(LogQuery& q) {
    if (s_.peek().is("(")) {
      TT_TRY(s_.enter());
      s_.take();
      TT_TRY(log_range(q));
      TT_TRY(s_.want_symbol(")"));
      s_.leave();
    } else {
      TT_TRY(log_parts(q));
    }
    TT_TRY(range_and_offset(q));
    TT_TRY(stages(q));
    return range_and_offset(q);
  }

  Result<Expr> range_aggregation(RangeOp op) {
    Expr out;
    out.kind = ExprKind::range;
    out.range_op = op;
    out.begin = s_.take().begin;
    // Ours: the grouping may stand before the parentheses, too.
    TT_TRY(grouping(out));
    TT_TRY(s_.want_symbol("("));
    const bool number = s_.peek().kind == TokenKind::number || s_.peek().is("-") || s_.peek().is("+");
    if (number) {
      TT_ASSIGN(out.parameter, s_.want_number("a number"));
      TT_TRY(s_.want_symbol(","));
    }
    const std::size_t at = s_.peek().begin;
    TT_TRY(log_range(out.log));
    if (out.log.range.count() == 0) return s_.unexpected("a range as in [5m]");
    if (!out.log.has_selector && out.log.stages.empty() && !out.log.unwrap)
      return s_.error_at(at, "a selector is missing; {} selects everything");
    TT_TRY(s_.want_symbol(")"));
    if (s_.peek().is_word("offset")) return s_.error("offset stands inside the parentheses, after the range");
    if (!out.grouping.given) TT_TRY(grouping(out));
    if (auto ok = check_range(out); !ok) return s_.error_at(out.begin, ok.error().message());
    return out;
  }

  Result<> grouping(Expr& out) {
    const bool by = s_.peek().is_word("by");
    if (!by && !s_.peek().is_word("without")) return {};
    s_.take();
    out.grouping.given = true;
    out.grouping.without = !by;
    TT_ASSIGN(out.grouping.labels, s_.want_labels());
    return {};
  }

  Result<Expr> vector_aggregation(VectorOp op) {
    Expr out;
    out.kind = ExprKind::aggregate;
    out.vector_op = op;
    out.begin = s_.take().begin;
    TT_TRY(grouping(out));
    TT_TRY(s_.want_symbol("("));
    const bool wants_parameter =
        op == VectorOp::topk || op == VectorOp::bottomk || op == VectorOp::approx_topk;
    if (wants_parameter) {
      TT_ASSIGN(out.parameter, s_.want_number("how many: a number"));
      TT_TRY(s_.want_symbol(","));
    }
    TT_ASSIGN(out.args.emplace_back(), binary(1));
    TT_TRY(s_.want_symbol(")"));
    if (!out.grouping.given) TT_TRY(grouping(out));
    if (auto ok = check_aggregate(out); !ok) return s_.error_at(out.begin, ok.error().message());
    return out;
  }

  Result<Expr> vector_call() {
    Expr out;
    out.kind = ExprKind::vector;
    out.begin = s_.take().begin;
    TT_TRY(s_.want_symbol("("));
    TT_ASSIGN(out.number, s_.want_number("a number"));
    TT_TRY(s_.want_symbol(")"));
    return out;
  }

  Result<Expr> label_replace() {
    Expr out;
    out.kind = ExprKind::label_replace;
    out.begin = s_.take().begin;
    TT_TRY(s_.want_symbol("("));
    TT_ASSIGN(out.args.emplace_back(), binary(1));
    for (int i = 0; i < 4; ++i) {
      TT_TRY(s_.want_symbol(","));
      TT_ASSIGN(out.texts.emplace_back(), s_.want_string("a string"));
    }
    TT_TRY(s_.want_symbol(")"));
    if (auto ok = check_label_replace(out); !ok) return s_.error_at(out.begin, ok.error().message());
    return out;
  }

  ParseState& s_;
};

Result<ParseState> start(std::string_view text) {
  if (text.size() > limits::kMaxQueryBytes)
    return fail(ErrorKind::too_large, fmt::format("a query over {} bytes", limits::kMaxQueryBytes));
  TT_ASSIGN(auto tokens, lex(text));
  return ParseState(text, std::move(tokens));
}

}  // namespace

Result<Expr> parse(std::string_view text) {
  TT_ASSIGN(ParseState state, start(text));
  return LogqlParser(state).run();
}

Result<std::vector<Matcher>> parse_matchers(std::string_view text) {
  TT_ASSIGN(ParseState state, start(text));
  if (state.at_end()) return std::vector<Matcher>();
  TT_ASSIGN(auto out, parse_selector(state));
  if (!state.at_end()) return state.unexpected("the end of the selector");
  return out;
}

}  // namespace telltale::logql
