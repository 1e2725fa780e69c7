// The grouping rules in force, by project. A change holds for the requests that begin after it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.hpp"
#include "base/strong.hpp"
#include "errors/rules.hpp"

namespace telltale::errors {

/// As people wrote them.
struct RuleTexts {
  std::string stack;
  std::string fingerprint;
};
/// `{"stack_rules": "…", "fingerprint_rules": "…"}`; a member may be missing. invalid_argument names what is
/// wrong, the rules themselves included.
Result<RuleTexts> parse_rule_texts(std::string_view json);
/// The same form, both members present.
std::string rule_texts_json(const RuleTexts& texts);

/// Where the records keep them: this and the project's number.
inline constexpr std::string_view kRulesSetting = "grouping/";

/// Thread-safe.
class ProjectRules {
 public:
  std::shared_ptr<const GroupingRules> of(ProjectId project) const;
  RuleTexts texts(ProjectId project) const;
  /// As GroupingRules::parse().
  Result<> set(ProjectId project, RuleTexts texts);
  /// The same, once `keep` has written them down; one change at a time.
  Result<> change(ProjectId project, RuleTexts texts, const std::function<Result<>()>& keep);

 private:
  struct Own {
    RuleTexts texts;
    std::shared_ptr<const GroupingRules> rules;
  };
  Mutex changing_;
  mutable Mutex mutex_;
  std::map<ProjectId, Own> own_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::errors
