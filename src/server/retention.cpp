#include "server/retention.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "logql/parser.hpp"
#include "logql/pipeline_plan.hpp"

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
    auto rule = rule_of(written);
    if (!rule)
      return tl::unexpected<Error>(std::move(rule).error().within(written.place + " retention.rules"));
    const auto same = [&](const eventdb::RetentionRule& r) { return r.id == rule->id; };
    if (std::any_of(out.rules.begin(), out.rules.end(), same))
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{} retention.rules: {} is there twice", written.place, written.selector));
    out.rules.push_back(*std::move(rule));
  }
  return out;
}

}  // namespace telltale::server
