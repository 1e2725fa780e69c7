#include "server/offline.hpp"

#include <fmt/format.h>

#include "accounts/signing.hpp"

namespace telltale::server {

Result<std::unique_ptr<OfflineAccounts>> OfflineAccounts::open(const std::vector<std::string>& flags_text,
                                                               io::FileSystem& fs, const Clock& clock) {
  TT_ASSIGN(const auto flags, config::parse_flags(flags_text));
  TT_ASSIGN(const auto config, load_config(flags));
  const std::string& dir = config.server.data_dir;
  TT_ASSIGN(const bool there, fs.exists(io::join_path(dir, "meta/meta.db")));
  if (!there) {
    return fail(ErrorKind::not_found, dir + ": not a data folder (telltale serve makes one; see --data-dir)");
  }
  std::unique_ptr<OfflineAccounts> made(new OfflineAccounts(clock));
  auto lock = fs.lock(io::join_path(dir, "LOCK"));
  if (!lock && lock.error().kind() == ErrorKind::conflict) {
    return fail(ErrorKind::conflict, dir +
                                         ": a running server has this folder; stop it, or use its API "
                                         "(/api/telltale/v1/tokens)");
  }
  if (!lock) return tl::unexpected<Error>(std::move(lock).error());
  made->lock_ = *std::move(lock);
  TT_ASSIGN(made->records_,
            metadb::open_metadb(fs, io::join_path(dir, "meta"), clock, made->log_, made->metrics_));
  made->accounts_ =
      std::make_unique<accounts::Authenticator>(*made->records_, clock, made->log_, made->metrics_);
  TT_ASSIGN(auto signing_key, accounts::open_signing_key(fs, io::join_path(dir, "meta")));
  made->accounts_->set_signing_key(std::move(signing_key));
  made->sessions_ = std::make_unique<accounts::Sessions>(
      *made->records_, *made->accounts_, accounts::SessionOptions{}, clock, made->log_, made->metrics_);
  return made;
}

Result<std::string> take_word(std::vector<std::string>& args, std::string_view what) {
  if (args.empty() || args.front().starts_with("--")) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: missing", what));
  }
  std::string word = args.front();
  args.erase(args.begin());
  return word;
}

}  // namespace telltale::server
