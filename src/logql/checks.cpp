#include "logql/checks.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "logql/text_match.hpp"
#include "logql/units.hpp"

namespace telltale::logql {
namespace {

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::invalid_argument, std::move(message));
}

bool is_scalar(const Expr& e) {
  if (e.kind == ExprKind::number) return true;
  return e.kind == ExprKind::binary && is_scalar(e.args[0]) && is_scalar(e.args[1]);
}

bool takes_unwrap(RangeOp op) {
  return op != RangeOp::count_over_time && op != RangeOp::bytes_rate && op != RangeOp::bytes_over_time;
}

bool works_on_lines(RangeOp op) {
  return op == RangeOp::rate || op == RangeOp::count_over_time || op == RangeOp::bytes_rate ||
         op == RangeOp::bytes_over_time || op == RangeOp::absent_over_time;
}

bool takes_range_grouping(RangeOp op) {
  switch (op) {
    case RangeOp::avg_over_time:
    case RangeOp::min_over_time:
    case RangeOp::max_over_time:
    case RangeOp::stdvar_over_time:
    case RangeOp::stddev_over_time:
    case RangeOp::quantile_over_time:
    case RangeOp::first_over_time:
    case RangeOp::last_over_time:
    case RangeOp::distinct_over_time:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<> check_binary(const Expr& e) {
  for (const Expr& side : e.args) {
    if (side.is_log())
      return wrong(fmt::format("{} stands between metrics, not log lines", to_string(e.binary_op)));
    if (is_set_operator(e.binary_op) && is_scalar(side))
      return wrong(fmt::format("{} stands between vectors, not numbers", to_string(e.binary_op)));
  }
  if (e.matching.given && (is_scalar(e.args[0]) || is_scalar(e.args[1])))
    return wrong("on and ignoring stand between vectors only");
  if (e.matching.card == Cardinality::one_to_one) return {};
  for (const std::string& label : e.matching.include) {
    const auto& on = e.matching.labels;
    if (e.matching.on && std::find(on.begin(), on.end(), label) != on.end())
      return wrong(fmt::format("label {} stands in on and in the group clause", label));
  }
  return {};
}

Result<> check_range(const Expr& e) {
  const std::string name(to_string(e.range_op));
  if (e.range_op == RangeOp::quantile_over_time && !e.parameter)
    return wrong(name + " takes two arguments: a number from 0 to 1 and a range");
  if (e.range_op != RangeOp::quantile_over_time && e.parameter) return wrong(name + " takes no number");
  if (e.grouping.given && !takes_range_grouping(e.range_op))
    return wrong("grouping is not allowed for " + name + "; put sum by (…) around it");
  if (e.log.unwrap && !takes_unwrap(e.range_op)) return wrong(name + " takes no unwrap");
  if (!e.log.unwrap && !works_on_lines(e.range_op)) return wrong(name + " needs an unwrap");
  return {};
}

Result<> check_aggregate(const Expr& e) {
  const std::string name(to_string(e.vector_op));
  if (e.args[0].is_log()) return wrong(name + " stands around a metric, not log lines");
  if (is_scalar(e.args[0])) return wrong(name + " stands around a vector, not a number");
  const bool sorts = e.vector_op == VectorOp::sort || e.vector_op == VectorOp::sort_desc;
  if (e.grouping.given && (sorts || e.vector_op == VectorOp::approx_topk))
    return wrong("grouping is not allowed for " + name);
  if (e.parameter && !(*e.parameter >= 1)) return wrong(name + " takes a number greater than 0");
  if (e.parameter && *e.parameter != std::floor(*e.parameter)) return wrong(name + " takes a whole number");
  return {};
}

Result<> check_label_replace(const Expr& e) {
  if (e.args[0].is_log() || is_scalar(e.args[0])) return wrong("label_replace stands around a vector");
  if (!is_label_name(e.texts[0])) return wrong("label_replace: not a label name: " + e.texts[0]);
  TT_ASSIGN([[maybe_unused]] const TextMatcher regex, TextMatcher::make(CompareOp::re, e.texts[3]));
  return {};
}

Result<> check_filter(const LabelFilter& f) {
  for (const LabelFilter& child : f.children) TT_TRY(check_filter(child));
  if (f.kind == LabelFilterKind::text) {
    TT_ASSIGN([[maybe_unused]] const TextMatcher matcher, TextMatcher::make(f.op, f.value));
  }
  if (f.kind == LabelFilterKind::ip) {
    TT_ASSIGN([[maybe_unused]] const IpMatcher matcher, IpMatcher::make(f.value));
  }
  return {};
}

}  // namespace telltale::logql
