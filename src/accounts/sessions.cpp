// Signing in and out.
#include "accounts/sessions.hpp"

#include "accounts/sessions_impl.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"

namespace telltale::accounts {

namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kMaxTokenText = 128;
constexpr Nanos kSeenPeriod = std::chrono::minutes(1);  // last_seen is this exact

tl::unexpected<Error> wrong_login() {
  return fail(ErrorKind::unauthenticated, "the e-mail address or the password is wrong");
}

tl::unexpected<Error> no_session() { return fail(ErrorKind::unauthenticated, "not signed in, or no longer"); }

tl::unexpected<Error> throttled() {
  return fail(ErrorKind::resource_exhausted, "too many failed attempts; try again later");
}

}  // namespace

std::string normal_email(std::string_view email) {
  const std::size_t from = email.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return to_lower(email.substr(from, email.find_last_not_of(" \t") - from + 1));
}

void Sessions::Impl::event(std::string_view what, std::string_view by, std::string_view of,
                           const Caller& caller, bool refused) {
  const std::string_view agent = truncate_utf8(caller.user_agent, limits::kMaxLoggedAgentBytes);
  const std::string_view by_text = truncate_utf8(by, limits::kMaxEmailBytes);
  const std::string_view of_text = truncate_utf8(of, limits::kMaxEmailBytes);
  const auto write = [&](auto level) {
    (log.*level)("auth", {{"event", what},
                          {"outcome", refused ? "refused" : "done"},
                          {"by", by_text},
                          {"of", of_text},
                          {"remote", caller.address},
                          {"user_agent", agent}});
  };
  write(refused ? &Logger::warn : &Logger::info);
}

Result<SignedIn> Sessions::Impl::sign_in(storage::User user, const Caller& caller) {
  SignedIn made;
  const UnixNanos now = clock.now();
  made.token = to_hex(secure_random(kTokenBytes));
  made.session.hash = sha256(made.token);
  made.session.user = user.id;
  made.session.created = made.session.last_seen = now;
  made.session.expires = now + options.lifetime;
  made.session.address = caller.address;
  made.session.user_agent =
      std::string(truncate_utf8(repair_utf8(caller.user_agent), limits::kMaxLoggedAgentBytes));
  user.last_login = now;
  auto done = records.transaction([&]() -> Result<> {
    TT_TRY(records.users().update(user));
    TT_ASSIGN(const auto others, records.sessions().list(user.id));
    for (std::size_t i = limits::kMaxSessionsPerUser - 1; i < others.size(); ++i) {
      TT_TRY(records.sessions().remove(others[i].id));
    }
    TT_ASSIGN(made.session.id, records.sessions().add(made.session));
    return {};
  });
  TT_TRY(std::move(done));
  made.user = std::move(user);
  return made;
}

Result<storage::User> Sessions::Impl::verified(std::string_view email, std::string_view password) {
  auto user = records.users().find_by_email(email);
  if (!user && user.error().kind() != ErrorKind::not_found) return user;
  const bool usable = user && !user->disabled;
  TT_ASSIGN(const bool right, hasher.verify(password, usable ? user->password : std::string()));
  if (!right || !usable) return wrong_login();
  return user;
}

Sessions::Sessions(storage::RecordStore& records, Authenticator& tokens, SessionOptions options,
                   const Clock& clock, const Logger& log, MetricsRegistry& metrics)
    : impl_(std::make_unique<Impl>(records, tokens, options, clock, log, metrics)) {}
Sessions::~Sessions() = default;

Nanos Sessions::retry_after() { return std::chrono::seconds(limits::kFailedLoginWindowSeconds); }

Result<SignedIn> Sessions::login(std::string_view email_text, std::string_view password,
                                 const Caller& caller) {
  Impl& s = *impl_;
  const std::string email = normal_email(email_text);
  // Attempts count before they are judged, so that a volley cannot slip in under the limit.
  if (!s.by_address.attempt(caller.address) ||
      !s.by_account.attempt(truncate_utf8(email, limits::kMaxEmailBytes))) {
    s.event("login", email, email, caller, true);
    s.throttled.add();
    return throttled();
  }
  const bool plausible = !email.empty() && email.size() <= limits::kMaxEmailBytes &&
                         password.size() <= limits::kMaxPasswordBytes;
  auto user = plausible ? s.verified(email, password) : Result<storage::User>(wrong_login());
  if (!user) {
    if (user.error().kind() == ErrorKind::unauthenticated) {
      s.failures.add();
      s.event("login", email, email, caller, true);
    }
    return tl::unexpected<Error>(std::move(user).error());
  }
  s.by_account.forgive(email);
  s.by_address.forgive(caller.address);
  TT_ASSIGN(auto made, s.sign_in(*std::move(user), caller));
  s.event("login", email, email, caller);
  return made;
}

Result<SignedIn> Sessions::set_up(std::string_view setup_token, const NewUser& admin, const Caller& caller) {
  Impl& s = *impl_;
  NewUser wanted = admin;
  wanted.role = storage::Role::admin;
  TT_TRY(s.tokens.check_setup_token(setup_token, caller.address));
  TT_ASSIGN(auto user, s.prepared(wanted));
  auto done = s.records.transaction([&]() -> Result<> {
    TT_TRY(s.tokens.consume_setup_token(setup_token));
    TT_ASSIGN(user.id, s.records.users().add(user));
    return {};
  });
  TT_TRY(std::move(done));
  s.event("setup", user.email, user.email, caller);
  return s.sign_in(std::move(user), caller);
}

Result<Principal> Sessions::authenticate(std::string_view token) {
  Impl& s = *impl_;
  if (token.empty() || token.size() > kMaxTokenText) return no_session();
  const std::string hash = sha256(token);
  const auto session = s.records.sessions().find_by_hash(hash);
  if (!session && session.error().kind() == ErrorKind::not_found) return no_session();
  if (!session) return tl::unexpected<Error>(session.error());
  // The look-up went by an index over hashes; this comparison is the one that counts.
  if (!equal_constant_time(session->hash, hash)) return no_session();
  const UnixNanos now = s.clock.now();
  if (session->expires <= now || now - session->last_seen > s.options.idle_timeout) {
    (void)s.records.sessions().remove(session->id);
    return no_session();
  }
  const auto user = s.records.users().get(session->user);
  if (!user && user.error().kind() == ErrorKind::not_found) return no_session();
  if (!user) return tl::unexpected<Error>(user.error());
  if (user->disabled) return no_session();
  if (now - session->last_seen >= kSeenPeriod) {
    // Worth neither a sync nor refusing a request for.
    (void)s.records.transaction([&] { return s.records.sessions().touch(session->id, now); },
                                storage::Durability::deferred);
  }
  Principal who{0, user->email, user->role, {}};
  who.user = user->id;
  who.session = session->id;
  return who;
}

Result<storage::User> Sessions::user(std::int64_t id) { return impl_->records.users().get(id); }

Result<> Sessions::logout(const Principal& who, const Caller& caller) {
  TT_TRY(impl_->records.sessions().remove(who.session));
  impl_->event("logout", who.name, who.name, caller);
  return {};
}

Result<> Sessions::logout_everywhere(const Principal& who, const Caller& caller) {
  TT_TRY(impl_->records.sessions().remove_of(who.user, 0));
  impl_->event("logout_everywhere", who.name, who.name, caller);
  return {};
}

Result<> Sessions::change_password(const Principal& who, std::string_view current, std::string_view wanted,
                                   const Caller& caller) {
  Impl& s = *impl_;
  if (!s.by_account.attempt(who.name)) return throttled();
  TT_ASSIGN(const auto known, s.records.users().get(who.user));
  TT_ASSIGN(const bool right,
            s.hasher.verify(current.substr(0, limits::kMaxPasswordBytes + 1), known.password));
  if (!right) {
    s.failures.add();
    s.event("password_change", who.name, who.name, caller, true);
    return fail(ErrorKind::permission_denied, "current: not your password");
  }
  s.by_account.forgive(who.name);
  TT_TRY(check_password(wanted, known.email, known.name));
  TT_ASSIGN(const auto phc, s.hasher.hash(wanted));
  auto done = s.records.transaction([&]() -> Result<> {
    TT_ASSIGN(auto user, s.records.users().get(who.user));
    user.password = phc;
    TT_TRY(s.records.users().update(user));
    TT_TRY(s.records.sessions().remove_of(who.user, who.session));
    return {};
  });
  TT_TRY(std::move(done));
  s.event("password_change", who.name, who.name, caller);
  return {};
}

Result<std::vector<storage::Session>> Sessions::list(std::int64_t user) {
  TT_ASSIGN(auto all, impl_->records.sessions().list(user));
  const UnixNanos now = impl_->clock.now();
  std::erase_if(all, [&](const auto& session) {
    return session.expires <= now || now - session.last_seen > impl_->options.idle_timeout;
  });
  return all;
}

Result<> Sessions::end(const Principal& who, std::int64_t session, const Caller& caller) {
  TT_ASSIGN(const auto own, impl_->records.sessions().list(who.user));
  for (const auto& known : own) {
    if (known.id != session) continue;
    TT_TRY(impl_->records.sessions().remove(session));
    impl_->event("session_ended", who.name, who.name, caller);
    return {};
  }
  return fail(ErrorKind::not_found, "no session " + std::to_string(session) + " of yours");
}

Result<> Sessions::prune() {
  const UnixNanos now = impl_->clock.now();
  TT_TRY(impl_->records.sessions().prune(now, UnixNanos{now.ns - impl_->options.idle_timeout.count()}));
  return {};
}

}  // namespace telltale::accounts
