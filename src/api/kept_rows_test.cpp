// A query's rows count against its memory, and a page far back in a list costs the memory of a page.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/own/row_search.hpp"
#include "api/services_rig.hpp"

namespace telltale::api {
namespace {

constexpr std::size_t kStoredEvents = 500;
constexpr std::size_t kEventBytes = 10'000;

class KeptRows : public testing::Test {
 protected:
  void SetUp() override {
    accounts::Bootstrap values;
    values.tokens = {{"viewer", storage::Role::viewer, {0}, "secret-of-viewer"}};
    ASSERT_TRUE(rig_.accounts.bootstrap(values));
    storage::Batch batch;
    batch.project = {1};
    for (std::size_t i = 0; i < kStoredEvents; ++i) {
      EventRow row;
      row.project = {1};
      row.time = {static_cast<std::int64_t>(kStoredEvents - i)};  // newest first
      row.message = fmt::format("event {}.", i);
      row.attributes.push_back({"blob", std::string(kEventBytes, 'x'), AttrKind::metadata});
      batch.errors.push_back(std::move(row));
    }
    ASSERT_TRUE(rig_.events.apply(Sequence{1}, batch));
    // Room for a page of a hundred, not for all.
    limits_.max_memory_bytes = 150 * kEventBytes;
  }

  net::HttpResponse events(std::size_t offset) {
    const std::string path = "/api/0/projects/telltale/1/events/";
    const auto match = rig_.router.match("GET", path);
    EXPECT_NE(match.handler, nullptr);
    net::HttpRequest request;
    request.method = "GET";
    request.path = path;
    request.path_params = match.path_params;
    request.query = {{"cursor", fmt::format("0:{}:0", offset)}};
    request.headers = {{"Authorization", "Bearer secret-of-viewer"}};
    WorkContext context(rig_.clock, limits_);
    return (*match.handler)(request, context);
  }

  ServicesRig rig_;
  WorkLimits limits_;
};

TEST_F(KeptRows, PagesOfEventsKeepThePageOnly) {
  for (const std::size_t offset : {0, 100, 350, 400, 450, 500, 1'000'000}) {
    const auto answer = events(offset);
    ASSERT_EQ(answer.status, 200) << answer.body;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < kStoredEvents; ++i) {
      const bool there = answer.body.find(fmt::format("event {}.", i)) != std::string::npos;
      EXPECT_EQ(there, i >= offset && i < offset + 100) << offset << ": " << i;
      shown += there ? 1 : 0;
    }
    std::string link;
    for (const auto& [name, value] : answer.headers)
      if (name == "Link") link = value;
    const bool more = link.find(R"(rel="next"; results="true")") != std::string::npos;
    EXPECT_EQ(more, offset + shown < kStoredEvents && shown != 0) << link;
  }
}

TEST_F(KeptRows, SearchesHaveTheirLimit) {
  const auto search = [&](std::size_t limit) {
    storage::EventQuery query;
    query.table = Table::errors;
    query.projects = {{1}};
    query.limit = limit;
    auto plain = RowSearch::of(net::HttpRequest{});
    EXPECT_TRUE(plain);
    WorkContext context(rig_.clock, limits_);
    return collect_rows(rig_.events, query, *plain, context);
  };
  EXPECT_EQ(search(100)->rows.size(), 100u);
  const auto refused = search(400);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
}

}  // namespace
}  // namespace telltale::api
