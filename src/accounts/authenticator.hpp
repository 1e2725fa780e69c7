// The only place that decides who may do what. A credential (a DSN key or an API token) becomes a Principal;
// every handler asks the principal for the scope it needs and the project it works on. Secrets are looked up
// by their SHA-256 (they carry at least 128 random bits, so no slow hash is needed), never stored and never
// logged.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "storage/records.hpp"

namespace telltale::accounts {

enum class Scope : std::uint8_t {
  read,    // queries
  write,   // change issues, silences, dashboards
  ingest,  // send data
  admin,   // projects, keys, tokens, reload, delete
};
std::string_view to_string(Scope scope);

/// ingest: ingest · viewer: read · editor: read, write, ingest · admin: everything.
bool allows(storage::Role role, Scope scope);

struct Principal {
  std::int64_t token = 0;
  std::string name;
  storage::Role role = storage::Role::viewer;
  ProjectId project;         // 0: every project
  std::int64_t user = 0;     // of a session; 0 for a token
  std::int64_t session = 0;  // 0 for a token

  /// permission_denied, naming what is missing.
  Result<> require(Scope scope) const;
  /// The same, and the project must be the token's.
  Result<> require(Scope scope, ProjectId project) const;
  /// The project that data or queries without one of their own belong to: the token's, else 1.
  ProjectId default_project() const { return project.value == 0 ? ProjectId{1} : project; }
};

/// The secret in an Authorization header: `Bearer s`, `Token s`, `Basic base64(user:s)`, `ApiKey s` or
/// `ApiKey base64(id:s)`; the scheme in any case. nullopt when it is none of these. `user` receives Basic's
/// user.
std::optional<std::string> secret_from_authorization(std::string_view header, std::string* user = nullptr);

struct BootstrapToken {
  std::string name;
  storage::Role role = storage::Role::admin;
  ProjectId project;  // 0: every project
  std::string secret;
};
struct BootstrapProject {
  ProjectId id{1};
  std::string slug;
  std::string dsn_key;  // empty: made
};
struct Bootstrap {
  std::vector<BootstrapToken> tokens;
  std::vector<BootstrapProject> projects;
};

struct BootstrapOutcome {
  /// A one-time token to show to the operator; set when the server has neither an admin token nor an admin.
  /// It is exchanged for an admin token by redeem_setup_token(), or for the first admin by
  /// Sessions::set_up().
  std::optional<std::string> setup_token;
  /// Enabled DSN key of project 1.
  std::string default_dsn_key;
};

struct NewToken {
  std::string name;
  storage::Role role = storage::Role::viewer;
  ProjectId project;
  std::optional<UnixNanos> expires;
};
struct CreatedToken {
  storage::ApiToken token;
  std::string secret;  // shown once
};

/// Thread-safe.
class Authenticator {
 public:
  Authenticator(storage::RecordStore& records, const Clock& clock, const Logger& log,
                MetricsRegistry& metrics);
  ~Authenticator();

  /// Makes what is missing: project 1 with a key, the given projects, keys and tokens. Idempotent; a token
  /// whose secret or role changed is replaced.
  Result<BootstrapOutcome> bootstrap(const Bootstrap& values);
  /// An admin token for the setup token of bootstrap(); works once. unauthenticated otherwise.
  Result<CreatedToken> redeem_setup_token(std::string_view setup_token, std::string_view remote_address);

  /// True while the setup token of bootstrap() waits to be used.
  bool setup_needed() const;
  /// unauthenticated unless this is the setup token; counts guesses. consume_setup_token() is for the same
  /// transaction as what the token is exchanged for.
  Result<> check_setup_token(std::string_view setup_token, std::string_view remote_address);
  Result<> consume_setup_token(std::string_view setup_token);

  /// unauthenticated for an unknown key; permission_denied for a disabled one or another project's.
  Result<ProjectId> authenticate_dsn(std::string_view public_key, ProjectId project);
  /// The key's project, for requests that name none.
  Result<ProjectId> authenticate_dsn(std::string_view public_key);

  /// unauthenticated: missing, unknown or expired. resource_exhausted: the same, after too many failures from
  /// this address (which may be empty: not throttled). What is valid is taken from any address.
  Result<Principal> authenticate_bearer(std::string_view secret, std::string_view remote_address);
  Result<Principal> authenticate_header(std::string_view authorization, std::string_view remote_address);

  /// From now on the secrets of new `ingest` tokens are derived from `key` (signing.hpp), so that requests
  /// can be signed with them. Before the first call of anything else.
  void set_signing_key(std::string key);
  /// For requests that are signed with a secret they do not carry: the principal of the token `name` once
  /// `verify` accepts its secret. Only `ingest` tokens sign: those made with a signing key, and those of
  /// bootstrap(). Every other name is unauthenticated, as a wrong signature is: `verify` is then called with
  /// a secret that is nobody's. resource_exhausted as in authenticate_bearer().
  Result<Principal> authenticate_signed(std::string_view name, std::string_view remote_address,
                                        const std::function<bool(std::string_view secret)>& verify);

  /// invalid_argument names the field; conflict when the name is taken.
  Result<CreatedToken> create_token(const NewToken& token);
  Result<> revoke_token(std::int64_t id);
  Result<std::vector<storage::ApiToken>> tokens();

  /// A project with a DSN key of its own.
  Result<storage::Project> create_project(std::string_view slug, std::string_view name);
  Result<storage::DsnKey> create_dsn_key(ProjectId project);
  Result<> set_dsn_key_enabled(std::string_view public_key, bool enabled);
  /// Forgets what is cached; after changes to the records by others.
  void clear_cache();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// 1 to 50 of a-z, 0-9, '-' and '_', starting with a letter or digit. invalid_argument otherwise.
Result<> check_slug(std::string_view slug);

}  // namespace telltale::accounts
