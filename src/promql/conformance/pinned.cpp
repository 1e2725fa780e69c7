#include "promql/conformance/pinned.hpp"

#include <algorithm>

#include "promql/parser.hpp"

namespace telltale::promql {
namespace {

bool depends_on_asking(const Expr& e) {
  static constexpr std::string_view kTimed[] = {
      "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute",        "month",
      "year",          "time",         "timestamp",   "start",       "end",  "predict_linear"};
  if (e.kind == ExprKind::call &&
      std::find(std::begin(kTimed), std::end(kTimed), e.text) != std::end(kTimed)) {
    return true;
  }
  return (e.param && depends_on_asking(*e.param)) ||
         std::any_of(e.args.begin(), e.args.end(),
                     [](const ExprPtr& arg) { return depends_on_asking(*arg); });
}

void pin(Expr& e, std::int64_t time_ms) {
  if (e.kind == ExprKind::vector_selector || e.kind == ExprKind::subquery) {
    // What lies inside of a subquery is asked relative to it.
    if (e.at == AtKind::start || e.at == AtKind::end || e.at == AtKind::none) {
      e.at = AtKind::time;
      e.at_ms = time_ms;
    }
    return;
  }
  if (e.param) pin(*e.param, time_ms);
  const std::size_t n = e.kind == ExprKind::call && e.text == "info" ? 1 : e.args.size();
  for (std::size_t i = 0; i < n; ++i) pin(*e.args[i], time_ms);
}

}  // namespace

std::optional<std::string> pinned_text(std::string_view expr, std::int64_t time_ms) {
  auto parsed = parse(expr);
  if (!parsed || depends_on_asking(**parsed)) return std::nullopt;
  pin(**parsed, time_ms);
  return to_string(**parsed);
}

}  // namespace telltale::promql
