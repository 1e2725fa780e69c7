// Which secrets are masked: settings for every project, policies from the records, and the key of keyed
// hashes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "errors/project_rules.hpp"
#include "io/file_system.hpp"
#include "redact/projects.hpp"
#include "storage/records.hpp"

namespace telltale::server {

/// invalid_argument names the setting.
Result<redact::Options> redaction_defaults(const config::RedactionConfig& config);
/// Makes this installation's hash key when there is none yet.
Result<std::unique_ptr<redact::Redactors>> open_redactors(storage::RecordStore& records,
                                                          const config::RedactionConfig& config);

/// Puts the grouping rules that are kept into force.
Result<> open_grouping(storage::RecordStore& records, errors::ProjectRules& rules);

/// `check redaction [--policy FILE] [--quiet] FILE…`, `-` for standard input. Prints each line in which
/// something would be masked, how it would be stored and by which rules. `found` says whether there was any.
Result<std::string> check_redaction(std::vector<std::string> args, io::FileSystem& fs,
                                    const config::RedactionConfig& config, bool& found);

}  // namespace telltale::server
