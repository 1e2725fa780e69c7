// Prometheus rule files: groups of recording and alerting rules in YAML. `type: logql` of a group or a rule
// (as vmalert's `type`) says that expressions are LogQL, as in the files of Loki's ruler, which have the same
// form. Every error names the line;
// expressions and templates are parsed here, so that a file that loads can be evaluated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "promql/features.hpp"

namespace telltale::alerting {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

enum class RuleLanguage : unsigned char { promql, logql };
std::string_view to_string(RuleLanguage language);
/// Also `prometheus` and `loki`.
std::optional<RuleLanguage> rule_language_from(std::string_view name);

/// Who made a rule: a file, or somebody through the API.
enum class RuleOrigin : unsigned char { file, api };
std::string_view to_string(RuleOrigin origin);

struct Rule {
  bool alert = false;  // else a recording rule
  std::string name;    // of the alert or of the recorded metric
  RuleLanguage language = RuleLanguage::promql;
  std::string expr;
  Millis hold{0};  // `for`
  Millis keep_firing_for{0};
  StringPairs labels;
  StringPairs annotations;
  std::vector<std::string> receivers;  // empty: all of the project
  int line = 0;                        // 1-based, of the rule in its file
  std::int64_t id = 0;                 // of a rule made through the API
};

struct RuleGroup {
  std::string name;
  std::string file;
  RuleOrigin origin = RuleOrigin::file;
  Millis interval{0};  // 0: the manager's default
  Millis query_offset{0};
  std::size_t limit = 0;  // 0: none
  StringPairs labels;     // put on every rule of the group; a rule's own win
  std::vector<Rule> rules;
};

/// invalid_argument, every problem of the file in one message, one a line: `rules.yml:12: …`. An expression
/// that uses what is not in `features` is one.
Result<std::vector<RuleGroup>> parse_rule_file(std::string_view yaml, const std::string& file,
                                               promql::Features features = {});

}  // namespace telltale::alerting
