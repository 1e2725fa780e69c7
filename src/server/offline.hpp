// The accounts of a data folder that no server has open, for the commands that work on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accounts/authenticator.hpp"
#include "accounts/sessions.hpp"
#include "metadb/metadb.hpp"
#include "server/cli.hpp"

namespace telltale::server {

/// The records alone: neither the journal nor the engines are opened, so that this is quick on a large
/// folder.
class OfflineAccounts {
 public:
  /// `flags_text` as for serve. not_found when there is no data folder; conflict when a server has it.
  static Result<std::unique_ptr<OfflineAccounts>> open(const std::vector<std::string>& flags_text,
                                                       io::FileSystem& fs, const Clock& clock);

  accounts::Authenticator& accounts() { return *accounts_; }
  accounts::Sessions& sessions() { return *sessions_; }
  storage::RecordStore& records() { return *records_; }

 private:
  explicit OfflineAccounts(const Clock& clock) : log_(clock, LogLevel::warn, stderr_sink()) {}
  const Logger log_;
  MetricsRegistry metrics_;
  std::unique_ptr<io::FileLock> lock_;
  std::unique_ptr<metadb::MetaDb> records_;
  std::unique_ptr<accounts::Authenticator> accounts_;
  std::unique_ptr<accounts::Sessions> sessions_;
};

/// The word after the command (NAME, ID, SLUG); options come behind it.
Result<std::string> take_word(std::vector<std::string>& args, std::string_view what);

}  // namespace telltale::server
