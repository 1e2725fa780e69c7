#include "api/own/issue_body.hpp"

#include <gtest/gtest.h>

namespace telltale::api {
namespace {

Result<IssueChangeBody> change_of(std::string body, bool by_query = false) {
  net::HttpRequest request;
  request.body = std::move(body);
  if (by_query) request.query = {{"query", "is:unresolved"}};
  return issue_change_body(request, true);
}

TEST(IssueChangeBody, ACommitStandsAlone) {
  const char* const commit = R"("resolved_in_commit": "9f2c1e7a")";
  const auto with = [&](std::string before, std::string after = "") {
    return "{" + std::move(before) + commit + std::move(after) + "}";
  };
  EXPECT_EQ(change_of(with(R"("ids": [1, 2], )"))->commit, "9f2c1e7a");
  EXPECT_EQ(change_of(with("", R"(, "ids": [1, 2])"))->ids.size(), 2u);
  EXPECT_EQ(change_of(with(""), true)->commit, "9f2c1e7a");
  for (const bool by_query : {false, true}) {
    const std::string ids = by_query ? "" : R"("ids": [1], )";
    for (const char* const more :
         {R"("status": "ignored")", R"("assignee": "")", R"("archive": {})", commit}) {
      for (const auto& body : {with(ids, std::string(", ") + more), with(ids + more + ", ")}) {
        const auto refused = change_of(body, by_query);
        ASSERT_FALSE(refused) << body;
        EXPECT_EQ(refused.error().message().rfind("resolved_in_commit: ", 0), 0u)
            << body << refused.error().message();
      }
    }
  }
}

}  // namespace
}  // namespace telltale::api
