// The pipeline's part of the grammar: selectors, line filters, parsers, label filters, formats.
#include <set>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "logql/parse_state.hpp"
#include "logql/units.hpp"

namespace telltale::logql {

bool ParseState::take_symbol(std::string_view symbol) {
  if (!peek().is(symbol)) return false;
  take();
  return true;
}

bool ParseState::take_word(std::string_view word) {
  if (!peek().is_word(word)) return false;
  take();
  return true;
}

tl::unexpected<Error> ParseState::unexpected(std::string_view wanted) const {
  const Token& t = peek();
  const std::string found =
      t.kind == TokenKind::end ? "end of the query" : std::string(truncate_utf8(t.text, 40));
  return error(fmt::format("unexpected {}, wanted {}", found, wanted));
}

Result<> ParseState::want_symbol(std::string_view symbol) {
  if (take_symbol(symbol)) return {};
  return unexpected(symbol);
}

Result<std::string> ParseState::want_string(std::string_view what) {
  if (peek().kind != TokenKind::string) return unexpected(what);
  return take().value;
}

Result<std::string> ParseState::want_label() {
  if (peek().kind != TokenKind::word) return unexpected("a label name");
  return sanitise_label(take().text);
}

Result<double> ParseState::want_number(std::string_view what) {
  const bool negative = peek().is("-");
  if (negative || peek().is("+")) take();
  const Token& t = peek();
  if (t.is_word("inf") || t.is_word("nan")) return (negative ? -1 : 1) * *parse_go_float(take().value);
  if (t.kind != TokenKind::number) return unexpected(what);
  return negative ? -take().number : take().number;
}

Result<std::vector<std::string>> ParseState::want_labels() {
  std::vector<std::string> out;
  TT_TRY(want_symbol("("));
  while (!peek().is(")")) {
    if (!out.empty()) TT_TRY(want_symbol(","));
    if (peek().is(")") && !out.empty()) break;
    TT_ASSIGN(out.emplace_back(), want_label());
  }
  TT_TRY(want_symbol(")"));
  return out;
}

Result<> ParseState::enter() {
  if (++depth_ > limits::kMaxQueryDepth)
    return error(fmt::format("nested deeper than {} levels", limits::kMaxQueryDepth));
  return {};
}

namespace {

constexpr std::pair<std::string_view, CompareOp> kCompareOps[] = {
    {"=", CompareOp::eq},  {"==", CompareOp::eq},  {"!=", CompareOp::ne},
    {"=~", CompareOp::re}, {"!~", CompareOp::nre}, {">", CompareOp::gt},
    {">=", CompareOp::ge}, {"<", CompareOp::lt},   {"<=", CompareOp::le}};

std::optional<CompareOp> compare_op_of(const Token& t) {
  if (t.kind != TokenKind::symbol) return std::nullopt;
  for (const auto& [text, op] : kCompareOps)
    if (text == t.text) return op;
  return std::nullopt;
}

Result<Matcher> parse_matcher(ParseState& s) {
  Matcher m;
  TT_ASSIGN(m.name, s.want_label());
  const auto op = compare_op_of(s.peek());
  if (!op || *op > CompareOp::nre || s.peek().is("==")) return s.unexpected("=, !=, =~ or !~");
  s.take();
  m.op = *op;
  TT_ASSIGN(m.value, s.want_string("a string"));
  return m;
}

constexpr std::pair<std::string_view, LineOp> kLineOps[] = {
    {"|=", LineOp::contains},  {"!=", LineOp::not_contains}, {"|~", LineOp::regex},
    {"!~", LineOp::not_regex}, {"|>", LineOp::pattern},      {"!>", LineOp::not_pattern}};

std::optional<LineOp> line_op_of(const Token& t) {
  if (t.kind != TokenKind::symbol) return std::nullopt;
  for (const auto& [text, op] : kLineOps)
    if (text == t.text) return op;
  return std::nullopt;
}

bool at_line_term(const ParseState& s) {
  if (s.peek().kind == TokenKind::string) return true;
  return (s.peek().is_word("ip") || s.peek().is_word("any")) && s.peek(1).is("(");
}

Result<LineTerm> parse_line_term(ParseState& s, LineOp op) {
  LineTerm term;
  if (s.peek().kind == TokenKind::string) {
    term.text = s.take().value;
    return term;
  }
  if (!at_line_term(s)) return s.unexpected("a string, ip(\"…\") or any(\"…\")");
  const bool ip = s.peek().is_word("ip");
  term.kind = ip ? TermKind::ip : TermKind::any_field;
  if (ip && op != LineOp::contains && op != LineOp::not_contains)
    return s.error("ip() stands after |= and != only");
  if (!ip && (op == LineOp::pattern || op == LineOp::not_pattern))
    return s.error("any() does not stand after |> and !>");
  s.take();
  TT_TRY(s.want_symbol("("));
  TT_ASSIGN(term.text, s.want_string("a string"));
  TT_TRY(s.want_symbol(")"));
  return term;
}

Result<LabelFilter> parse_filter_leaf(ParseState& s) {
  LabelFilter f;
  TT_ASSIGN(f.name, s.want_label());
  const auto op = compare_op_of(s.peek());
  if (!op) return s.unexpected("a comparison");
  s.take();
  f.op = *op;
  const bool equality = f.op == CompareOp::eq || f.op == CompareOp::ne;
  if (s.peek().kind == TokenKind::string) {
    if (f.op > CompareOp::nre) return s.error("text is compared by =, !=, =~ and !~ only");
    f.value = s.take().value;
    return f;
  }
  if (s.peek().is_word("ip") && s.peek(1).is("(")) {
    if (!equality) return s.error("ip() stands after = and != only");
    f.kind = LabelFilterKind::ip;
    s.take();
    s.take();
    TT_ASSIGN(f.value, s.want_string("a string"));
    TT_TRY(s.want_symbol(")"));
    return f;
  }
  if (f.op == CompareOp::re || f.op == CompareOp::nre) return s.unexpected("a string");
  const bool negative = s.peek().is("-");
  if (negative || s.peek().is("+")) s.take();
  const Token& t = s.peek();
  switch (t.kind) {
    case TokenKind::number:
      f.kind = LabelFilterKind::number;
      break;
    case TokenKind::duration:
      f.kind = LabelFilterKind::duration;
      break;
    case TokenKind::bytes:
      f.kind = LabelFilterKind::bytes;
      break;
    default:
      return s.unexpected("a string, number, duration, byte size or ip(\"…\")");
  }
  if (negative && f.kind == LabelFilterKind::bytes) return s.error("a byte size is not negative");
  f.value = (negative ? "-" : "") + std::string(t.text);
  f.number = negative ? -t.number : t.number;
  s.take();
  return f;
}

Result<LabelFilter> parse_label_filter(ParseState& s);

Result<LabelFilter> parse_filter_operand(ParseState& s) {
  if (!s.peek().is("(")) return parse_filter_leaf(s);
  TT_TRY(s.enter());
  s.take();
  TT_ASSIGN(LabelFilter f, parse_label_filter(s));
  TT_TRY(s.want_symbol(")"));
  s.leave();
  return f;
}

/// Left to right: `and`, `,`, a space and `or` bind alike.
Result<LabelFilter> parse_label_filter(ParseState& s) {
  TT_ASSIGN(LabelFilter left, parse_filter_operand(s));
  std::size_t deep = 0;
  while (true) {
    LabelFilterKind kind = LabelFilterKind::both;
    if (s.peek().is_word("or") && !compare_op_of(s.peek(1))) {
      kind = LabelFilterKind::either;
      s.take();
    } else if ((s.peek().is_word("and") && !compare_op_of(s.peek(1))) || s.peek().is(",")) {
      s.take();
    } else if (s.peek().is("(") || (s.peek().kind == TokenKind::word && compare_op_of(s.peek(1)))) {
      // side by side
    } else {
      while (deep-- > 0) s.leave();
      return left;
    }
    TT_TRY(s.enter());
    ++deep;
    TT_ASSIGN(LabelFilter right, parse_filter_operand(s));
    LabelFilter joined;
    joined.kind = kind;
    joined.children.push_back(std::move(left));
    joined.children.push_back(std::move(right));
    left = std::move(joined);
  }
}

/// `a, b="expression"`; the state stands at the first label, if there is one.
Result<std::vector<Assignment>> parse_extractions(ParseState& s) {
  std::vector<Assignment> out;
  const auto at_offset = [&s] {
    return s.peek().is_word("offset") && (s.peek(1).kind == TokenKind::duration || s.peek(1).is("-"));
  };
  while (s.peek().kind == TokenKind::word && !at_offset()) {
    Assignment a;
    const std::string written(s.peek().text);
    TT_ASSIGN(a.label, s.want_label());
    a.value = written;
    if (s.take_symbol("=")) {
      TT_ASSIGN(a.value, s.want_string("an expression in quotes"));
    }
    out.push_back(std::move(a));
    if (!s.take_symbol(",")) return out;
    if (s.peek().kind != TokenKind::word) return s.unexpected("a label name");
  }
  return out;
}

Result<> parse_label_format(ParseState& s, Stage& stage) {
  std::set<std::string> seen;
  do {
    Assignment a;
    const std::size_t at = s.peek().begin;
    TT_ASSIGN(a.label, s.want_label());
    if (a.label == "__error__") return s.error_at(at, "__error__ cannot be formatted");
    if (!seen.insert(a.label).second)
      return s.error_at(at, fmt::format("label {} appears twice in one label_format", a.label));
    TT_TRY(s.want_symbol("="));
    a.is_label = s.peek().kind == TokenKind::word;
    if (a.is_label) {
      TT_ASSIGN(a.value, s.want_label());
    } else {
      TT_ASSIGN(a.value, s.want_string("a label name or a template in quotes"));
    }
    stage.assignments.push_back(std::move(a));
  } while (s.take_symbol(","));
  return {};
}

Result<> parse_choices(ParseState& s, Stage& stage) {
  do {
    LabelChoice choice;
    const auto op = compare_op_of(s.peek(1));
    if (op) {
      TT_ASSIGN(choice.matcher, parse_matcher(s));
      choice.name = choice.matcher->name;
    } else {
      TT_ASSIGN(choice.name, s.want_label());
    }
    stage.choices.push_back(std::move(choice));
  } while (s.take_symbol(","));
  return {};
}

constexpr std::pair<std::string_view, StageKind> kStageWords[] = {{"json", StageKind::json},
                                                                  {"logfmt", StageKind::logfmt},
                                                                  {"pattern", StageKind::pattern},
                                                                  {"regexp", StageKind::regexp},
                                                                  {"unpack", StageKind::unpack},
                                                                  {"line_format", StageKind::line_format},
                                                                  {"label_format", StageKind::label_format},
                                                                  {"decolorize", StageKind::decolorize},
                                                                  {"drop", StageKind::drop},
                                                                  {"keep", StageKind::keep}};

Result<> parse_stage_rest(ParseState& s, Stage& stage) {
  switch (stage.kind) {
    case StageKind::logfmt:
      while (s.peek().kind == TokenKind::flag) {
        if (s.peek().text == "--strict") {
          stage.strict = true;
        } else if (s.peek().text == "--keep-empty") {
          stage.keep_empty = true;
        } else {
          return s.error("logfmt has the flags --strict and --keep-empty");
        }
        s.take();
      }
      [[fallthrough]];
    case StageKind::json: {
      TT_ASSIGN(stage.assignments, parse_extractions(s));
      return {};
    }
    case StageKind::pattern:
    case StageKind::regexp:
    case StageKind::line_format: {
      TT_ASSIGN(stage.text, s.want_string("a string"));
      return {};
    }
    case StageKind::label_format:
      return parse_label_format(s, stage);
    case StageKind::drop:
    case StageKind::keep:
      return parse_choices(s, stage);
    default:
      return {};
  }
}

}  // namespace

Result<std::vector<Matcher>> parse_selector(ParseState& s) {
  std::vector<Matcher> out;
  TT_TRY(s.want_symbol("{"));
  while (!s.peek().is("}")) {
    if (!out.empty()) {
      TT_TRY(s.want_symbol(","));
      if (s.peek().is("}")) break;
    }
    const std::size_t at = s.peek().begin;
    TT_ASSIGN(Matcher m, parse_matcher(s));
    LabelFilter as_filter;
    as_filter.name = m.name;
    as_filter.op = m.op;
    as_filter.value = m.value;
    if (auto ok = check_filter(as_filter); !ok) return s.error_at(at, ok.error().message());
    out.push_back(std::move(m));
  }
  TT_TRY(s.want_symbol("}"));
  return out;
}

bool at_stage(const ParseState& s) {
  return line_op_of(s.peek()).has_value() || (s.peek().is("|") && !at_unwrap(s));
}

bool at_unwrap(const ParseState& s) {
  return s.peek().is("|") && s.peek(1).is_word("unwrap") && !compare_op_of(s.peek(2));
}

Result<Stage> parse_stage(ParseState& s) {
  Stage stage;
  stage.begin = s.peek().begin;
  if (const auto op = line_op_of(s.peek())) {
    stage.line_op = *op;
    s.take();
    do {
      TT_ASSIGN(stage.terms.emplace_back(), parse_line_term(s, *op));
    } while (s.take_word("or"));
  } else {
    TT_TRY(s.want_symbol("|"));
    stage.kind = StageKind::label_filter;
    for (const auto& [word, kind] : kStageWords)
      if (s.peek().is_word(word) && !compare_op_of(s.peek(1))) stage.kind = kind;
    if (stage.kind == StageKind::label_filter) {
      if (s.peek().kind != TokenKind::word && !s.peek().is("("))
        return s.unexpected("a parser, a label filter or a format");
      TT_ASSIGN(stage.filter, parse_label_filter(s));
    } else {
      s.take();
      TT_TRY(parse_stage_rest(s, stage));
    }
  }
  if (auto ok = check_stage(stage); !ok) return s.error_at(stage.begin, ok.error().message());
  return stage;
}

Result<Unwrap> parse_unwrap(ParseState& s) {
  Unwrap out;
  s.take();  // |
  s.take();  // unwrap
  static constexpr std::pair<std::string_view, Conversion> kConversions[] = {
      {"bytes", Conversion::bytes},
      {"duration", Conversion::duration},
      {"duration_seconds", Conversion::duration_seconds}};
  if (s.peek().kind == TokenKind::word && s.peek(1).is("(")) {
    for (const auto& [word, conversion] : kConversions)
      if (s.peek().is_word(word)) out.conversion = conversion;
    if (out.conversion == Conversion::none) return s.unexpected("bytes, duration or duration_seconds");
    s.take();
    s.take();
    TT_ASSIGN(out.label, s.want_label());
    TT_TRY(s.want_symbol(")"));
  } else {
    TT_ASSIGN(out.label, s.want_label());
  }
  while (s.peek().is("|")) {
    const std::size_t at = s.peek().begin;
    const bool filter = s.peek(1).is("(") || (s.peek(1).kind == TokenKind::word && compare_op_of(s.peek(2)));
    if (!filter) return s.error("after unwrap stand label filters only");
    s.take();
    TT_ASSIGN(out.filters.emplace_back(), parse_label_filter(s));
    if (auto ok = check_filter(out.filters.back()); !ok) return s.error_at(at, ok.error().message());
  }
  return out;
}

}  // namespace telltale::logql
