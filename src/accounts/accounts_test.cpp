// Who gets in, who does not, and what they may do.
#include <gtest/gtest.h>

#include "accounts/authenticator.hpp"
#include "accounts/signing.hpp"
#include "accounts/throttle.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "io/file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::accounts {
namespace {

using storage::Role;

class Accounts : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = metadb::open_metadb(*fs, "data", clock, log, metrics);
    ASSERT_TRUE(opened) << opened.error().message();
    db = std::move(*opened);
    auth = std::make_unique<Authenticator>(*db, clock, log, metrics);
  }
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<Authenticator> auth;
  const std::string key = "0123456789abcdef0123456789abcdef";
};

TEST_F(Accounts, BootstrapIsIdempotentAndTakesChanges) {
  Bootstrap values;
  values.projects = {{{1}, "stockapp", key}};
  values.tokens = {{"ci", Role::admin, {0}, "secret-secret"}};
  for (int i = 0; i < 2; ++i) {
    const auto out = auth->bootstrap(values);
    ASSERT_TRUE(out) << out.error().message();
    EXPECT_EQ(out->default_dsn_key, key);
    EXPECT_FALSE(out->setup_token);
  }
  EXPECT_EQ(db->dsn_keys().list({0})->size(), 1u);
  EXPECT_EQ(auth->tokens()->size(), 1u);
  ASSERT_TRUE(auth->authenticate_bearer("secret-secret", "a"));

  values.tokens[0].secret = "another-secret";
  ASSERT_TRUE(auth->bootstrap(values));
  EXPECT_FALSE(auth->authenticate_bearer("secret-secret", "a"));
  EXPECT_TRUE(auth->authenticate_bearer("another-secret", "a"));
  const auto stored = auth->tokens();
  ASSERT_TRUE(stored);
  for (const auto& token : *stored) EXPECT_EQ(token.hash.find("secret"), std::string::npos);

  values.projects[0].dsn_key = "short";
  EXPECT_EQ(auth->bootstrap(values).error().kind(), ErrorKind::invalid_argument);
}

TEST_F(Accounts, SetupTokenWorksOnce) {
  const auto out = auth->bootstrap({});
  ASSERT_TRUE(out) << out.error().message();
  ASSERT_TRUE(out->setup_token);
  EXPECT_EQ(out->default_dsn_key.size(), 32u);
  EXPECT_EQ(auth->redeem_setup_token("setup_guess", "a").error().kind(), ErrorKind::unauthenticated);
  const auto created = auth->redeem_setup_token(*out->setup_token, "a");
  ASSERT_TRUE(created) << created.error().message();
  EXPECT_TRUE(auth->authenticate_bearer(created->secret, "a")->require(Scope::admin));
  EXPECT_FALSE(auth->redeem_setup_token(*out->setup_token, "a"));
  EXPECT_FALSE(auth->bootstrap({})->setup_token);
}

TEST_F(Accounts, DsnKeysBelongToOneProject) {
  ASSERT_TRUE(auth->bootstrap({{}, {{{1}, "one", key}}}));
  EXPECT_EQ(auth->authenticate_dsn(key, {1})->value, 1u);
  EXPECT_EQ(auth->authenticate_dsn("0123456789ABCDEF0123456789ABCDEF")->value, 1u);
  EXPECT_EQ(auth->authenticate_dsn(key, {2}).error().kind(), ErrorKind::permission_denied);
  EXPECT_EQ(auth->authenticate_dsn(std::string(32, 'a'), {1}).error().kind(), ErrorKind::unauthenticated);
  EXPECT_EQ(auth->authenticate_dsn("' OR 1=1", {1}).error().kind(), ErrorKind::unauthenticated);
  ASSERT_TRUE(auth->set_dsn_key_enabled(key, false));
  EXPECT_EQ(auth->authenticate_dsn(key, {1}).error().kind(), ErrorKind::permission_denied)
      << "the cache hears of it";
}

TEST_F(Accounts, TokensExpireAreRevokedAndConfined) {
  ASSERT_TRUE(auth->bootstrap({}));
  NewToken wanted{"reader", Role::viewer, {1}, clock.now() + std::chrono::hours(1)};
  const auto token = auth->create_token(wanted);
  ASSERT_TRUE(token) << token.error().message();
  EXPECT_EQ(auth->create_token(wanted).error().kind(), ErrorKind::conflict);
  const auto who = auth->authenticate_bearer(token->secret, "a");
  ASSERT_TRUE(who);
  EXPECT_TRUE(who->require(Scope::read, {1}));
  EXPECT_EQ(who->require(Scope::read, {2}).error().kind(), ErrorKind::permission_denied);
  EXPECT_FALSE(who->require(Scope::write, {1}));
  EXPECT_TRUE(db->tokens().find_by_name("reader")->last_used);
  clock.advance(std::chrono::hours(2));
  EXPECT_EQ(auth->authenticate_bearer(token->secret, "a").error().kind(), ErrorKind::unauthenticated);

  const auto other = auth->create_token({"other", Role::editor, {0}, std::nullopt});
  ASSERT_TRUE(auth->authenticate_bearer(other->secret, "a"));
  ASSERT_TRUE(auth->revoke_token(other->token.id));
  EXPECT_FALSE(auth->authenticate_bearer(other->secret, "a"));
  EXPECT_EQ(auth->create_token({"x", Role::viewer, {9}, std::nullopt}).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(auth->create_token({"", Role::viewer, {0}, std::nullopt}).error().kind(),
            ErrorKind::invalid_argument);
}

TEST_F(Accounts, ManyFailuresCloseTheDoorToGuessesButNotToThoseWhoHaveAKey) {
  ASSERT_TRUE(auth->bootstrap({{{"ci", Role::admin, {0}, "secret-secret"}}, {}}));
  const auto guess = [&](const std::string& secret, std::string_view address) {
    return auth->authenticate_bearer(secret, address).error().kind();
  };
  for (int i = 0; i < limits::kMaxFailedLogins; ++i)
    EXPECT_EQ(guess("guess" + std::to_string(i), "6.6.6.6"), ErrorKind::unauthenticated);
  EXPECT_EQ(guess("one more", "6.6.6.6"), ErrorKind::resource_exhausted);
  EXPECT_EQ(guess("", "6.6.6.6"), ErrorKind::resource_exhausted);
  EXPECT_EQ(guess("one more", "7.7.7.7"), ErrorKind::unauthenticated);
  // Behind one proxy or NAT everybody has the same address: somebody's mistake must not be everybody's.
  EXPECT_TRUE(auth->authenticate_bearer("secret-secret", "6.6.6.6"));
  auth->clear_cache();
  EXPECT_TRUE(auth->authenticate_bearer("secret-secret", "6.6.6.6")) << "nor after a restart";
  clock.advance(std::chrono::seconds(limits::kFailedLoginWindowSeconds));
  EXPECT_EQ(guess("one more", "6.6.6.6"), ErrorKind::unauthenticated);

  FailureThrottle throttle(clock);
  for (int i = 0; i < 10'000; ++i) throttle.failed("address " + std::to_string(i));
  EXPECT_LE(throttle.size(), limits::kMaxThrottledAddresses);
}

TEST_F(Accounts, OnlyIngestTokensSignAndTheirSecretsAreDerivedNotStored) {
  const auto signing = open_signing_key(*fs, "data");
  ASSERT_TRUE(signing);
  EXPECT_EQ(*open_signing_key(*fs, "data"), *signing);  // made once
  auth->set_signing_key(*signing);
  Bootstrap values;
  values.tokens = {{"given", Role::ingest, {1}, "given-secret"}, {"boss", Role::admin, {0}, "admin-secret"}};
  ASSERT_TRUE(auth->bootstrap(values));
  const auto made = auth->create_token({"shipper", Role::ingest, {1}, std::nullopt});
  ASSERT_TRUE(made);
  EXPECT_TRUE(auth->authenticate_bearer(made->secret, "a"));
  const auto sign = [&](std::string_view name, std::string_view secret) {
    return auth->authenticate_signed(name, "b", [&](std::string_view known) { return known == secret; });
  };
  EXPECT_EQ(sign("shipper", made->secret)->project, ProjectId{1});
  EXPECT_EQ(sign("given", "given-secret")->role, Role::ingest);
  EXPECT_EQ(sign("shipper", "wrong").error().kind(), ErrorKind::unauthenticated);
  EXPECT_EQ(sign("nobody", "wrong").error().kind(), ErrorKind::unauthenticated);
  // Whoever has no secret learns nothing of names: one that cannot sign is as good as none.
  EXPECT_EQ(sign("boss", "admin-secret").error().kind(), ErrorKind::unauthenticated);
  EXPECT_EQ(sign("boss", "x").error().message(), sign("nobody", "x").error().message());
  // Another process with the same key and records knows the secret; with another key it does not.
  auth = std::make_unique<Authenticator>(*db, clock, log, metrics);
  auth->set_signing_key(*signing);
  EXPECT_TRUE(sign("shipper", made->secret));
  auth->set_signing_key(std::string(32, 'x'));
  EXPECT_EQ(sign("shipper", made->secret).error().kind(), ErrorKind::unauthenticated);
  EXPECT_TRUE(auth->authenticate_bearer(made->secret, "a"));
}

TEST_F(Accounts, SignedRequestsOfUnknownNamesAreTriedAndThrottledLikeTheOthers) {
  auth->set_signing_key(std::string(32, 'k'));
  ASSERT_TRUE(auth->bootstrap({{{"boss", Role::admin, {0}, "admin-secret"}}, {}}));
  const auto made = auth->create_token({"shipper", Role::ingest, {1}, std::nullopt});
  ASSERT_TRUE(made);
  int tried = 0;
  const auto sign = [&](std::string_view name, bool good) {
    return auth->authenticate_signed(name, "6.6.6.6", [&](std::string_view secret) {
      ++tried;
      return good && secret == made->secret;
    });
  };
  for (int i = 0; i < limits::kMaxFailedLogins; ++i)
    EXPECT_EQ(sign(i % 3 == 0   ? "boss"
                   : i % 3 == 1 ? "nobody"
                                : "shipper",
                   false)
                  .error()
                  .kind(),
              ErrorKind::unauthenticated);
  EXPECT_EQ(tried, limits::kMaxFailedLogins) << "the work, and so the time, says nothing of names";
  for (const char* name : {"boss", "nobody", "shipper"})
    EXPECT_EQ(sign(name, false).error().kind(), ErrorKind::resource_exhausted) << name;
  EXPECT_TRUE(sign("shipper", true));
}

TEST(Credentials, HeadersInAllForms) {
  const auto basic = [](std::string_view text) { return "Basic " + to_base64(text); };
  EXPECT_EQ(secret_from_authorization("Bearer abc"), "abc");
  EXPECT_EQ(secret_from_authorization("  bearer   abc "), "abc");
  EXPECT_EQ(secret_from_authorization("Token abc"), "abc");
  std::string user;
  EXPECT_EQ(secret_from_authorization(basic("loki:a:b"), &user), "a:b");
  EXPECT_EQ(user, "loki");
  EXPECT_EQ(secret_from_authorization("ApiKey " + to_base64("id:abc")), "abc");
  EXPECT_EQ(secret_from_authorization("ApiKey tt_0a"), "tt_0a");
  const std::string pasted = to_base64("\x01:\x02");  // a token that is base64 by accident
  EXPECT_EQ(secret_from_authorization("ApiKey " + pasted), pasted);
  for (const char* bad : {"", "abc", "Bearer", "Bearer  ", "Basic !!!", "Digest a=b", "Basic YWJj"}) {
    EXPECT_EQ(secret_from_authorization(bad), std::nullopt) << bad;
  }
}

TEST(Credentials, RolesAllowWhatTheyShould) {
  const bool want[4][4] = {// read write ingest admin
                           {false, false, true, false},
                           {true, false, false, false},
                           {true, true, true, false},
                           {true, true, true, true}};
  for (int role = 1; role <= 4; ++role) {
    for (int scope = 0; scope < 4; ++scope) {
      EXPECT_EQ(allows(static_cast<Role>(role), static_cast<Scope>(scope)), want[role - 1][scope])
          << role << " " << scope;
    }
  }
}

}  // namespace
}  // namespace telltale::accounts
