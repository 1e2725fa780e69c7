// What the program's commands share: reading arguments and configuration, printing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "io/file_system.hpp"
#include "transport/transport.hpp"

namespace telltale::server {

/// Prints `telltale: message` to stderr; the exit status of a failure.
int complain(const Error& error);

/// Defaults, the file of --config, the environment, then the flags.
Result<config::Config> load_config(const config::Flags& flags);

/// Takes `--name value` or `--name=value` out of the arguments; the first one, if there are several.
/// invalid_argument when the value is missing.
Result<std::optional<std::string>> take_option(std::vector<std::string>& args, std::string_view name);

/// Columns are padded to their widest cell; control characters, which could steer a terminal, become '?'.
std::string render_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows);

/// Where `query` asks, unless --url says otherwise, and as whom.
struct QueryTarget {
  std::string url;
  std::string token;  // sent as Authorization: Bearer
};
/// `promql EXPR …` or `logs TEXT …`: asks a running server; the text to print.
Result<std::string> run_query(std::vector<std::string> args, const QueryTarget& target,
                              transport::HttpClient& client, const Clock& clock);
std::string query_usage();
/// `--user-id X | --email X | --query LOGQL [--start T] [--end T]`, each with `[--project N] [--dry-run]`:
/// erases one person's data, or log records, and waits for it; the text to print.
Result<std::string> run_erase(std::vector<std::string> args, QueryTarget target,
                              transport::HttpClient& client);

/// `token …`, `project …` and `user …`: on the records of a data folder that no server has open; the text to
/// print. conflict when one has.
Result<std::string> run_token(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock);
Result<std::string> run_project(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock);
Result<std::string> run_user(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock);

}  // namespace telltale::server
