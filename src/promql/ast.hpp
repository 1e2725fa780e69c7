// The syntax tree of a PromQL expression. One node type with a kind: a tree is small, read by four visitors
// (type check, printer, preparation, evaluation), and a flat node keeps each of them a switch. Positions are
// byte offsets into the query text; parser.hpp turns them into line:column.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/matcher.hpp"

namespace telltale::promql {

enum class ValueType : unsigned char { scalar, string, vector, matrix };
/// "scalar", "string", "vector", "matrix": as JSON answers name them.
std::string_view to_string(ValueType type);

enum class ExprKind : unsigned char {
  number,           // number
  string,           // text
  vector_selector,  // name, matchers, offset, at
  matrix_selector,  // args[0] is the vector selector; range_ms
  subquery,         // args[0]; range_ms, step_ms (0: the default), offset, at
  unary,            // op (add or sub), args[0]
  binary,           // op, args[0], args[1], bool_modifier, matching
  aggregate,        // text is the operator; args[0], param, grouping, without
  call,             // text is the function's name; args
  paren,            // args[0]
};

enum class BinaryOp : unsigned char {
  add,
  sub,
  mul,
  div,
  mod,
  pow,
  atan2,
  trim_upper,  // histogram </ number: the observations below it
  trim_lower,  // histogram >/ number: those above it
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  and_,
  or_,
  unless
};
std::string_view to_string(BinaryOp op);
bool is_comparison(BinaryOp op);
bool is_set_operator(BinaryOp op);

enum class Cardinality : unsigned char { one_to_one, many_to_one, one_to_many, many_to_many };

struct VectorMatching {
  Cardinality card = Cardinality::one_to_one;
  bool on = false;                   // else ignoring
  bool written = false;              // on or ignoring stood in the text
  std::vector<std::string> labels;   // of on or ignoring
  std::vector<std::string> include;  // of group_left or group_right
  std::optional<double> fill_left;   // stands for a missing series of that side (of "many" with group_right)
  std::optional<double> fill_right;
};

/// A selector that uses samples from outside of its range (extended.cpp).
enum class Extension : unsigned char { none, anchored, smoothed };

enum class AtKind : unsigned char { none, time, start, end };

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  ExprKind kind;
  ValueType type = ValueType::vector;
  std::size_t begin = 0;  // byte offsets of the text it was read from
  std::size_t end = 0;

  double number = 0;
  std::string text;

  std::vector<storage::LabelMatcher> matchers;  // includes the one for the name
  std::string name;                             // written before the braces or quoted first inside them
  std::int64_t offset_ms = 0;
  Extension extension = Extension::none;
  bool statistics_only = false;  // of histograms, only count and sum are looked at (engine.cpp)
  AtKind at = AtKind::none;
  std::int64_t at_ms = 0;
  std::int64_t range_ms = 0;
  std::int64_t step_ms = 0;

  // As written, where they are computed (duration.hpp); null where a plain duration stands.
  ExprPtr range;
  ExprPtr step;
  ExprPtr offset;

  BinaryOp op = BinaryOp::add;
  bool bool_modifier = false;
  VectorMatching matching;

  ExprPtr param;
  std::vector<std::string> grouping;
  bool without = false;

  std::vector<ExprPtr> args;
};

/// The node below any parentheses.
const Expr& unwrap(const Expr& expr);

/// Text that parses to the same tree, in Prometheus' canonical spacing.
std::string to_string(const Expr& expr);

}  // namespace telltale::promql
