#include "alerting/rule_query.hpp"

#include "logql/engine.hpp"
#include "promql/duration.hpp"
#include "promql/parser.hpp"

namespace telltale::alerting {
namespace {

constexpr const char* kNoVector = "expr must give an instant vector or a scalar";

}  // namespace

Result<> check_expression(RuleLanguage language, const std::string& text, promql::Features features) {
  if (language == RuleLanguage::logql) {
    const auto parsed = logql::parse(text);
    if (!parsed)
      return fail(ErrorKind::invalid_argument, "could not parse expression: " + parsed.error().message());
    if (parsed->is_log())
      return fail(ErrorKind::invalid_argument,
                  std::string(kNoVector) + ": count lines with count_over_time(… [5m])");
    return {};
  }
  const auto parsed = promql::parse(text);
  if (!parsed)
    return fail(ErrorKind::invalid_argument, "could not parse expression: " + parsed.error().message());
  if (const auto on = promql::check_features(text, **parsed, features); !on)
    return fail(ErrorKind::invalid_argument, "could not parse expression: " + on.error().message());
  // A rule is asked at one time: a range of step() would be empty, which is better said now than each minute.
  const auto resolved = promql::resolve_durations(text, **parsed, {});
  if (!resolved)
    return fail(ErrorKind::invalid_argument, "could not parse expression: " + resolved.error().message());
  const auto type = (*parsed)->type;
  if (type != promql::ValueType::vector && type != promql::ValueType::scalar)
    return fail(ErrorKind::invalid_argument, kNoVector);
  return {};
}

Result<std::vector<RuleSample>> RuleQueries::run(const Rule& rule, ProjectId project, UnixMillis at,
                                                 WorkContext& context) const {
  std::vector<RuleSample> out;
  if (rule.language == RuleLanguage::promql) {
    TT_ASSIGN(const auto found, metrics_->instant(rule.expr, {project}, at, context));
    if (found.type == promql::ValueType::scalar)
      return std::vector<RuleSample>{{Labels(), found.scalar.value, nullptr}};
    for (const auto& s : found.series) out.push_back({s.labels, s.samples[0].value, s.histogram(0)});
    return out;
  }
  if (logs_ == nullptr) return fail(ErrorKind::unsupported, "there are no logs here to ask");
  TT_ASSIGN(const auto expr, logql::parse(rule.expr));
  logql::QueryRequest request;
  request.projects = {project};
  request.start = request.end = UnixNanos::from_millis(at);
  TT_ASSIGN(const auto found, logql::run(*logs_, expr, request, context));
  if (found.kind == logql::ResultKind::scalar)
    return std::vector<RuleSample>{{Labels(), found.scalar.value, nullptr}};
  for (const auto& s : found.series) out.push_back({s.labels, s.points[0].value, nullptr});
  return out;
}

}  // namespace telltale::alerting
