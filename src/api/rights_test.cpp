// What an admin of one project may not do to the whole server, and what such a reader does not see of it.
#include <gtest/gtest.h>

#include "api/services_rig.hpp"

namespace telltale::api {
namespace {

using storage::Role;

class Rights : public testing::Test {
 protected:
  void SetUp() override {
    accounts::Bootstrap values;
    values.projects = {{ProjectId{2}, "two", ""}};
    values.tokens = {{"boss", Role::admin, {0}, "secret-of-boss"},
                     {"two", Role::admin, {2}, "secret-of-two"},
                     {"viewer", Role::viewer, {0}, "secret-of-viewer"},
                     {"viewer2", Role::viewer, {2}, "secret-of-viewer2"}};
    const auto done = rig_.accounts.bootstrap(values);
    ASSERT_TRUE(done) << done.error().message();
    rig_.services.snapshot = []() -> Result<std::string> { return std::string("now"); };
    rig_.services.state = [] { return ServerState{}; };
    rig_.services.backup = [this](const std::string& directory) -> Result<std::string> {
      backups_.push_back(directory);
      return std::string("{}");
    };
    rig_.services.reload = [this]() -> Result<> {
      ++reloads_;
      return {};
    };
  }

  net::HttpResponse send(const std::string& method, const std::string& path, const std::string& token,
                         std::vector<std::pair<std::string, std::string>> query = {}) {
    const auto match = rig_.router.match(method, path);
    EXPECT_NE(match.handler, nullptr) << path;
    net::HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    request.path_params = match.path_params;
    request.headers = {{"Authorization", "Bearer secret-of-" + token}};
    WorkContext context(rig_.clock, WorkLimits{});
    return (*match.handler)(request, context);
  }

  ServicesRig rig_;
  std::vector<std::string> backups_;
  int reloads_ = 0;
};

TEST_F(Rights, WhatActsOnTheWholeServerIsForAdminsOfEveryProject) {
  struct Route {
    const char* method;
    const char* path;
  };
  for (const Route& route :
       {Route{"POST", "/api/telltale/v1/backup"}, Route{"POST", "/-/reload"},
        Route{"POST", "/api/v1/admin/tsdb/snapshot"}, Route{"GET", "/api/v1/status/flags"},
        Route{"GET", "/api/v1/status/config"}, Route{"GET", "/api/telltale/v1/users"}}) {
    const auto ask = [&](const std::string& token) {
      return send(route.method, route.path, token, {{"directory", "there"}});
    };
    const auto refused = ask("two");
    EXPECT_EQ(refused.status, 403) << route.path << ": " << refused.body;
    EXPECT_NE(refused.body.find("every project"), std::string::npos) << refused.body;
    EXPECT_EQ(ask("viewer").status, 403) << route.path;
    EXPECT_TRUE(backups_.empty());
    EXPECT_EQ(reloads_, 0);
    EXPECT_EQ(ask("boss").status, 200) << route.path;
    backups_.clear();
    reloads_ = 0;
  }
}

TEST_F(Rights, NumbersOfOtherProjectsAreForThoseWhoReadEveryProject) {
  rig_.registry.counter("telltale_seen_total", "Seen.", {{"project", "1"}, {"kind", "a"}}).add(7);
  rig_.registry.counter("telltale_seen_total", "Seen.", {{"kind", "a"}, {"project", "2"}}).add(8);
  rig_.registry.counter("telltale_seen_total", "Seen.", {{"project", "22"}}).add(9);
  rig_.registry.counter("telltale_said_total", "Said.", {{"said", R"(,project="1")"}}).add(10);
  rig_.registry.counter("telltale_of_all_total", "All.").add(11);
  const std::string all = send("GET", "/metrics", "viewer").body;
  for (const char* value : {" 7\n", " 8\n", " 9\n", " 10\n", " 11\n"})
    EXPECT_NE(all.find(value), std::string::npos) << value;
  const std::string own = send("GET", "/metrics", "viewer2").body;
  for (const char* value : {" 8\n", " 10\n", " 11\n"})
    EXPECT_NE(own.find(value), std::string::npos) << value << own;
  for (const char* value : {" 7\n", " 9\n"}) EXPECT_EQ(own.find(value), std::string::npos) << value;
}

}  // namespace
}  // namespace telltale::api
