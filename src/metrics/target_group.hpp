// What discovery gives: addresses with common labels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"

namespace YAML {
class Node;
}

namespace telltale::metrics {

/// An entry of static_configs, of a file or of an HTTP list. Labels may be `__meta_…`.
struct TargetGroup {
  std::vector<std::string> targets;
  Labels labels;
};

/// A file of file_sd_configs: YAML or JSON (a subset of YAML). `where` names the source in errors.
Result<std::vector<TargetGroup>> parse_target_groups(std::string_view text, std::string_view where);
/// The answer of an http_sd service, which is JSON.
Result<std::vector<TargetGroup>> parse_json_target_groups(std::string_view text, std::string_view where);
/// Throws ConfigFault.
std::vector<TargetGroup> as_groups(const YAML::Node& n, std::string_view field);

}  // namespace telltale::metrics
