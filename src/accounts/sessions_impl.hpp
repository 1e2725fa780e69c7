// What sessions.cpp (signing in and out) and users.cpp (administration) share.
#pragma once

#include "accounts/sessions.hpp"
#include "accounts/throttle.hpp"
#include "base/limits.hpp"

namespace telltale::accounts {

/// Without blanks around it, in lower case: how addresses are kept and compared.
std::string normal_email(std::string_view email);

struct Sessions::Impl {
  Impl(storage::RecordStore& store, Authenticator& authenticator, SessionOptions opts, const Clock& injected,
       const Logger& logger, MetricsRegistry& metrics)
      : records(store),
        tokens(authenticator),
        options(opts),
        clock(injected),
        log(logger),
        by_account(injected, limits::kMaxFailedLoginsPerAccount),
        by_address(injected, limits::kMaxFailedLogins),
        failures(
            metrics.counter("telltale_login_failures_total", "Sign-ins with a wrong address or password.")),
        throttled(metrics.counter("telltale_logins_throttled_total",
                                  "Sign-ins refused because there had been too many failures.")) {}

  void event(std::string_view what, std::string_view by, std::string_view of, const Caller& caller,
             bool refused = false);
  /// The user of this address and password; unauthenticated otherwise, whatever the reason.
  Result<storage::User> verified(std::string_view email, std::string_view password);
  Result<SignedIn> sign_in(storage::User user, const Caller& caller);
  /// A user to add, with its fields checked and its password hashed.
  Result<storage::User> prepared(const NewUser& wanted);
  /// conflict unless another enabled admin than `id` is left.
  Result<> require_other_admin(std::int64_t id);

  storage::RecordStore& records;
  Authenticator& tokens;
  const SessionOptions options;
  const Clock& clock;
  const Logger& log;
  PasswordHasher hasher;
  FailureThrottle by_account;
  FailureThrottle by_address;
  Counter& failures;
  Counter& throttled;
};

}  // namespace telltale::accounts
