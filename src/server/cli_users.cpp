// Users of a data folder whose server is stopped: the way in when nobody can sign in.
#include <iostream>

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.hpp"
#include "server/offline.hpp"

namespace telltale::server {
namespace {

/// Shown to nobody while it is typed.
class QuietTerminal {
 public:
  QuietTerminal() : active_(::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!active_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    fmt::print(stderr, "Password: ");
  }
  ~QuietTerminal() {
    if (!active_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    fmt::print(stderr, "\n");
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  termios before_{};
  const bool active_;
};

/// The first line of --password-file, else of standard input: never an argument, which every process could
/// read.
Result<std::string> take_password(std::vector<std::string>& args, io::FileSystem& fs) {
  TT_ASSIGN(const auto file, take_option(args, "--password-file"));
  std::string text;
  if (file) {
    TT_ASSIGN(text, io::read_file(fs, *file));
    text.erase(std::min(text.find('\n'), text.size()));
  } else {
    const QuietTerminal quiet;
    std::getline(std::cin, text);
  }
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

const accounts::Principal& operator_of_this_machine() {
  static const accounts::Principal kOperator{0, "command line", storage::Role::admin, {}};
  return kOperator;
}

Result<std::string> user_table(OfflineAccounts& offline) {
  TT_ASSIGN(const auto users, offline.sessions().users());
  std::vector<std::vector<std::string>> rows;
  for (const auto& u : users) {
    rows.push_back({fmt::format("{}", u.id), u.email, u.name, std::string(to_string(u.role)),
                    u.disabled ? "no" : "yes", format_rfc3339(u.created),
                    u.last_login ? format_rfc3339(*u.last_login) : std::string("never")});
  }
  return render_table({"ID", "EMAIL", "NAME", "ROLE", "ENABLED", "CREATED", "LAST LOGIN"}, rows);
}

Result<std::string> create_user(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock) {
  accounts::NewUser wanted;
  TT_ASSIGN(wanted.email, take_word(args, "EMAIL"));
  TT_ASSIGN(const auto name, take_option(args, "--name"));
  wanted.name = name.value_or(wanted.email);
  TT_ASSIGN(const auto role_name, take_option(args, "--role"));
  const auto role = storage::role_from(role_name.value_or(""));
  if (!role || *role == storage::Role::ingest) {
    return fail(ErrorKind::invalid_argument, "--role: viewer, editor or admin");
  }
  wanted.role = *role;
  TT_ASSIGN(wanted.password, take_password(args, fs));
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  TT_ASSIGN(const auto user, offline->sessions().create_user(wanted, operator_of_this_machine(), {}));
  return fmt::format("user {} ({}, {})\n", user.id, user.email, to_string(user.role));
}

/// passwd, enable, disable.
Result<std::string> change_user(const std::string& verb, std::vector<std::string> args, io::FileSystem& fs,
                                const Clock& clock) {
  TT_ASSIGN(const auto email, take_word(args, "EMAIL"));
  accounts::UserChange change;
  if (verb == "passwd") {
    TT_ASSIGN(change.password, take_password(args, fs));
  } else {
    change.disabled = verb == "disable";
  }
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  TT_ASSIGN(const auto user, offline->records().users().find_by_email(to_lower(email)));
  TT_TRY(offline->sessions().update_user(user.id, change, operator_of_this_machine(), {}));
  return fmt::format("user {} ({}): {}\n", user.id, user.email,
                     verb == "passwd" ? "new password; signed out everywhere" : verb + "d");
}

}  // namespace

Result<std::string> run_user(std::vector<std::string> args, io::FileSystem& fs, const Clock& clock) {
  TT_ASSIGN(const auto verb, take_word(args, "user list, create, passwd, disable or enable"));
  if (verb == "create") return create_user(std::move(args), fs, clock);
  if (verb == "passwd" || verb == "disable" || verb == "enable")
    return change_user(verb, std::move(args), fs, clock);
  if (verb != "list") {
    return fail(ErrorKind::invalid_argument, "user " + verb + ": list, create, passwd, disable or enable");
  }
  TT_ASSIGN(const auto offline, OfflineAccounts::open(args, fs, clock));
  return user_table(*offline);
}

}  // namespace telltale::server
