#include "server/retention.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "logql/parser.hpp"
#include "logql/pipeline_plan.hpp"
#include "promql/parser.hpp"

namespace telltale::server {
namespace {

/// The same for a rule that keeps its rows for another time or is written with other spaces.
std::uint32_t rule_id(const eventdb::RetentionRule& rule, const std::vector<logql::Matcher>& matchers) {
  std::vector<std::string> texts;
  for (const auto& matcher : matchers) texts.push_back(logql::format(matcher));
  std::sort(texts.begin(), texts.end());
  const std::string whole =
      fmt::format("{}\n{}\n{}", to_string(rule.table), rule.project.value, fmt::join(texts, "\n"));
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(hash64(whole)));
}

Result<eventdb::RetentionRule> rule_of(const config::RetentionRule& from) {
  eventdb::RetentionRule rule;
  const auto table = table_from(from.table);
  if (!table) return fail(ErrorKind::invalid_argument, "table must be logs, spans or errors");
  rule.table = *table;
  rule.project = from.project;
  rule.keep = from.keep;
  auto matchers = logql::parse_matchers(from.selector);
  if (!matchers) return tl::unexpected<Error>(std::move(matchers).error().within("selector"));
  if (matchers->empty()) return fail(ErrorKind::invalid_argument, "selector: names no label");
  rule.id = rule_id(rule, *matchers);
  logql::LogQuery query;
  query.matchers = *std::move(matchers);
  rule.filter = logql::push_down(query).filter;
  TT_TRY(storage::CompiledFilter::compile(rule.filter));
  return rule;
}

constexpr std::string_view kMetrics = "metrics";

tl::unexpected<Error> wrong_rule(const config::RetentionRule& rule, Error error) {
  return tl::unexpected<Error>(std::move(error).within(rule.place + " retention.rules"));
}

tl::unexpected<Error> rule_twice(const config::RetentionRule& rule) {
  return wrong_rule(rule, Error(ErrorKind::invalid_argument, rule.selector + " is there twice"));
}

/// Sorted: the order in which they are written says nothing.
std::vector<std::string> texts_of(const std::vector<storage::LabelMatcher>& matchers) {
  std::vector<std::string> out;
  for (const auto& matcher : matchers) out.push_back(matcher.to_string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Result<eventdb::EventRetention> event_retention(const config::RetentionConfig& from) {
  eventdb::EventRetention out;
  out.tables = {{Table::logs, from.logs}, {Table::spans, from.spans}, {Table::errors, from.errors}};
  for (const auto& own : from.projects) {
    if (own.logs) out.projects[{Table::logs, own.project}] = *own.logs;
    if (own.spans) out.projects[{Table::spans, own.project}] = *own.spans;
    if (own.errors) out.projects[{Table::errors, own.project}] = *own.errors;
  }
  for (const auto& written : from.rules) {
    if (written.table == kMetrics) continue;
    auto rule = rule_of(written);
    if (!rule) return wrong_rule(written, std::move(rule).error());
    const auto same = [&](const eventdb::RetentionRule& r) { return r.id == rule->id; };
    if (std::any_of(out.rules.begin(), out.rules.end(), same)) return rule_twice(written);
    out.rules.push_back(*std::move(rule));
  }
  return out;
}

Result<tsdb::MetricRetention> metric_retention(const config::RetentionConfig& from) {
  tsdb::MetricRetention out;
  out.keep = from.metrics;
  for (const auto& own : from.projects) {
    if (own.metrics) out.projects[own.project] = *own.metrics;
  }
  for (const auto& written : from.rules) {
    if (written.table != kMetrics) continue;
    auto matchers = promql::parse_selector(written.selector);
    if (!matchers) return wrong_rule(written, std::move(matchers).error().within("selector"));
    const auto texts = texts_of(*matchers);
    const auto same = [&](const tsdb::MetricRetention::Rule& r) {
      return r.project == written.project && texts_of(r.matchers) == texts;
    };
    if (std::any_of(out.rules.begin(), out.rules.end(), same)) return rule_twice(written);
    out.rules.push_back({written.project, *std::move(matchers), written.keep});
  }
  return out;
}

}  // namespace telltale::server
