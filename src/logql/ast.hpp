// The syntax tree of a LogQL query. Flat nodes with a kind, as in promql: a tree is small, and each of its
// readers (printer, checks, planner, evaluator, naive oracle) is a switch. Values, not pointers: a tree may
// be copied and kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace telltale::logql {

/// Text comparisons first, then those of numbers.
enum class CompareOp : unsigned char { eq, ne, re, nre, gt, ge, lt, le };
/// `=`, `!=`, `=~`, `!~`, `>`, …; number equality is `==`.
std::string_view to_string(CompareOp op);

/// Of a stream selector, of `drop` and of `keep`. Regular expressions are RE2 and fully anchored.
struct Matcher {
  std::string name;
  CompareOp op = CompareOp::eq;  // eq, ne, re or nre
  std::string value;
};

enum class LineOp : unsigned char { contains, not_contains, regex, not_regex, pattern, not_pattern };
/// `|=`, `!=`, `|~`, `!~`, `|>`, `!>`.
std::string_view to_string(LineOp op);
/// Whether lines that match are dropped.
bool is_negative(LineOp op);

/// What a line filter looks for: plain text, an address (`ip("10.0.0.0/8")`), or text in any field of the row
/// (`any("text")`, not part of Loki's language).
enum class TermKind : unsigned char { line, ip, any_field };
struct LineTerm {
  TermKind kind = TermKind::line;
  std::string text;
};

enum class LabelFilterKind : unsigned char { text, number, duration, bytes, ip, both, either };
/// A tree: `both` and `either` have two children.
struct LabelFilter {
  LabelFilterKind kind = LabelFilterKind::text;
  std::string name;
  CompareOp op = CompareOp::eq;
  std::string value;  // text and ip: the operand; others: as written
  double number = 0;  // number; duration in nanoseconds; bytes
  std::vector<LabelFilter> children;
};

enum class StageKind : unsigned char {
  line_filter,
  json,     // assignments: label="expression"; none: every field
  logfmt,   // the same, and flags
  pattern,  // text
  regexp,   // text
  unpack,
  label_filter,  // filter
  line_format,   // text
  label_format,  // assignments
  decolorize,
  drop,  // choices
  keep,  // choices
};

struct Assignment {
  std::string label;
  std::string value;      // expression or template; of label_format's rename: the source label
  bool is_label = false;  // label_format: value names a label
};

struct LabelChoice {
  std::string name;
  std::optional<Matcher> matcher;  // drop or keep only where it matches
};

struct Stage {
  StageKind kind = StageKind::line_filter;
  std::size_t begin = 0;  // byte offset in the query
  LineOp line_op = LineOp::contains;
  std::vector<LineTerm> terms;  // one of them suffices
  std::vector<Assignment> assignments;
  bool strict = false;
  bool keep_empty = false;
  std::string text;
  LabelFilter filter;
  std::vector<LabelChoice> choices;
};

enum class Conversion : unsigned char { none, duration, duration_seconds, bytes };
struct Unwrap {
  std::string label;
  Conversion conversion = Conversion::none;
  std::vector<LabelFilter> filters;  // after it
};

/// A selector with its pipeline; inside a range aggregation also range, offset and unwrap.
struct LogQuery {
  bool has_selector = false;  // ours: it may be left out
  std::vector<Matcher> matchers;
  std::vector<Stage> stages;
  std::optional<Unwrap> unwrap;
  Nanos range{0};
  Nanos offset{0};
};

enum class RangeOp : unsigned char {
  rate,
  rate_counter,
  count_over_time,
  bytes_rate,
  bytes_over_time,
  sum_over_time,
  avg_over_time,
  min_over_time,
  max_over_time,
  stdvar_over_time,
  stddev_over_time,
  quantile_over_time,
  first_over_time,
  last_over_time,
  absent_over_time,
  distinct_over_time,  // ours: how many different values the unwrapped label has
};
std::string_view to_string(RangeOp op);
std::optional<RangeOp> range_op_from(std::string_view name);

enum class VectorOp : unsigned char {
  sum,
  avg,
  min,
  max,
  count,
  stddev,
  stdvar,
  topk,
  bottomk,
  sort,
  sort_desc,
  approx_topk
};
std::string_view to_string(VectorOp op);
std::optional<VectorOp> vector_op_from(std::string_view name);

enum class BinaryOp : unsigned char {
  or_,
  and_,
  unless,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  add,
  sub,
  mul,
  div,
  mod,
  pow
};
std::string_view to_string(BinaryOp op);
bool is_comparison(BinaryOp op);
bool is_set_operator(BinaryOp op);

struct Grouping {
  bool given = false;
  bool without = false;
  std::vector<std::string> labels;
};

enum class Cardinality : unsigned char { one_to_one, many_to_one, one_to_many };
struct Matching {
  bool given = false;  // on or ignoring stood in the text
  bool on = false;
  std::vector<std::string> labels;
  Cardinality card = Cardinality::one_to_one;  // group_left: many_to_one
  std::vector<std::string> include;            // of group_left or group_right
};

enum class ExprKind : unsigned char { log, range, aggregate, binary, number, vector, label_replace };

struct Expr {
  ExprKind kind = ExprKind::log;
  std::size_t begin = 0;  // byte offset in the query
  LogQuery log;           // log, range
  RangeOp range_op = RangeOp::rate;
  VectorOp vector_op = VectorOp::sum;
  std::optional<double> parameter;  // quantile_over_time's φ; topk's k
  Grouping grouping;                // range, aggregate
  BinaryOp binary_op = BinaryOp::add;
  bool bool_modifier = false;
  Matching matching;
  double number = 0;               // number, vector
  std::vector<std::string> texts;  // label_replace: destination, replacement, source, regular expression
  std::vector<Expr> args;          // aggregate and label_replace: one; binary: two

  bool is_log() const { return kind == ExprKind::log; }
};

}  // namespace telltale::logql
