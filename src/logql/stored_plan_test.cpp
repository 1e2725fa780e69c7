// Metric queries behind `| json` that the store answers: that it does, and that lines which its fields do not
// tell are counted all the same. What the answers are is random_queries_test's.
#include <gtest/gtest.h>

#include "logql/engine.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::logql {
namespace {

class StoredPlan : public ::testing::Test {
 protected:
  static constexpr std::int64_t kBegin = 1'700'000'000;

  /// A line with its fields read out of it.
  void add(int second, const std::string& route, double ms, std::string line = {}) {
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(kBegin + second);
    row.set("app", std::string("shop"), AttrKind::label);
    row.set("route", route, AttrKind::parsed);
    row.set("ms", ms, AttrKind::parsed);
    row.message = line.empty()
                      ? R"({"route":")" + route + R"(","ms":)" + telltale::to_string(AttrValue(ms)) + "}"
                      : line;
    batch_.logs.push_back(std::move(row));
  }
  void add_bare(int second, const std::string& line) {
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(kBegin + second);
    row.set("app", std::string("shop"), AttrKind::label);
    row.message = line;
    batch_.logs.push_back(std::move(row));
  }
  QueryResult ask(const std::string& text) {
    if (!batch_.logs.empty()) {
      EXPECT_TRUE(store_.apply(Sequence{++sequence_}, batch_));
    }
    batch_.logs.clear();
    const auto expr = parse(text);
    EXPECT_TRUE(expr) << text;
    QueryRequest request;
    request.projects = {ProjectId{1}};
    request.end = UnixNanos::from_seconds(kBegin + 3600);
    auto result = run(store_, *expr, request, context_);
    error_ = result ? "" : std::string(result.error().message());
    return result ? *std::move(result) : QueryResult{};
  }
  static std::string text(const QueryResult& r) {
    std::string out;
    for (const Series& s : r.series)
      out += s.labels.to_string() + " " + telltale::to_string(AttrValue(s.points.at(0).value)) + "; ";
    return out;
  }

  FakeClock clock_;
  WorkContext context_{clock_, WorkLimits{}};
  storage::MemoryEventStore store_;
  storage::Batch batch_;
  std::uint64_t sequence_ = 0;
  std::string error_;
};

TEST_F(StoredPlan, CountsWithoutReadingLines) {
  add(1, "/a", 10);
  add(2, "/a", 700);
  add(3, "/b", 20);
  auto r = ask(R"(sum by (route) (count_over_time({app="shop"} | json [1h])))");
  EXPECT_EQ(text(r), R"({route="/a"} 2; {route="/b"} 1; )");
  EXPECT_EQ(r.stats.rows, 0u);
  EXPECT_EQ(r.stats.aggregated_groups, 2u);
  r = ask(R"(sum(count_over_time({app="shop"} | json | ms >= 20 | __error__="" [1h])))");
  EXPECT_EQ(text(r), "{} 2; ");
  EXPECT_EQ(r.stats.rows, 0u);
  r = ask(R"(max_over_time({app="shop"} | json | route="/a" | unwrap ms [1h]) by (route))");
  EXPECT_EQ(text(r), R"({route="/a"} 700; )");
  EXPECT_EQ(r.stats.rows, 0u);
}

TEST_F(StoredPlan, LinesThatFieldsDoNotTellAreReadOneByOne) {
  add(1, "/a", 10);
  add(2, "/a", 500, R"({"route":"/a","ms":5e2})");           // the same number, another text
  add(3, "/a", 1, R"({"route":"/c","ms":1})");               // what was read is not what stands there
  add(4, "/b", 1, R"({"route":"/b","ms":1,"route":"/x"})");  // the first counts
  add(5, "", 1, R"({"ms":1})");
  auto r = ask(R"(sum by (route) (count_over_time({app="shop"} | json [1h])))");
  EXPECT_EQ(text(r), R"({} 1; {route="/a"} 2; {route="/b"} 1; {route="/c"} 1; )");
  EXPECT_EQ(r.stats.rows, 1u) << "the third";
  r = ask(R"(sum by (ms) (count_over_time({app="shop", route!=""} | json [1h])))");
  EXPECT_EQ(text(r), R"({ms="1"} 2; {ms="10"} 1; {ms="5e2"} 1; )");
  r = ask(R"(sum by (route) (sum_over_time({app="shop"} | json | unwrap ms [1h])))");
  EXPECT_EQ(text(r), R"({} 1; {route="/a"} 510; {route="/b"} 1; {route="/c"} 1; )");
}

TEST_F(StoredPlan, ErrorsStayErrors) {
  add(1, "/a", 10);
  add_bare(2, "no json");
  ask(R"(sum by (route) (count_over_time({app="shop"} | json [1h])))");
  EXPECT_NE(error_.find("JSONParserErr"), std::string::npos) << error_;
  auto r = ask(R"(sum by (route) (count_over_time({app="shop"} | json | __error__="" [1h])))");
  EXPECT_EQ(text(r), R"({route="/a"} 1; )");
  EXPECT_EQ(r.stats.rows, 1u) << "the one that is no JSON";
  add(3, "/a", 0, R"({"route":"/a","ms":"soon"})");
  ask(R"(sum by (route) (sum_over_time({app="shop"} |= "route" | json | unwrap ms [1h])))");
  EXPECT_NE(error_.find("SampleExtractionErr"), std::string::npos) << error_;
}

TEST_F(StoredPlan, QuantilesOfManyRowsAreTheStores) {
  for (int i = 1; i <= 25'000; ++i) add(1 + i % 3000, "/a", i / 10.0);
  const auto r = ask(R"(quantile_over_time(0.95, {app="shop"} | json | unwrap ms [1h]) by (route))");
  ASSERT_EQ(r.series.size(), 1u) << error_;
  EXPECT_EQ(r.stats.rows, 0u);
  EXPECT_NEAR(r.series[0].points.at(0).value, 2375, 24);
  // Of few it is exact: between 10 and 20.
  add(1, "/b", 10);
  add(2, "/b", 20);
  const auto few =
      ask(R"(quantile_over_time(0.5, {app="shop"} | json | route="/b" | unwrap ms [1h]) by (route))");
  EXPECT_EQ(text(few), R"({route="/b"} 15; )");
}

}  // namespace
}  // namespace telltale::logql
