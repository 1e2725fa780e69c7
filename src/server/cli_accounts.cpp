// Tokens and projects of a data folder whose server is stopped: the way in when no admin token is at hand.
#include <charconv>

#include <fmt/format.h>

#include "server/offline.hpp"

namespace telltale::server {
namespace {

template <class Number>
Result<Number> number_of(std::string_view what, const std::string& text) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value <= 0) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: not a number from 1 on", what));
  }
  return value;
}

Result<std::string> list_tokens(OfflineAccounts& offline) {
  TT_ASSIGN(const auto tokens, offline.accounts().tokens());
  std::vector<std::vector<std::string>> rows;
  const auto time = [](const std::optional<UnixNanos>& t) {
    return t ? format_rfc3339(*t) : std::string("never");
  };
  for (const auto& t : tokens) {
    rows.push_back({fmt::format("{}", t.id), t.name, std::string(to_string(t.role)),
                    t.project.value == 0 ? "all" : fmt::format("{}", t.project.value),
                    format_rfc3339(t.created), time(t.expires), time(t.last_used)});
  }
  return render_table({"ID", "NAME", "ROLE", "PROJECT", "CREATED", "EXPIRES", "LAST USED"}, rows);
}

Result<std::string> create_token(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock) {
  accounts::NewToken wanted;
  TT_ASSIGN(wanted.name, take_word(args, "NAME"));
  TT_ASSIGN(const auto role_name, take_option(args, "--role"));
  const auto role = storage::role_from(role_name.value_or(""));
  if (!role) return fail(ErrorKind::invalid_argument, "--role: ingest, viewer, editor or admin");
  wanted.role = *role;
  TT_ASSIGN(const auto project, take_option(args, "--project"));
  if (project) {
    TT_ASSIGN(wanted.project.value, number_of<std::uint32_t>("--project", *project));
  }
  TT_ASSIGN(const auto lasts, take_option(args, "--expires-in"));
  if (lasts) {
    const auto duration = parse_duration(*lasts);
    if (!duration) return fail(ErrorKind::invalid_argument, "--expires-in: " + duration.error().message());
    wanted.expires = clock.now() + *duration;
  }
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  TT_ASSIGN(const auto created, offline->accounts().create_token(wanted));
  return fmt::format("token {} ({}), shown only now:\n{}\n", created.token.id, wanted.name, created.secret);
}

Result<std::string> revoke_token(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock) {
  TT_ASSIGN(const auto word, take_word(args, "ID"));
  TT_ASSIGN(const auto id, number_of<std::int64_t>("ID", word));
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  TT_TRY(offline->accounts().revoke_token(id));
  return fmt::format("token {} is revoked\n", id);
}

Result<std::string> list_projects(OfflineAccounts& offline) {
  TT_ASSIGN(const auto projects, offline.records().projects().list());
  std::vector<std::vector<std::string>> rows;
  for (const auto& p : projects) {
    TT_ASSIGN(const auto keys, offline.records().dsn_keys().list(p.id));
    std::string enabled;
    for (const auto& key : keys) {
      if (key.enabled) enabled += (enabled.empty() ? "" : ",") + key.public_key;
    }
    rows.push_back({fmt::format("{}", p.id.value), p.slug, p.name, enabled});
  }
  return render_table({"ID", "SLUG", "NAME", "DSN KEYS"}, rows);
}

Result<std::string> create_project(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock) {
  TT_ASSIGN(const auto slug, take_word(args, "SLUG"));
  TT_ASSIGN(const auto name, take_option(args, "--name"));
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  TT_ASSIGN(const auto project, offline->accounts().create_project(slug, name.value_or("")));
  TT_ASSIGN(const auto keys, offline->records().dsn_keys().list(project.id));
  return fmt::format("project {} ({}), DSN key {}\n", project.id.value, slug,
                     keys.empty() ? std::string("none") : keys.front().public_key);
}

}  // namespace

Result<std::string> run_token(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock) {
  TT_ASSIGN(const auto verb, take_word(args, "token list, create or revoke"));
  if (verb == "create") return create_token(std::move(args), fs, clock);
  if (verb == "revoke") return revoke_token(std::move(args), fs, clock);
  if (verb != "list") {
    return fail(ErrorKind::invalid_argument, "token " + verb + ": list, create or revoke");
  }
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  return list_tokens(*offline);
}

Result<std::string> run_project(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock) {
  TT_ASSIGN(const auto verb, take_word(args, "project list or create"));
  if (verb == "create") return create_project(std::move(args), fs, clock);
  if (verb != "list") return fail(ErrorKind::invalid_argument, "project " + verb + ": list or create");
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  return list_projects(*offline);
}

}  // namespace telltale::server
