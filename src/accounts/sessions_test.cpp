// Passwords and sessions, with a clock that moves days at once.
#include "accounts/sessions.hpp"

#include <gtest/gtest.h>

#include "accounts/throttle.hpp"
#include "base/check.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "io/file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::accounts {
namespace {

using std::chrono::hours;
using storage::Role;

class SessionsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = metadb::open_metadb(*fs, "data", clock, log, metrics);
    ASSERT_TRUE(opened) << opened.error().message();
    db = std::move(*opened);
    auth = std::make_unique<Authenticator>(*db, clock, log, metrics);
    sessions =
        std::make_unique<Sessions>(*db, *auth, SessionOptions{hours(24), hours(72)}, clock, log, metrics);
    ASSERT_TRUE(sessions->bootstrap_admin({"Ada@example.com", "Ada", Role::admin, password}));
  }
  SignedIn login() {
    auto made = sessions->login("ada@example.com", password, {"::1", "agent"});
    TT_CHECK(made.has_value());
    return *std::move(made);
  }
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  FakeClock clock;
  std::string lines;
  Logger log{clock, LogLevel::info, [this](std::string_view line) { lines.append(line).append("\n"); }};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<Authenticator> auth;
  std::unique_ptr<Sessions> sessions;
  const std::string password = "correct horse battery";
};

TEST_F(SessionsTest, PasswordsAreKeptAsArgon2id) {
  const auto user = db->users().find_by_email("ada@example.com");
  ASSERT_TRUE(user);
  EXPECT_TRUE(user->password.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << user->password;
  PasswordHasher hasher;
  EXPECT_TRUE(*hasher.verify(password, user->password));
  EXPECT_FALSE(*hasher.verify("wrong", user->password));
  EXPECT_FALSE(*hasher.verify(password, "")) << "nobody's hash";
  EXPECT_NE(*hasher.hash(password), user->password) << "salted";
  EXPECT_EQ(hasher.verify(password, "$argon2id$broken").error().kind(), ErrorKind::internal);
}

TEST_F(SessionsTest, TheConfiguredAdminIsMadeOnce) {
  ASSERT_TRUE(sessions->bootstrap_admin({"ada@example.com", "Ada", Role::admin, "another good one"}));
  EXPECT_FALSE(sessions->login("ada@example.com", "another good one", {}))
      << "a password changed since stays";
  EXPECT_EQ(sessions->bootstrap_admin({"eve@example.com", "Eve", Role::admin, "short"})
                .error()
                .message()
                .find("bootstrap.admin"),
            0u);
}

TEST_F(SessionsTest, SessionsEndWhenIdleAndInTheEnd) {
  auto made = login();
  EXPECT_EQ(made.token.size(), 64u);
  EXPECT_EQ(db->sessions().find_by_hash(made.token).error().kind(), ErrorKind::not_found)
      << "kept as a hash only";
  for (int i = 0; i < 3; ++i) {
    clock.advance(hours(23));
    const auto who = sessions->authenticate(made.token);
    ASSERT_TRUE(who) << i << " " << who.error().message();
    EXPECT_EQ(who->user, made.user.id);
    EXPECT_TRUE(who->require(Scope::admin));
  }
  clock.advance(hours(4));
  EXPECT_EQ(sessions->authenticate(made.token).error().kind(), ErrorKind::unauthenticated) << "73 hours old";
  made = login();
  clock.advance(hours(25));
  EXPECT_TRUE(sessions->list(made.user.id)->empty());
  EXPECT_FALSE(sessions->authenticate(made.token)) << "idle";
  made = login();
  clock.advance(hours(25));
  ASSERT_TRUE(sessions->prune());
  EXPECT_TRUE(db->sessions().list(made.user.id)->empty());
  EXPECT_FALSE(sessions->authenticate(""));
  EXPECT_FALSE(sessions->authenticate(std::string(10'000, 'a')));
}

TEST_F(SessionsTest, ManySessionsPushOutTheOldest) {
  const auto first = login();
  for (std::size_t i = 1; i < limits::kMaxSessionsPerUser; ++i) {
    auto session = *db->sessions().find_by_hash(sha256(first.token));
    session.hash = "s" + std::to_string(i);
    ASSERT_TRUE(db->sessions().add(session));
  }
  EXPECT_TRUE(sessions->authenticate(first.token));
  const auto last = login();
  EXPECT_FALSE(sessions->authenticate(first.token));
  EXPECT_TRUE(sessions->authenticate(last.token));
  EXPECT_EQ(db->sessions().list(last.user.id)->size(), limits::kMaxSessionsPerUser);
}

TEST_F(SessionsTest, SetupMakesOneAdminWithASession) {
  EXPECT_FALSE(auth->bootstrap({})->setup_token) << "there is an admin";
  ASSERT_TRUE(db->users().remove(1));
  const auto token = auth->bootstrap({})->setup_token;
  ASSERT_TRUE(token);
  EXPECT_TRUE(auth->setup_needed());
  const NewUser eve{"eve@example.com", "Eve", Role::viewer, password};
  EXPECT_EQ(sessions->set_up("setup_guess", eve, {}).error().kind(), ErrorKind::unauthenticated);
  const auto made = sessions->set_up(*token, eve, {});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->user.role, Role::admin);
  EXPECT_TRUE(sessions->authenticate(made->token));
  EXPECT_FALSE(auth->setup_needed());
  EXPECT_FALSE(sessions->set_up(*token, eve, {}));
  EXPECT_FALSE(auth->redeem_setup_token(*token, "")) << "the same token buys one thing";
  EXPECT_FALSE(auth->bootstrap({})->setup_token);
}

TEST_F(SessionsTest, TheLogTellsWhatHappenedInOneLineEach) {
  const std::string evil = "eve\n{\"msg\":\"auth\"}@example.com";
  EXPECT_FALSE(sessions->login(evil, password, {"::1", "a\r\nb\"" + std::string(1'000, 'x')}));
  lines.clear();
  EXPECT_FALSE(sessions->login(evil, password, {"::1", "a\r\nb\"" + std::string(1'000, 'x')}));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
  EXPECT_NE(lines.find(R"("event":"login","outcome":"refused")"), std::string::npos) << lines;
  EXPECT_LT(lines.size(), 1'000u);
  (void)login();
  EXPECT_EQ(lines.find(password), std::string::npos);
  EXPECT_NE(lines.find(R"("outcome":"done","by":"ada@example.com")"), std::string::npos) << lines;
}

TEST(Passwords, AreRefusedWithTheReason) {
  const auto why = [](std::string_view text) {
    const auto done = check_password(text, "somebody@example.com", "Some Body Long");
    return done ? std::string() : done.error().message();
  };
  EXPECT_EQ(why("correct horse battery"), "");
  EXPECT_EQ(why("äöüäöüäöüäöü"), "");
  EXPECT_NE(why("äöüäöüäöüäö").find("12"), std::string::npos) << "characters are counted, not bytes";
  EXPECT_NE(why(""), "");
  EXPECT_NE(why(std::string(1025, 'a') + "b").find("1024"), std::string::npos);
  EXPECT_NE(why("zzzzzzzzzzzzzz"), "");
  EXPECT_NE(why("Somebody@Example.com"), "");
  EXPECT_NE(why("some body long"), "");
  EXPECT_NE(why("Password1234"), "");
  EXPECT_NE(why("\xff\xfe is no text"), "");
}

TEST(Throttle, CountsAttemptsBeforeTheirOutcome) {
  FakeClock clock;
  FailureThrottle throttle(clock, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(throttle.attempt("a"));
  EXPECT_FALSE(throttle.attempt("a"));
  EXPECT_TRUE(throttle.attempt("b"));
  throttle.forgive("a");
  EXPECT_TRUE(throttle.attempt("a"));
  throttle.forgive("unknown");
  for (int i = 0; i < 5; ++i) (void)throttle.attempt("b");
  clock.advance(std::chrono::seconds(limits::kFailedLoginWindowSeconds));
  EXPECT_TRUE(throttle.attempt("b"));
}

}  // namespace
}  // namespace telltale::accounts
