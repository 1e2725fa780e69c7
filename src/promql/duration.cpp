#include "promql/duration.hpp"

#include <algorithm>
#include <cmath>

#include "promql/lexer.hpp"

namespace telltale::promql {
namespace {

/// Prometheus' own bound is that of Go's time.Duration: 292 years.
constexpr double kMaxDurationMs = 9.2e15;

Result<double> seconds_of(std::string_view text, const Expr& e, const QuerySpan& span) {
  switch (e.kind) {
    case ExprKind::number:
      return e.number;
    case ExprKind::paren:
      return seconds_of(text, *e.args[0], span);
    case ExprKind::unary: {
      TT_ASSIGN(const double inner, seconds_of(text, *e.args[0], span));
      return e.op == BinaryOp::sub ? -inner : inner;
    }
    case ExprKind::call:
      if (e.text == "step") return static_cast<double>(span.step) / 1000;
      if (e.text == "range") return static_cast<double>(span.end - span.start) / 1000;
      break;
    default:
      break;
  }
  TT_ASSIGN(const double a, seconds_of(text, *e.args[0], span));
  TT_ASSIGN(const double b, seconds_of(text, *e.args[1], span));
  if (e.kind == ExprKind::call) return e.text == "min_of" ? std::min(a, b) : std::max(a, b);
  if (e.op == BinaryOp::add) return a + b;
  if (e.op == BinaryOp::sub) return a - b;
  if (e.op == BinaryOp::mul) return a * b;
  if (e.op == BinaryOp::pow) return std::pow(a, b);
  if (b == 0) {
    return tl::unexpected(
        parse_error(text, e.args[1]->begin, e.op == BinaryOp::div ? "division by zero" : "modulo by zero"));
  }
  return e.op == BinaryOp::div ? a / b : std::fmod(a, b);
}

}  // namespace

bool is_fixed_duration(const Expr& duration) {
  if (duration.kind == ExprKind::call && (duration.text == "step" || duration.text == "range")) return false;
  return std::all_of(duration.args.begin(), duration.args.end(),
                     [](const ExprPtr& arg) { return is_fixed_duration(*arg); });
}

Result<std::int64_t> duration_ms(std::string_view text, const Expr& duration, const QuerySpan& span) {
  TT_ASSIGN(const double seconds, seconds_of(text, duration, span));
  const double ms = seconds * 1000;
  if (!(std::abs(ms) < kMaxDurationMs)) {
    return tl::unexpected(parse_error(text, duration.begin, "duration out of range"));
  }
  return static_cast<std::int64_t>(std::llround(ms));
}

Result<std::int64_t> positive_duration_ms(std::string_view text, const Expr& duration,
                                          const QuerySpan& span) {
  TT_ASSIGN(const std::int64_t ms, duration_ms(text, duration, span));
  if (ms > 0) return ms;
  return tl::unexpected(parse_error(text, duration.begin, "duration must be greater than 0"));
}

Result<> resolve_durations(std::string_view text, Expr& e, const QuerySpan& span) {
  if (e.range) {
    TT_ASSIGN(e.range_ms, positive_duration_ms(text, *e.range, span));
  }
  if (e.step) {
    TT_ASSIGN(e.step_ms, positive_duration_ms(text, *e.step, span));
  }
  if (e.offset) {
    TT_ASSIGN(e.offset_ms, duration_ms(text, *e.offset, span));
  }
  if (e.param) TT_TRY(resolve_durations(text, *e.param, span));
  for (const ExprPtr& arg : e.args) TT_TRY(resolve_durations(text, *arg, span));
  return {};
}

}  // namespace telltale::promql
