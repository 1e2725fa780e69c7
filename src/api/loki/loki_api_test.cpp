// Encoders and parameters of Loki's read API.
#include <gtest/gtest.h>

#include "api/loki/encode.hpp"
#include "api/loki/field_detector.hpp"
#include "api/loki/params.hpp"

namespace telltale::api::loki {
namespace {

logql::LogEntry entry(std::int64_t ns, std::string line, std::string app, std::string trace = {},
                      std::string parsed = {}) {
  logql::LogEntry e;
  e.time = {ns};
  e.line = std::move(line);
  e.stream = {{"app", std::move(app)}};
  if (!trace.empty()) e.metadata = {{"trace", std::move(trace)}};
  if (!parsed.empty()) e.parsed = {{"user", std::move(parsed)}};
  return e;
}

std::string streams_of(const std::vector<logql::LogEntry>& entries, bool categories) {
  JsonWriter w;
  write_streams(w, entries, categories);
  return w.take();
}

TEST(LokiEncode, StreamsFoldedAndCategorised) {
  const std::vector<logql::LogEntry> entries = {entry(3, "c \"quoted\"", "a", "t1", "ada"),
                                                entry(2, "b", "a"), entry(1, "a", "z")};
  EXPECT_EQ(streams_of(entries, true),
            R"([{"stream":{"app":"a"},"values":[["3","c \"quoted\"",{"structuredMetadata":{"trace":"t1"},)"
            R"("parsed":{"user":"ada"}}],["2","b",{}]]},{"stream":{"app":"z"},"values":[["1","a",{}]]}])");
  const std::string folded = streams_of(entries, false);
  EXPECT_NE(folded.find(R"("app":"a","trace":"t1","user":"ada")"), std::string::npos) << folded;
  EXPECT_NE(folded.find(R"({"stream":{"app":"a"},"values":[["2","b"]]})"), std::string::npos) << folded;
  EXPECT_EQ(streams_of({}, false), "[]");
}

TEST(LokiEncode, Answers) {
  logql::QueryResult result;
  result.kind = logql::ResultKind::vector;
  result.series = {{Labels(std::vector<Label>{{"app", "a"}}), {{{1'690'000'000'500'000'000}, 2}}}};
  result.stats.rows = 10;
  result.stats.bytes = 1'000;
  result.stats.matched = 4;
  result.stats.took = std::chrono::milliseconds(500);
  EXPECT_EQ(query_answer(result, true),
            R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"app":"a"},)"
            R"("value":[1690000000.5,"2"]}],"stats":{"summary":{"bytesProcessedPerSecond":2000,)"
            R"("linesProcessedPerSecond":20,"totalBytesProcessed":1000,"totalLinesProcessed":10,)"
            R"("totalPostFilterLines":4,"totalEntriesReturned":0,"execTime":0.5}}}})");
  result.kind = logql::ResultKind::matrix;
  result.series[0].points = {{{1'000'000'000}, 0.1}, {{2'000'000'000}, 1e21}};
  EXPECT_NE(query_answer(result, false).find(R"("values":[[1,"0.1"],[2,"1000000000000000000000"]])"),
            std::string::npos);
  result.kind = logql::ResultKind::streams;
  EXPECT_NE(
      query_answer(result, true).find(R"("resultType":"streams","encodingFlags":["categorize-labels"])"),
      std::string::npos);
}

TEST(LokiEncode, Samples) {
  EXPECT_EQ(sample_text(0.1), "0.1");
  EXPECT_EQ(sample_text(-3), "-3");
  EXPECT_EQ(sample_text(1e-7), "0.0000001");
  EXPECT_EQ(sample_text(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(sample_text(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_GT(sample_text(1e300).size(), 300u);
}

TEST(LokiParams, TimesAndSpans) {
  EXPECT_EQ(parse_time("t", "1690000000")->ns, 1'690'000'000'000'000'000);
  EXPECT_EQ(parse_time("t", "1690000000.25")->ns, 1'690'000'000'250'000'000);
  EXPECT_EQ(parse_time("t", "1690000000000000001")->ns, 1'690'000'000'000'000'001);
  EXPECT_EQ(parse_time("t", "2023-07-22T04:26:40Z")->ns, 1'690'000'000'000'000'000);
  EXPECT_FALSE(parse_time("t", "yesterday"));
  EXPECT_EQ(*parse_span("s", "15"), std::chrono::seconds(15));
  EXPECT_EQ(*parse_span("s", "0.5"), std::chrono::milliseconds(500));
  EXPECT_EQ(*parse_span("s", "1h30m"), std::chrono::minutes(90));
  EXPECT_EQ(*parse_span("s", "250ms"), std::chrono::milliseconds(250));
  for (const char* bad : {"-1", "x", "1 h", "nan", "1e300"}) EXPECT_FALSE(parse_span("s", bad)) << bad;
}

TEST(LokiParams, Flags) {
  net::HttpRequest request;
  EXPECT_FALSE(wants_categories(request));
  request.headers = {{"x-loki-response-encoding-flags", "other, categorize-labels"}};
  EXPECT_TRUE(wants_categories(request));
}

TEST(LokiFields, Types) {
  const std::pair<const char*, const char*> cases[] = {
      {"17", "int"},        {"-17", "int"},       {"1.5", "float"},       {"1e3", "float"},
      {"true", "boolean"},  {"15ms", "duration"}, {"1h2m", "duration"},   {"15KB", "bytes"},
      {"1.5 MiB", "bytes"}, {"ada", "string"},    {"10.0.0.1", "string"}, {"r-17", "string"}};
  for (const auto& [text, type] : cases) EXPECT_EQ(to_string(field_type(text)), type) << text;
}

TEST(LokiFields, OfJsonAndLogfmtAndMetadata) {
  auto made = FieldDetector::make(2);
  ASSERT_TRUE(made);
  EventRow row;
  const auto add = [&](logql::LogEntry e) {
    row.message = e.line;
    made->add(e, row);
  };
  add(entry(1, R"({"a":{"b":1},"list":[1],"none":null,"app":"x","mixed":1})", "shop", "t1"));
  add(entry(2, R"({"a":{"b":2.5},"mixed":"word"})", "shop", "t2"));
  add(entry(3, "took=15ms user=ada", "shop", "t3"));
  add(entry(4, "nothing to see", "shop"));
  const auto& fields = made->fields();
  std::vector<std::string> names;
  for (const auto& [name, field] : fields) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"a_b", "app_extracted", "mixed", "took", "trace", "user"}));
  EXPECT_EQ(fields.at("a_b").type, FieldType::real);
  EXPECT_EQ(fields.at("a_b").json_path, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields.at("a_b").parsers, std::vector<std::string>{"json"});
  EXPECT_EQ(fields.at("mixed").type, FieldType::string_);
  EXPECT_EQ(fields.at("took").type, FieldType::duration);
  EXPECT_EQ(fields.at("took").parsers, std::vector<std::string>{"logfmt"});
  EXPECT_TRUE(fields.at("trace").parsers.empty());
  EXPECT_EQ(fields.at("trace").values.estimate(), 3u);
  EXPECT_EQ(fields.at("trace").seen.size(), 2u);
}

}  // namespace
}  // namespace telltale::api::loki
