// Settings that are lists of mappings: syslog listeners, followed files, retention rules. Read here, beside
// the table of single settings.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"

namespace YAML {
class Node;
}

namespace telltale::config {

inline constexpr std::string_view kInputSections[] = {"syslog.listen", "files", "retention.rules"};

/// `name` is one of kInputSections. Errors say file:line.
Result<> read_inputs(std::string_view name, const YAML::Node& node, const std::string& file, Config& config);
/// What only the whole can say: plain text and unknown senders stay on loopback unless the operator says so.
Result<> check_inputs(const Config& config);
/// For docs/settings.md.
std::string_view inputs_docs();

}  // namespace telltale::config
