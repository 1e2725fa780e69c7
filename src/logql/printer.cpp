// Prints a tree as canonical text that reads back to the same tree.
#include <algorithm>

#include <fmt/format.h>

#include "logql/lexer.hpp"
#include "logql/parser.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

std::string join_labels(const std::vector<std::string>& labels) {
  return fmt::format("{}", fmt::join(labels, ", "));
}

std::string print_duration(Nanos d) { return d.count() < 0 ? "-" + format_duration(-d) : format_duration(d); }

std::string print_number(double v) {
  std::string out = format_plain_float(v);
  if (out == "+Inf") return "Inf";
  if (out == "-Inf") return "-Inf";
  return out;
}

std::string print_filter(const LabelFilter& f) {
  if (f.kind == LabelFilterKind::both || f.kind == LabelFilterKind::either) {
    // Filters bind left to right: only a right side that is itself joined needs parentheses.
    const LabelFilter& right = f.children[1];
    const bool nested = right.kind == LabelFilterKind::both || right.kind == LabelFilterKind::either;
    return print_filter(f.children[0]) + (f.kind == LabelFilterKind::both ? " and " : " or ") +
           (nested ? "(" + print_filter(right) + ")" : print_filter(right));
  }
  if (f.kind == LabelFilterKind::text) return f.name + std::string(to_string(f.op)) + quote(f.value);
  if (f.kind == LabelFilterKind::ip)
    return f.name + (f.op == CompareOp::eq ? " = " : " != ") + "ip(" + quote(f.value) + ")";
  const std::string_view op = f.op == CompareOp::eq ? "==" : to_string(f.op);
  return fmt::format("{} {} {}", f.name, op, f.value);
}

std::string print_term(const LineTerm& t) {
  if (t.kind == TermKind::ip) return "ip(" + quote(t.text) + ")";
  if (t.kind == TermKind::any_field) return "any(" + quote(t.text) + ")";
  return quote(t.text);
}

std::string print_assignments(const std::vector<Assignment>& list) {
  std::string out;
  for (const Assignment& a : list) {
    out += out.empty() ? " " : ", ";
    out += a.label + "=" + (a.is_label ? a.value : quote(a.value));
  }
  return out;
}

std::string print_choices(const std::vector<LabelChoice>& list) {
  std::string out;
  for (const LabelChoice& c : list)
    out += (out.empty() ? " " : ", ") + (c.matcher ? format(*c.matcher) : c.name);
  return out;
}

std::string print_stage(const Stage& s) {
  switch (s.kind) {
    case StageKind::line_filter: {
      std::string out(to_string(s.line_op));
      for (std::size_t i = 0; i < s.terms.size(); ++i)
        out += (i == 0 ? " " : " or ") + print_term(s.terms[i]);
      return out;
    }
    case StageKind::json:
      return "| json" + print_assignments(s.assignments);
    case StageKind::logfmt:
      return std::string("| logfmt") + (s.strict ? " --strict" : "") + (s.keep_empty ? " --keep-empty" : "") +
             print_assignments(s.assignments);
    case StageKind::pattern:
      return "| pattern " + quote(s.text);
    case StageKind::regexp:
      return "| regexp " + quote(s.text);
    case StageKind::unpack:
      return "| unpack";
    case StageKind::label_filter:
      return "| " + print_filter(s.filter);
    case StageKind::line_format:
      return "| line_format " + quote(s.text);
    case StageKind::label_format:
      return "| label_format" + print_assignments(s.assignments);
    case StageKind::decolorize:
      return "| decolorize";
    case StageKind::drop:
      return "| drop" + print_choices(s.choices);
    case StageKind::keep:
      return "| keep" + print_choices(s.choices);
  }
  return {};
}

std::string print_unwrap(const Unwrap& u) {
  static constexpr std::string_view kNames[] = {"", "duration", "duration_seconds", "bytes"};
  const auto name = kNames[static_cast<std::size_t>(u.conversion)];
  std::string out = name.empty() ? " | unwrap " + u.label : fmt::format(" | unwrap {}({})", name, u.label);
  for (const LabelFilter& f : u.filters) out += " | " + print_filter(f);
  return out;
}

std::string print_grouping(const Grouping& g) {
  if (!g.given) return {};
  return fmt::format(" {} ({})", g.without ? "without" : "by", join_labels(g.labels));
}

int precedence_of(BinaryOp op) {
  if (op == BinaryOp::or_) return 1;
  if (is_set_operator(op)) return 2;
  if (is_comparison(op)) return 3;
  if (op == BinaryOp::add || op == BinaryOp::sub) return 4;
  return op == BinaryOp::pow ? 6 : 5;
}

std::string print_side(const Expr& side, int parent, bool tight) {
  const bool wrap = side.kind == ExprKind::binary && (precedence_of(side.binary_op) < parent ||
                                                      (tight && precedence_of(side.binary_op) == parent));
  return wrap ? "(" + format(side) + ")" : format(side);
}

std::string print_binary(const Expr& e) {
  const int own = precedence_of(e.binary_op);
  const bool right_first = e.binary_op == BinaryOp::pow;
  std::string out = print_side(e.args[0], own, right_first) + " " + std::string(to_string(e.binary_op));
  if (e.bool_modifier) out += " bool";
  if (e.matching.given) {
    out += fmt::format(" {} ({})", e.matching.on ? "on" : "ignoring", join_labels(e.matching.labels));
    if (e.matching.card != Cardinality::one_to_one) {
      out += e.matching.card == Cardinality::many_to_one ? " group_left" : " group_right";
      out += " (" + join_labels(e.matching.include) + ")";
    }
  }
  return out + " " + print_side(e.args[1], own, !right_first);
}

}  // namespace

std::string format(const Matcher& m) { return m.name + std::string(to_string(m.op)) + quote(m.value); }

std::string format(const LogQuery& q) {
  std::string out;
  if (q.has_selector) {
    out = "{";
    for (std::size_t i = 0; i < q.matchers.size(); ++i) out += (i == 0 ? "" : ", ") + format(q.matchers[i]);
    out += "}";
  }
  for (const Stage& s : q.stages) out += (out.empty() ? "" : " ") + print_stage(s);
  if (q.unwrap) out += print_unwrap(*q.unwrap).substr(out.empty() ? 1 : 0);
  if (q.range.count() != 0)
    out += (q.stages.empty() && !q.unwrap ? "[" : " [") + print_duration(q.range) + "]";
  if (q.offset.count() != 0) out += " offset " + print_duration(q.offset);
  return out;
}

std::string format(const Expr& e) {
  switch (e.kind) {
    case ExprKind::log:
      return format(e.log);
    case ExprKind::range: {
      std::string out(to_string(e.range_op));
      out += "(";
      if (e.parameter) out += print_number(*e.parameter) + ", ";
      return out + format(e.log) + ")" + print_grouping(e.grouping);
    }
    case ExprKind::aggregate: {
      std::string out(to_string(e.vector_op));
      out += print_grouping(e.grouping);
      out += e.grouping.given ? " (" : "(";
      if (e.parameter) out += print_number(*e.parameter) + ", ";
      return out + format(e.args[0]) + ")";
    }
    case ExprKind::binary:
      return print_binary(e);
    case ExprKind::number:
      return print_number(e.number);
    case ExprKind::vector:
      return "vector(" + print_number(e.number) + ")";
    case ExprKind::label_replace: {
      std::string out = "label_replace(" + format(e.args[0]);
      for (const std::string& t : e.texts) out += ", " + quote(t);
      return out + ")";
    }
  }
  return {};
}

}  // namespace telltale::logql
