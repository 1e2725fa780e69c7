// Alerting rules that people make through the API: kept in the records, evaluated by the rule manager beside
// those of files, each as a group of its own (file "api", named as the rule).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alerting/rule_manager.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "storage/records.hpp"

namespace telltale::alerting {

inline constexpr std::string_view kApiRulesFile = "api";

struct RuleDefinition {
  Rule rule;  // alert; its id and line do not count
  Millis interval{std::chrono::seconds(15)};
  bool paused = false;  // kept, not evaluated
};

/// Changes `definition` by the members of a JSON object; what it does not name stays. invalid_argument names
/// the member that is wrong, or missing in the end.
Result<> change_definition(std::string_view json, RuleDefinition& definition);
/// The members, inside an object that the caller has begun; change_definition() of nothing reads them back.
void write_members(JsonWriter& w, const RuleDefinition& definition);

struct RuleRecord {
  storage::KeptRule kept;
  RuleDefinition definition;
};

/// Thread-safe.
class KeptRules {
 public:
  /// Everything outlives it.
  KeptRules(storage::RecordStore& records, RuleManager& rules, const Clock& clock, const Logger& log)
      : records_(records), rules_(rules), clock_(clock), log_(log) {}

  /// Hands all rules to the manager; once, before it is ticked.
  Result<> load();
  /// By name.
  Result<std::vector<RuleRecord>> list(const storage::Projects& projects) const;
  /// not_found.
  Result<RuleRecord> get(std::int64_t id) const;
  /// In force when these return. conflict when the name is taken; resource_exhausted over kMaxKeptRules.
  Result<RuleRecord> add(ProjectId project, RuleDefinition definition, std::string created_by);
  Result<RuleRecord> change(std::int64_t id, RuleDefinition definition);
  Result<> remove(std::int64_t id);

 private:
  Result<std::vector<RuleRecord>> all() const;
  Result<> hand_over(ProjectId project) TT_REQUIRES(mutex_);

  storage::RecordStore& records_;
  RuleManager& rules_;
  const Clock& clock_;
  const Logger& log_;
  mutable Mutex mutex_;  // changes come one after the other
};

}  // namespace telltale::alerting
