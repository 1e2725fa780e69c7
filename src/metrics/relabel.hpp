// Relabelling as prometheus.yml describes it: rules that rewrite or drop a label set. Regular expressions are
// RE2's, anchored at both ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"

namespace re2 {
class RE2;
}

namespace telltale::metrics {

enum class RelabelAction : unsigned char {
  replace,
  keep,
  drop,
  keepequal,
  dropequal,
  hashmod,
  labelmap,
  labeldrop,
  labelkeep,
  lowercase,
  uppercase
};

struct RelabelRule {
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string target_label;
  std::string regex = "(.*)";
  std::uint64_t modulus = 0;
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::replace;
  std::shared_ptr<const re2::RE2> compiled;  // by prepare()

  /// Checks the rule as its action demands and compiles the expression; invalid_argument names the field.
  Result<> prepare();
};

Result<RelabelAction> relabel_action_from(std::string_view name);
std::string_view to_string(RelabelAction action);

/// False when the label set is dropped. Rules must be prepared.
bool relabel(const std::vector<RelabelRule>& rules, Labels& labels);

}  // namespace telltale::metrics
