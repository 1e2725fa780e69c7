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
  }
  for (const auto& route : known) {
    EXPECT_TRUE(real.contains(route)) << route << " is described, but not served";
  }
}

}  // namespace
}  // namespace telltale::api
