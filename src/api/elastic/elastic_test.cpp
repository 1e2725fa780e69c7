#include <gtest/gtest.h>

#include "api/elastic/answer.hpp"
#include "api/elastic/handshake.hpp"
#include "api/services_rig.hpp"

namespace telltale::api {
namespace {

TEST(ElasticRoutes, LeaveThePagesOfTheUiAlone) {
  ServicesRig rig;
  const net::Router& router = rig.router;
  for (const auto* path :
       {"/", "/issues", "/issues/5", "/logs", "/traces/abc", "/settings/tokens", "/assets/a.js"}) {
    EXPECT_NE(router.match("GET", path).handler, nullptr) << path;
    EXPECT_NE(router.match("HEAD", path).handler, nullptr) << path;
  }
  EXPECT_EQ(router.match("POST", "/").options->name, "cloudwatch");
  EXPECT_EQ(router.match("PUT", "/_bulk").options->name, "elastic_bulk");
  EXPECT_EQ(router.match("POST", "/elasticsearch/logs/_bulk").options->name, "elastic_bulk");
  EXPECT_EQ(router.match("HEAD", "/elasticsearch/").options->name, "elastic_handshake");
}

TEST(ElasticClient, IsKnownByWhatItSends) {
  const auto from = [](net::Headers headers) {
    net::HttpRequest request;
    request.headers = std::move(headers);
    return request;
  };
  const auto browser = from({{"Accept", "text/html,*/*"}, {"User-Agent", "Mozilla/5.0"}});
  EXPECT_FALSE(elastic::is_elastic_client(browser));
  EXPECT_FALSE(elastic::is_elastic_client(from({{"User-Agent", "curl/8"}})));
  const std::pair<net::HttpRequest, const char*> clients[] = {
      {from({{"User-Agent", "Elastic-filebeat/8.17.1 (linux; amd64)"}}), "8.17.1"},
      {from({{"User-Agent", "logstash/9.1.2 (OS=Linux) logstash-output-elasticsearch/12.0.4"}}), "9.1.2"},
      {from({{"User-Agent", "elasticsearch-py/9.0.5"},
             {"Accept", "application/vnd.elasticsearch+json; compatible-with=9"}}),
       "9.1.0"},
      {from({{"User-Agent", "elasticsearch-py/7.17.13"}, {"X-Elastic-Client-Meta", "es=7.17.13"}}), "8.19.0"},
      {from({{"User-Agent", "Vector/0.50.0 (x86_64)"}}), "8.19.0"},
      {from({{"User-Agent", "Elastic-metricbeat"}}), "8.19.0"},
      {from({{"User-Agent", "elastic-x/1.2"}}), "8.19.0"}};
  for (const auto& [request, version] : clients) {
    EXPECT_TRUE(elastic::is_elastic_client(request)) << request.header("user-agent");
    EXPECT_EQ(elastic::version_for(request), version) << request.header("user-agent");
  }
}

TEST(ElasticAnswers, AFullServerSaysWhenToComeBack) {
  const auto answer = elastic::error_answer(Error(ErrorKind::resource_exhausted, "full"));
  EXPECT_EQ(answer.status, 429);
  EXPECT_NE(answer.body.find("es_rejected_execution_exception"), std::string::npos);
  bool retry_after = false;
  for (const auto& [name, value] : answer.headers) retry_after = retry_after || name == "Retry-After";
  EXPECT_TRUE(retry_after);
}

TEST(ElasticAnswers, FilterPathMakesItemsLean) {
  ingest::ElasticOutcome outcome;
  outcome.indices = {"logs"};
  outcome.errors = true;
  outcome.items = {{wire::elastic::BulkAction::create, 0, "a", 201, {}, {}},
                   {wire::elastic::BulkAction::index, 0, "b", 400, "document_parsing_exception",
                    "[@timestamp]: not a time"}};
  EXPECT_EQ(elastic::bulk_answer(outcome, 3, "errors,items.*.error,items.*.status"),
            R"({"errors":true,"items":[{"create":{"status":201}},{"index":{"status":400,"error":)"
            R"({"type":"document_parsing_exception","reason":"[@timestamp]: not a time"}}}]})");
  EXPECT_EQ(elastic::bulk_answer(outcome, 3, "errors"), R"({"errors":true})");
  const auto full = elastic::bulk_answer(outcome, 3, "");
  EXPECT_NE(full.find(R"("took":3)"), std::string::npos);
  EXPECT_NE(full.find(R"("_id":"a")"), std::string::npos);
}

}  // namespace
}  // namespace telltale::api
