// People: who may sign in with a password, and the browsers that are signed in. A session's token is 256
// random bits in a cookie; only its SHA-256 is kept. Users are read from the records at each request, so that
// disabling one, or changing a role, works at once.
//
// Every event here is one line of the log: what happened, who did it, to whom, from where. Passwords and
// tokens are never in it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/authenticator.hpp"
#include "accounts/password.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "storage/records.hpp"

namespace telltale::accounts {

struct SessionOptions {
  Nanos idle_timeout{std::chrono::hours(24 * 7)};  // without a request
  Nanos lifetime{std::chrono::hours(24 * 30)};     // since signing in
};

/// Where a request came from.
struct Caller {
  std::string address;
  std::string user_agent;
};

struct SignedIn {
  storage::User user;
  storage::Session session;
  std::string token;  // for the cookie
};

struct NewUser {
  std::string email;
  std::string name;
  storage::Role role = storage::Role::viewer;  // not ingest
  std::string password;
};

/// What stays unset stays as it is.
struct UserChange {
  std::optional<std::string> name;
  std::optional<storage::Role> role;
  std::optional<bool> disabled;
  std::optional<std::string> password;
};

/// Thread-safe.
class Sessions {
 public:
  Sessions(storage::RecordStore& records, Authenticator& tokens, SessionOptions options, const Clock& clock,
           const Logger& log, MetricsRegistry& metrics);
  ~Sessions();

  /// unauthenticated, in the same words and time, for an unknown address, a wrong password or a disabled
  /// user. resource_exhausted after too many failures of this address or account; see retry_after().
  Result<SignedIn> login(std::string_view email, std::string_view password, const Caller& caller);
  /// Makes the first admin in exchange for the setup token of Authenticator::bootstrap(), and signs in.
  Result<SignedIn> set_up(std::string_view setup_token, const NewUser& admin, const Caller& caller);
  /// How long whoever was refused with resource_exhausted should wait.
  static Nanos retry_after();

  /// unauthenticated when the token is unknown, expired, idle for too long, or its user disabled.
  Result<Principal> authenticate(std::string_view token);
  Result<storage::User> user(std::int64_t id);
  Result<> logout(const Principal& who, const Caller& caller);
  Result<> logout_everywhere(const Principal& who, const Caller& caller);
  /// permission_denied when `current` is wrong. The other sessions end.
  Result<> change_password(const Principal& who, std::string_view current, std::string_view wanted,
                           const Caller& caller);
  Result<std::vector<storage::Session>> list(std::int64_t user);
  /// not_found for a session of somebody else.
  Result<> end(const Principal& who, std::int64_t session, const Caller& caller);

  Result<std::vector<storage::User>> users();
  /// invalid_argument names the field; conflict when the address is taken.
  Result<storage::User> create_user(const NewUser& wanted, const Principal& by, const Caller& caller);
  /// conflict when nobody would be admin any more.
  Result<storage::User> update_user(std::int64_t id, const UserChange& change, const Principal& by,
                                    const Caller& caller);
  Result<> remove_user(std::int64_t id, const Principal& by, const Caller& caller);
  /// Makes the admin of the configuration unless there is a user of this address.
  Result<> bootstrap_admin(const NewUser& admin);
  /// Sessions that are over leave the records; call now and then.
  Result<> prune();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::accounts
