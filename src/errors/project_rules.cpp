#include "errors/project_rules.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/input_limits.hpp"
#include "base/json.hpp"

namespace telltale::errors {

Result<RuleTexts> parse_rule_texts(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json).get(object) != simdjson::SUCCESS)
    return fail(ErrorKind::invalid_argument, "grouping: wants an object");
  RuleTexts out;
  for (const auto field : object) {
    std::string_view text;
    if (field.key != "stack_rules" && field.key != "fingerprint_rules")
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: unknown; there are stack_rules and fingerprint_rules", field.key));
    if (field.value.get(text) != simdjson::SUCCESS)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: wants a text, a rule a line", field.key));
    (field.key == "stack_rules" ? out.stack : out.fingerprint) = text;
  }
  if (out.stack.size() + out.fingerprint.size() > limits::kMaxGroupingRulesBytes)
    return fail(ErrorKind::too_large,
                fmt::format("grouping: more than {} bytes of rules", limits::kMaxGroupingRulesBytes));
  TT_ASSIGN(const auto rules, GroupingRules::parse(out.stack, out.fingerprint));
  (void)rules;
  return out;
}

std::string rule_texts_json(const RuleTexts& texts) {
  JsonWriter w;
  w.begin_object()
      .field("stack_rules", texts.stack)
      .field("fingerprint_rules", texts.fingerprint)
      .end_object();
  return w.take();
}

std::shared_ptr<const GroupingRules> ProjectRules::of(ProjectId project) const {
  MutexLock lock(mutex_);
  const auto found = own_.find(project);
  if (found != own_.end()) return found->second.rules;
  return {std::shared_ptr<const void>(), &GroupingRules::none()};
}

RuleTexts ProjectRules::texts(ProjectId project) const {
  MutexLock lock(mutex_);
  const auto found = own_.find(project);
  return found == own_.end() ? RuleTexts() : found->second.texts;
}

Result<> ProjectRules::set(ProjectId project, RuleTexts texts) {
  TT_ASSIGN(auto rules, GroupingRules::parse(texts.stack, texts.fingerprint));
  MutexLock lock(mutex_);
  own_[project] = {std::move(texts), std::move(rules)};
  return {};
}

Result<> ProjectRules::change(ProjectId project, RuleTexts texts, const std::function<Result<>()>& keep) {
  const MutexLock lock(changing_);
  TT_TRY(keep());
  return set(project, std::move(texts));
}

}  // namespace telltale::errors
