// The parts in which a job's keys are read. Each says whether the key was its own; keys that we do not have
// go to `unsupported`; all throw ConfigFault. For this folder's .cpp files only.
#pragma once

#include <string>
#include <vector>

#include "metrics/scrape_config.hpp"

namespace YAML {
class Node;
}

namespace telltale::metrics {

/// Keys that `global` gives defaults for: times, limits, protocols, histograms.
bool read_shared_key(const std::string& key, const YAML::Node& value, ScrapeJob& job);
/// What the shared keys say together.
void check_shared(const YAML::Node& n, ScrapeJob& job);
/// static_configs and the *_sd_configs we have. Relative files are of `directory`.
bool read_discovery_key(const std::string& key, const YAML::Node& value, const std::string& directory,
                        ScrapeJob& job, std::vector<std::string>& unsupported);

}  // namespace telltale::metrics
