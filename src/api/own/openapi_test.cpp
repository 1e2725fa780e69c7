// The description of the API and the routes of the server name the same things.
#include <cctype>
#include <set>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "api/embedded.hpp"
#include "api/own/tail.hpp"
#include "api/services_rig.hpp"

namespace telltale::api {
namespace {

// Described, and being built.
const std::set<std::string> kPending = {
    "DELETE /api/telltale/v1/auth/sessions/{id}",
    "DELETE /api/telltale/v1/users/{id}",
    "GET /api/telltale/v1/auth/session",
    "GET /api/telltale/v1/auth/sessions",
    "GET /api/telltale/v1/projects",
    "GET /api/telltale/v1/projects/{id}/keys",
    "GET /api/telltale/v1/storage",
    "GET /api/telltale/v1/users",
    "POST /api/telltale/v1/auth/login",
    "POST /api/telltale/v1/auth/logout",
    "POST /api/telltale/v1/auth/logout-everywhere",
    "POST /api/telltale/v1/auth/password",
    "POST /api/telltale/v1/auth/setup",
    "POST /api/telltale/v1/projects",
    "POST /api/telltale/v1/projects/{id}/keys",
    "POST /api/telltale/v1/ui-measurements",
    "POST /api/telltale/v1/users",
    "PUT /api/telltale/v1/projects/{id}",
    "PUT /api/telltale/v1/projects/{id}/keys/{key}",
    "PUT /api/telltale/v1/users/{id}",
};

std::set<std::string> described() {
  std::set<std::string> out;
  simdjson::dom::parser parser;
  const auto text = find_embedded("openapi.json")->plain;
  const simdjson::dom::object paths = parser.parse(text.data(), text.size())["paths"];
  for (const auto path : paths) {
    const simdjson::dom::object methods = path.value;
    for (const auto method : methods) {
      std::string name(method.key);
      for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      out.insert(name + ' ' + std::string(path.key));
    }
  }
  return out;
}

std::set<std::string> served() {
  const ServicesRig rig;
  std::set<std::string> out{"GET " + std::string(kTailPath)};  // an upgrade, not a route
  for (const auto& route : rig.router.routes()) {
    if (route.find(" /api/telltale/v1/") != std::string::npos) out.insert(route);
  }
  return out;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  const auto known = described();
  const auto real = served();
  EXPECT_GT(real.size(), 10u);
  for (const auto& route : real) {
    EXPECT_TRUE(known.contains(route)) << route << " is not in openapi.json";
    EXPECT_FALSE(kPending.contains(route)) << route << " is served: take it off the list";
  }
  for (const auto& route : known) {
    EXPECT_TRUE(real.contains(route) || kPending.contains(route)) << route << " is described, but not served";
  }
}

}  // namespace
}  // namespace telltale::api
