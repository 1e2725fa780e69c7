#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "promql/ast.hpp"
#include "promql/engine.hpp"

namespace telltale::promql {

std::string_view to_string(ValueType type) {
  switch (type) {
    case ValueType::scalar:
      return "scalar";
    case ValueType::string:
      return "string";
    case ValueType::vector:
      return "vector";
    case ValueType::matrix:
      return "matrix";
  }
  return "";
}

std::string_view to_string(BinaryOp op) {
  static constexpr std::string_view kNames[] = {"+",  "-",  "*", "/",  "%", "^",  "atan2", "</", ">/",
                                                "==", "!=", "<", "<=", ">", ">=", "and",   "or", "unless"};
  return kNames[static_cast<int>(op)];
}

bool is_comparison(BinaryOp op) { return op >= BinaryOp::eq && op <= BinaryOp::ge; }
bool is_set_operator(BinaryOp op) { return op >= BinaryOp::and_; }

const Expr& unwrap(const Expr& expr) {
  const Expr* e = &expr;
  while (e->kind == ExprKind::paren) e = e->args[0].get();
  return *e;
}

std::string format_value(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  // Go's 'f' format with the fewest digits that read back, as the HTTP API prints values: those digits stand
  // in the scientific form, and zeros fill what is left up to the point.
  char text[40];
  const auto [end, problem] = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  std::string_view scientific(text, static_cast<std::size_t>(end - text));
  std::string out;
  if (scientific.front() == '-') {
    out += '-';
    scientific.remove_prefix(1);
  }
  const std::size_t e = scientific.find('e');
  int exponent = 0;
  const std::size_t sign = scientific[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(scientific.data() + sign, scientific.data() + scientific.size(), exponent);
  char digits[24];
  int count = 0;
  for (const char c : scientific.substr(0, e))
    if (c != '.') digits[count++] = c;
  if (exponent < 0) {
    out.append("0.")
        .append(static_cast<std::size_t>(-exponent - 1), '0')
        .append(digits, static_cast<std::size_t>(count));
    return out;
  }
  for (int i = 0; i <= exponent; ++i) out += i < count ? digits[i] : '0';
  if (count > exponent + 1)
    out.append(1, '.').append(digits + exponent + 1, static_cast<std::size_t>(count - exponent - 1));
  return out;
}

namespace {

std::string print_duration(std::int64_t ms) {
  if (ms < 0) return "-" + print_duration(-ms);
  if (ms == 0) return "0s";
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"y", 31536000000}, {"w", 604800000}, {"d", 86400000}, {"h", 3600000},
      {"m", 60000},       {"s", 1000},      {"ms", 1}};
  std::string out;
  for (const auto& [name, size] : kUnits) {
    // Years and weeks only where they say it exactly, or a reader would have to add them up.
    if ((name == "y" || name == "w") && ms % size != 0) continue;
    if (ms / size > 0) out += std::to_string(ms / size) + std::string(name);
    ms %= size;
  }
  return out;
}

std::string quote_string(std::string_view s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
      out += hex;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

bool plain_name(std::string_view s, bool colons) {
  if (s.empty() || (s[0] >= '0' && s[0] <= '9')) return false;
  for (char c : s) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    (colons && c == ':');
    if (!ok) return false;
  }
  return true;
}

std::string print_label(const std::string& name) {
  return plain_name(name, false) ? name : quote_string(name);
}

std::string print_labels(const std::vector<std::string>& labels) {
  std::string out = "(";
  for (const std::string& label : labels) out += (out.size() > 1 ? ", " : "") + print_label(label);
  return out + ")";
}

/// A computed duration: numbers as they were written, because 5m and 300 are the same to the language.
std::string print_computed(const Expr& e) {
  if (e.kind == ExprKind::number) return e.text;
  if (e.kind == ExprKind::paren) return "(" + print_computed(*e.args[0]) + ")";
  if (e.kind == ExprKind::unary) return std::string(to_string(e.op)) + print_computed(*e.args[0]);
  if (e.kind == ExprKind::binary) {
    return print_computed(*e.args[0]) + " " + std::string(to_string(e.op)) + " " + print_computed(*e.args[1]);
  }
  const std::string inside =
      e.args.empty() ? "" : print_computed(*e.args[0]) + ", " + print_computed(*e.args[1]);
  return e.text + "(" + inside + ")";
}

std::string print_range(const Expr& e) {
  return e.range ? print_computed(*e.range) : print_duration(e.range_ms);
}

std::string print_step(const Expr& e) {
  if (e.step) return print_computed(*e.step);
  return e.step_ms > 0 ? print_duration(e.step_ms) : "";
}

std::string print_modifiers(const Expr& e) {
  std::string out;
  if (e.extension != Extension::none) out += e.extension == Extension::smoothed ? " smoothed" : " anchored";
  if (e.at == AtKind::time) {
    char text[64];
    std::snprintf(text, sizeof text, " @ %.3f", static_cast<double>(e.at_ms) / 1000);
    out += text;
  }
  if (e.at == AtKind::start) out += " @ start()";
  if (e.at == AtKind::end) out += " @ end()";
  if (e.offset) {
    out += " offset " + print_computed(*e.offset);
    return out;
  }
  if (e.offset_ms != 0) out += " offset " + print_duration(e.offset_ms);
  return out;
}

std::string print_selector(const Expr& e, const std::string& range) {
  static constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
  std::string inside;
  const bool plain = plain_name(e.name, true);
  if (!e.name.empty() && !plain) inside = quote_string(e.name);
  for (const auto& m : e.matchers) {
    if (!e.name.empty() && m.name() == kMetricName) continue;
    inside += (inside.empty() ? "" : ",") + print_label(m.name()) +
              std::string(kOps[static_cast<int>(m.op())]) + quote_string(m.value());
  }
  const std::string braces = inside.empty() && plain ? "" : "{" + inside + "}";
  return (plain ? e.name : "") + braces + range + print_modifiers(e);
}

std::string print_args(const std::vector<ExprPtr>& args) {
  std::string out;
  for (const ExprPtr& arg : args) out += (out.empty() ? "" : ", ") + to_string(*arg);
  return out;
}

std::string print_aggregate(const Expr& e) {
  std::string out = e.text;
  if (e.without) {
    out += " without " + print_labels(e.grouping) + " ";
  } else if (!e.grouping.empty()) {
    out += " by " + print_labels(e.grouping) + " ";
  }
  return out + "(" + (e.param ? to_string(*e.param) + ", " : "") + to_string(*e.args[0]) + ")";
}

std::string print_binary(const Expr& e) {
  std::string out = to_string(*e.args[0]) + " " + std::string(to_string(e.op));
  if (e.bool_modifier) out += " bool";
  const VectorMatching& m = e.matching;
  if (m.written && (m.on || !m.labels.empty() || !m.include.empty() || m.card == Cardinality::many_to_one ||
                    m.card == Cardinality::one_to_many)) {
    out += std::string(m.on ? " on " : " ignoring ") + print_labels(m.labels);
    if (m.card == Cardinality::many_to_one) out += " group_left " + print_labels(m.include);
    if (m.card == Cardinality::one_to_many) out += " group_right " + print_labels(m.include);
  }
  if (m.fill_left && m.fill_right && *m.fill_left == *m.fill_right) {
    out += " fill (" + format_value(*m.fill_left) + ")";
  } else {
    if (m.fill_left) out += " fill_left (" + format_value(*m.fill_left) + ")";
    if (m.fill_right) out += " fill_right (" + format_value(*m.fill_right) + ")";
  }
  return out + " " + to_string(*e.args[1]);
}

}  // namespace

std::string to_string(const Expr& e) {
  switch (e.kind) {
    case ExprKind::number:
      // A sign of its own would bind weaker than ^ when it is read back.
      return std::isinf(e.number) && e.number > 0 ? "Inf" : format_value(e.number);
    case ExprKind::string:
      return quote_string(e.text);
    case ExprKind::vector_selector:
      return print_selector(e, "");
    case ExprKind::matrix_selector:
      return print_selector(*e.args[0], "[" + print_range(e) + "]");
    case ExprKind::subquery:
      return to_string(*e.args[0]) + "[" + print_range(e) + ":" + print_step(e) + "]" + print_modifiers(e);
    case ExprKind::unary:
      return std::string(to_string(e.op)) + to_string(*e.args[0]);
    case ExprKind::binary:
      return print_binary(e);
    case ExprKind::aggregate:
      return print_aggregate(e);
    case ExprKind::call:
      return e.text + "(" + print_args(e.args) + ")";
    case ExprKind::paren:
      return "(" + to_string(*e.args[0]) + ")";
  }
  return "";
}

}  // namespace telltale::promql
