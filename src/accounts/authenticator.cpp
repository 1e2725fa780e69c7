#include "accounts/authenticator.hpp"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "accounts/signing.hpp"
#include "accounts/throttle.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/mutex.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"

namespace telltale::accounts {

namespace {

constexpr std::string_view kSetupHashSetting = "accounts/setup-token-hash";
constexpr std::size_t kMinSecretBytes = 8;
constexpr std::size_t kMaxSecretBytes = 1024;
constexpr std::size_t kGoodSecretBytes = 16;  // guesses that hit are not throttled, so it must not be guessed
constexpr std::size_t kSecretHashBytes = 32;
constexpr std::size_t kMaxNameBytes = 100;
constexpr Nanos kTouchPeriod = std::chrono::minutes(10);  // last_used is this exact; each write is a sync

std::string new_secret() { return "tt_" + to_hex(secure_random(24)); }
std::string new_dsn_key() { return to_hex(secure_random(16)); }

bool is_dsn_key(std::string_view key) {
  return key.size() == 32 && key.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<> check_name(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes && is_utf8(name)) return {};
  return fail(ErrorKind::invalid_argument, "name: wants 1 to 100 bytes of text");
}

/// unauthenticated tells nothing about why.
tl::unexpected<Error> refused() {
  return fail(ErrorKind::unauthenticated, "missing, unknown or expired token");
}

}  // namespace

// The caches hold what the records said; every change made through this class clears them. Hashes, not
// secrets, are the keys. Unknown credentials are not cached, so that guessing cannot push out good ones.
struct Authenticator::Impl {
  Impl(storage::RecordStore& store, const Clock& injected, const Logger& logger, MetricsRegistry& metrics)
      : records(store),
        clock(injected),
        log(logger),
        throttle(injected),
        failures(metrics.counter("telltale_auth_failures_total",
                                 "Requests with a credential that was refused.")) {}

  storage::RecordStore& records;
  const Clock& clock;
  const Logger& log;
  FailureThrottle throttle;
  Counter& failures;
  std::atomic<bool> setup_needed{false};
  std::string signing_key;  // constant once requests are taken
  const std::string nobodys_secret = new_secret();
  Mutex mutex;
  std::unordered_map<std::string, storage::DsnKey> keys TT_GUARDED_BY(mutex);
  std::unordered_map<std::string, storage::ApiToken> tokens TT_GUARDED_BY(mutex);
  /// Secrets of bootstrapped `ingest` tokens by name: chosen by the operator, so they cannot be derived.
  std::unordered_map<std::string, std::string> given_secrets TT_GUARDED_BY(mutex);
  std::uint64_t generation TT_GUARDED_BY(mutex) = 0;  // grows with each change: a stale read is not cached

  void changed() {
    MutexLock lock(mutex);
    ++generation;
    keys.clear();
    tokens.clear();
  }

  /// From the cache, else by `read` from the records.
  template <class Value, class Read>
  Result<Value> cached(std::unordered_map<std::string, Value> Impl::*cache, const std::string& key,
                       Read read) {
    std::uint64_t seen = 0;
    {
      MutexLock lock(mutex);
      if (const auto it = (this->*cache).find(key); it != (this->*cache).end()) return it->second;
      seen = generation;
    }
    Result<Value> value = read();
    if (!value) return value;
    MutexLock lock(mutex);
    if (seen != generation) return value;
    if ((this->*cache).size() >= limits::kMaxCachedCredentials) (this->*cache).clear();
    (this->*cache).insert_or_assign(key, *value);
    return value;
  }

  Result<storage::DsnKey> dsn_key(std::string_view public_key) {
    const std::string lower = to_lower(public_key);
    if (!is_dsn_key(lower)) return fail(ErrorKind::unauthenticated, "sentry_key: not a DSN key");
    auto key = cached(&Impl::keys, lower, [&] { return records.dsn_keys().get(lower); });
    if (!key && key.error().kind() == ErrorKind::not_found) {
      failures.add();
      return fail(ErrorKind::unauthenticated, "sentry_key: unknown");
    }
    if (key && !key->enabled) return fail(ErrorKind::permission_denied, "sentry_key: disabled");
    return key;
  }

  void touch(storage::ApiToken token) {
    const UnixNanos now = clock.now();
    if (token.last_used && now - *token.last_used < kTouchPeriod) return;
    token.last_used = now;
    {
      MutexLock lock(mutex);
      if (const auto it = tokens.find(token.hash); it != tokens.end()) it->second.last_used = now;
    }
    // Not worth refusing a request for: a full disk must not lock out the reader.
    if (auto done = records.tokens().touch(token.id, now); !done) {
      log.warn("token's last use not stored", {{"token", token.name}, {"reason", done.error().message()}});
    }
  }

  /// Of a credential that turned out to be none: only those are throttled. Others behind the same proxy or
  /// NAT go on.
  tl::unexpected<Error> reject(std::string_view remote_address) {
    if (throttle.refuses(remote_address))
      return fail(ErrorKind::resource_exhausted, "too many failed attempts from this address");
    failures.add();
    throttle.failed(remote_address);
    return refused();
  }

  Result<> bootstrap_project(const BootstrapProject& wanted);
  Result<> bootstrap_token(const BootstrapToken& wanted);
  Result<BootstrapOutcome> outcome();
  Result<CreatedToken> make_token(const NewToken& wanted);
};

Authenticator::Authenticator(storage::RecordStore& records, const Clock& clock, const Logger& log,
                             MetricsRegistry& metrics)
    : impl_(std::make_unique<Impl>(records, clock, log, metrics)) {}
Authenticator::~Authenticator() = default;

// ---- Bootstrap
// -------------------------------------------------------------------------------------------------

Result<> Authenticator::Impl::bootstrap_project(const BootstrapProject& wanted) {
  if (!wanted.dsn_key.empty() && !is_dsn_key(wanted.dsn_key)) {
    return fail(ErrorKind::invalid_argument, "bootstrap.projects.dsn_key: wants 32 lower-case hex digits");
  }
  if (wanted.id.value == 0) return fail(ErrorKind::invalid_argument, "bootstrap.projects.id: must not be 0");
  const auto known = records.projects().get(wanted.id);
  if (!known && known.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(known.error());
  const std::string slug = !wanted.slug.empty()   ? wanted.slug
                           : known                ? known->slug
                           : wanted.id.value == 1 ? std::string("default")
                                                  : "project-" + std::to_string(wanted.id.value);
  TT_TRY(check_slug(slug));
  if (!known) {
    TT_TRY(records.projects().add({wanted.id, slug, slug, clock.now()}));
  } else if (known->slug != slug) {
    TT_TRY(records.projects().update({wanted.id, slug, slug, known->created}));
  }
  TT_ASSIGN(const auto have, records.dsn_keys().list(wanted.id));
  const bool there =
      wanted.dsn_key.empty() ? !have.empty() : std::any_of(have.begin(), have.end(), [&](const auto& k) {
        return k.public_key == wanted.dsn_key;
      });
  if (there) return {};
  const std::string key = wanted.dsn_key.empty() ? new_dsn_key() : wanted.dsn_key;
  return records.dsn_keys().add({key, wanted.id, true, clock.now()});
}

Result<> Authenticator::Impl::bootstrap_token(const BootstrapToken& wanted) {
  TT_TRY(check_name(wanted.name));
  if (wanted.secret.size() < kMinSecretBytes || wanted.secret.size() > kMaxSecretBytes) {
    return fail(ErrorKind::invalid_argument,
                "bootstrap.tokens '" + wanted.name + "': the secret wants 8 to 1024 bytes");
  }
  if (wanted.secret.size() < kGoodSecretBytes) {
    log.warn("a bootstrap token's secret is short: take 16 random bytes or more", {{"token", wanted.name}});
  }
  const std::string hash = sha256(wanted.secret);
  if (wanted.role == storage::Role::ingest) {
    MutexLock lock(mutex);
    given_secrets[wanted.name] = wanted.secret;
  }
  const auto known = records.tokens().find_by_name(wanted.name);
  if (!known && known.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(known.error());
  if (known) {
    if (known->hash == hash && known->role == wanted.role && known->project == wanted.project) return {};
    TT_TRY(records.tokens().remove(known->id));
  }
  storage::ApiToken token;
  token.name = wanted.name;
  token.role = wanted.role;
  token.project = wanted.project;
  token.hash = hash;
  token.created = clock.now();
  TT_TRY(records.tokens().add(token));
  return {};
}

Result<BootstrapOutcome> Authenticator::Impl::outcome() {
  BootstrapOutcome out;
  TT_ASSIGN(const auto keys_of_1, records.dsn_keys().list({1}));
  for (const auto& key : keys_of_1) {
    if (key.enabled) out.default_dsn_key = key.public_key;
  }
  TT_ASSIGN(const auto all, records.tokens().list());
  const bool has_admin = std::any_of(all.begin(), all.end(), [&](const storage::ApiToken& t) {
    return t.role == storage::Role::admin && t.project.value == 0 && (!t.expires || *t.expires > clock.now());
  });
  TT_ASSIGN(const auto people, records.users().list());
  const bool has_person = std::any_of(people.begin(), people.end(), [](const storage::User& user) {
    return user.role == storage::Role::admin && !user.disabled;
  });
  setup_needed = !has_admin && !has_person;
  if (!setup_needed) {
    TT_TRY(records.settings().remove(kSetupHashSetting));
    return out;
  }
  out.setup_token = "setup_" + to_hex(secure_random(24));
  TT_TRY(records.settings().put(kSetupHashSetting, to_hex(sha256(*out.setup_token))));
  return out;
}

Result<BootstrapOutcome> Authenticator::bootstrap(const Bootstrap& values) {
  BootstrapOutcome out;
  auto done = impl_->records.transaction([&]() -> Result<> {
    for (const auto& project : values.projects) TT_TRY(impl_->bootstrap_project(project));
    // Project 1 is everybody's default; it exists even when others are named.
    TT_TRY(impl_->bootstrap_project({{1}, "", ""}));
    for (const auto& token : values.tokens) TT_TRY(impl_->bootstrap_token(token));
    TT_ASSIGN(out, impl_->outcome());
    return {};
  });
  impl_->changed();
  TT_TRY(std::move(done));
  return out;
}

Result<CreatedToken> Authenticator::redeem_setup_token(std::string_view setup_token,
                                                       std::string_view remote_address) {
  TT_TRY(check_setup_token(setup_token, remote_address));
  CreatedToken created;
  auto done = impl_->records.transaction([&]() -> Result<> {
    TT_TRY(consume_setup_token(setup_token));
    NewToken wanted;
    wanted.name = "setup-" + std::to_string(impl_->clock.now().to_millis().ms);
    wanted.role = storage::Role::admin;
    TT_ASSIGN(created, impl_->make_token(wanted));
    return {};
  });
  TT_TRY(std::move(done));
  impl_->changed();
  impl_->log.info(
      "auth",
      {{"event", "setup"}, {"outcome", "done"}, {"of", created.token.name}, {"remote", remote_address}});
  return created;
}

bool Authenticator::setup_needed() const { return impl_->setup_needed; }

Result<> Authenticator::check_setup_token(std::string_view setup_token, std::string_view remote_address) {
  if (impl_->throttle.refuses(remote_address)) {
    return fail(ErrorKind::resource_exhausted, "too many failed attempts from this address");
  }
  TT_ASSIGN(const auto expected, impl_->records.settings().get(kSetupHashSetting));
  if (expected && equal_constant_time(*expected, to_hex(sha256(setup_token)))) return {};
  impl_->failures.add();
  impl_->throttle.failed(remote_address);
  impl_->log.warn("auth", {{"event", "setup"}, {"outcome", "refused"}, {"remote", remote_address}});
  return refused();
}

Result<> Authenticator::consume_setup_token(std::string_view setup_token) {
  TT_ASSIGN(const auto expected, impl_->records.settings().get(kSetupHashSetting));
  if (!expected || !equal_constant_time(*expected, to_hex(sha256(setup_token)))) return refused();
  TT_TRY(impl_->records.settings().remove(kSetupHashSetting));
  impl_->setup_needed = false;
  return {};
}

// ---- Who is calling
// --------------------------------------------------------------------------------------------

Result<ProjectId> Authenticator::authenticate_dsn(std::string_view public_key) {
  TT_ASSIGN(const storage::DsnKey key, impl_->dsn_key(public_key));
  return key.project;
}

Result<ProjectId> Authenticator::authenticate_dsn(std::string_view public_key, ProjectId project) {
  TT_ASSIGN(const storage::DsnKey key, impl_->dsn_key(public_key));
  if (key.project != project) {
    return fail(ErrorKind::permission_denied,
                "sentry_key: does not belong to project " + std::to_string(project.value));
  }
  return key.project;
}

Result<Principal> Authenticator::authenticate_bearer(std::string_view secret,
                                                     std::string_view remote_address) {
  const auto reject = [&] { return impl_->reject(remote_address); };
  if (secret.empty() || secret.size() > kMaxSecretBytes) return reject();
  const std::string hash = sha256(secret);
  auto token = impl_->cached(&Impl::tokens, hash, [&] { return impl_->records.tokens().find_by_hash(hash); });
  if (!token) {
    if (token.error().kind() == ErrorKind::not_found) return reject();
    return tl::unexpected<Error>(token.error());
  }
  // The look-up went by an index over hashes; this comparison is the one that counts.
  if (!equal_constant_time(token->hash, hash)) return reject();
  if (token->expires && *token->expires <= impl_->clock.now()) return reject();
  impl_->touch(*token);
  return Principal{token->id, token->name, token->role, token->project};
}

Result<Principal> Authenticator::authenticate_header(std::string_view authorization,
                                                     std::string_view remote_address) {
  const auto secret = secret_from_authorization(authorization);
  // No credential at all is not a guess, and not counted as one.
  if (!secret) return fail(ErrorKind::unauthenticated, "Authorization: wants Bearer, Basic, Token or ApiKey");
  return authenticate_bearer(*secret, remote_address);
}

void Authenticator::set_signing_key(std::string key) { impl_->signing_key = std::move(key); }

// A name tells nothing: whether it is unknown, expired or of a role that cannot sign, the signature is
// checked all the same (against a secret nobody has), and refused in the same words.
Result<Principal> Authenticator::authenticate_signed(std::string_view name, std::string_view remote_address,
                                                     const std::function<bool(std::string_view)>& verify) {
  const auto token = impl_->records.tokens().find_by_name(name);
  if (!token && token.error().kind() != ErrorKind::not_found) return tl::unexpected<Error>(token.error());
  const bool known = token && (!token->expires || *token->expires > impl_->clock.now());
  const std::string hash = known ? token->hash : std::string(kSecretHashBytes, '\0');
  std::string secret = derived_secret(impl_->signing_key, name, known ? token->created : UnixNanos{});
  bool signs = !impl_->signing_key.empty() && equal_constant_time(sha256(secret), hash);
  if (!signs) {
    MutexLock lock(impl_->mutex);
    const auto given = impl_->given_secrets.find(std::string(name));
    const std::string& other = given == impl_->given_secrets.end() ? secret : given->second;
    signs = equal_constant_time(sha256(other), hash);
    if (signs) secret = other;
  }
  if (!signs) secret = impl_->nobodys_secret;
  const bool verified = verify(secret);
  if (!signs || !verified) return impl_->reject(remote_address);
  impl_->touch(*token);
  return Principal{token->id, token->name, token->role, token->project};
}

// ---- Administration
// --------------------------------------------------------------------------------------------

Result<CreatedToken> Authenticator::Impl::make_token(const NewToken& wanted) {
  TT_TRY(check_name(wanted.name));
  if (wanted.project.value != 0) TT_TRY(records.projects().get(wanted.project));
  if (wanted.expires && *wanted.expires <= clock.now()) {
    return fail(ErrorKind::invalid_argument, "expires: lies in the past");
  }
  CreatedToken created;
  created.token.name = wanted.name;
  created.token.role = wanted.role;
  created.token.project = wanted.project;
  created.token.created = clock.now();
  created.token.expires = wanted.expires;
  const bool signs = wanted.role == storage::Role::ingest && !signing_key.empty();
  created.secret = signs ? derived_secret(signing_key, wanted.name, created.token.created) : new_secret();
  created.token.hash = sha256(created.secret);
  TT_ASSIGN(created.token.id, records.tokens().add(created.token));
  return created;
}

Result<CreatedToken> Authenticator::create_token(const NewToken& token) { return impl_->make_token(token); }

Result<> Authenticator::revoke_token(std::int64_t id) {
  auto done = impl_->records.tokens().remove(id);
  impl_->changed();
  return done;
}

Result<std::vector<storage::ApiToken>> Authenticator::tokens() { return impl_->records.tokens().list(); }

Result<storage::Project> Authenticator::create_project(std::string_view slug, std::string_view name) {
  TT_TRY(check_slug(slug));
  storage::Project project{
      {0}, std::string(slug), std::string(name.empty() ? slug : name), impl_->clock.now()};
  auto done = impl_->records.transaction([&]() -> Result<> {
    TT_ASSIGN(project.id, impl_->records.projects().add(project));
    return impl_->records.dsn_keys().add({new_dsn_key(), project.id, true, impl_->clock.now()});
  });
  TT_TRY(std::move(done));
  return project;
}

Result<storage::DsnKey> Authenticator::create_dsn_key(ProjectId project) {
  storage::DsnKey key{new_dsn_key(), project, true, impl_->clock.now()};
  TT_TRY(impl_->records.dsn_keys().add(key));
  return key;
}

Result<> Authenticator::set_dsn_key_enabled(std::string_view public_key, bool enabled) {
  auto done = impl_->records.dsn_keys().set_enabled(public_key, enabled);
  impl_->changed();
  return done;
}

void Authenticator::clear_cache() { impl_->changed(); }

}  // namespace telltale::accounts
