// Documents of Elasticsearch, JSON lines and CloudWatch up to the stores, on stores in memory.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "ingest/document.hpp"
#include "ingest/elastic.hpp"
#include "ingest/ingest_rig.hpp"
#include "ingest/log_groups.hpp"
#include "metadb/metadb.hpp"

namespace telltale::ingest {
namespace {

constexpr ProjectId kProject{3};
constexpr std::int64_t kNowSeconds = 1'767'864'600;  // 2026-01-08T09:30:00Z

class ShippersTest : public IngestRig {
 protected:
  void SetUp() override {
    clock.set_wall(UnixNanos::from_seconds(kNowSeconds));
    IngestRig::SetUp();
  }
  std::vector<EventRow> rows() { return rows_of(kProject, Table::logs); }
  ElasticOutcome bulk(std::string_view body, std::string_view index = "logs") {
    auto done = ingest->elastic_bulk(kProject, body, index, {});
    EXPECT_TRUE(done) << done.error().message();
    return done ? std::move(*done) : ElasticOutcome{};
  }
};

std::string attribute(const EventRow& row, std::string_view name) {
  const AttrValue* value = row.find(name);
  return value == nullptr ? "(absent)" : to_string(*value);
}

std::vector<std::string> labels_of(const EventRow& row) {
  std::vector<std::string> out;
  for (const Attr& a : row.attributes)
    if (a.kind == AttrKind::label) out.push_back(a.name);
  std::sort(out.begin(), out.end());
  return out;
}

TEST_F(ShippersTest, AnEcsDocumentFindsItsColumns) {
  const auto out = bulk(
      R"({"create":{"_index":"logs-app-default"}})"
      "\n"
      R"({"@timestamp":"2026-01-08T09:29:59.5Z","message":"out of stock","log":{"level":"ERROR","logger":"shop"},)"
      R"("service":{"name":"shop","version":"1.2","environment":"prod"},"host":{"name":"web-1"},)"
      R"("trace":{"id":"0af7651916cd43dd8448eb211c80319c"},"span":{"id":"00f067aa0ba902b7"},)"
      R"("http":{"request":{"id":"r-1"}},"user":{"id":"u-1"},"tags":["a","b"]})"
      "\n");
  EXPECT_FALSE(out.errors);
  const auto got = rows();
  ASSERT_EQ(got.size(), 1u);
  const EventRow& row = got[0];
  EXPECT_EQ(row.message, "out of stock");
  EXPECT_EQ(row.time.ns, kNowSeconds * 1'000'000'000 - 500'000'000);
  EXPECT_EQ(row.ids.level, Level::error);
  EXPECT_EQ(row.ids.service, "shop");
  EXPECT_EQ(row.ids.release, "1.2");
  EXPECT_EQ(row.ids.environment, "prod");
  EXPECT_EQ(row.ids.host, "web-1");
  EXPECT_EQ(row.ids.trace_id.hex(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(row.ids.span_id.hex(), "00f067aa0ba902b7");
  EXPECT_EQ(row.ids.request_id, "r-1");
  EXPECT_EQ(row.ids.user_id, "u-1");
  EXPECT_EQ(attribute(row, "log.logger"), "shop");
  EXPECT_EQ(attribute(row, "tags"), R"(["a","b"])");
  EXPECT_EQ(attribute(row, "index"), "logs-app-default");
  EXPECT_EQ(labels_of(row), (std::vector<std::string>{"host.name", "index", "log.level", "service.name"}));
  EXPECT_EQ(attribute(row, "message"), "(absent)");
  EXPECT_EQ(attribute(row, "@timestamp"), "(absent)");
}

TEST_F(ShippersTest, EachBulkItemIsAnsweredInItsPlace) {
  const auto out = bulk(
      "{\"index\":{}}\n{\"message\":\"good one\"}\n"
      "{\"index\":{}}\n{broken\n"
      "{\"delete\":{\"_id\":\"1\"}}\n"
      "{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n"
      "{\"create\":{}}\n{\"@timestamp\":\"yesterday\"}\n"
      "{\"create\":{}}\n{\"@timestamp\":\"2001-01-01T00:00:00Z\"}\n"
      "{\"create\":{\"_id\":\"x\"}}\n{\"message\":\"good two\"}\n");
  std::vector<int> statuses;
  for (const auto& item : out.items) statuses.push_back(item.status);
  EXPECT_EQ(statuses, (std::vector<int>{201, 400, 400, 400, 400, 400, 201}));
  EXPECT_TRUE(out.errors);
  EXPECT_NE(out.items[4].reason.find("[@timestamp]"), std::string::npos);
  EXPECT_NE(out.items[5].reason.find("[@timestamp]"), std::string::npos);
  EXPECT_EQ(out.items[6].id, "x");
  EXPECT_FALSE(out.items[0].id.empty());
  EXPECT_EQ(rows().size(), 2u);
}

TEST_F(ShippersTest, ADocumentSentAgainUnderItsIdIsKeptOnce) {
  for (int i = 0; i < 3; ++i) (void)bulk("{\"create\":{\"_id\":\"a\"}}\n{\"message\":\"once\"}\n");
  for (int i = 0; i < 3; ++i) (void)bulk("{\"index\":{\"_id\":\"b\"}}\n{\"message\":\"once, too\"}\n");
  (void)bulk("{\"index\":{\"_id\":\"b\"}}\n{\"message\":\"changed\"}\n");
  (void)bulk("{\"create\":{\"_id\":\"a\"}}\n{\"message\":\"of another index\"}\n", "other");
  EXPECT_EQ(rows().size(), 4u);
}

TEST_F(ShippersTest, JsonLinesByTheirParameters) {
  DocumentShape shape;
  shape.time_fields = {"date"};
  shape.message_fields = {"nothing", "log.text"};
  shape.ignore_fields = {"secretless", "noise.*"};
  shape.extra_fields = {{"cluster", "c1"}, {"b", "overridden"}};
  shape.stream_fields = {"cluster", "log.level"};
  shape.decolorize_fields = {"log.text"};
  const auto out =
      ingest->json_lines(kProject,
                         "{\"date\":\"2026-01-08T09:29:00Z\",\"log\":{\"text\":\"\\u001b[31mred\\u001b[0m\","
                         "\"level\":\"warn\"},\"secretless\":1,\"noise\":{\"a\":1},\"b\":2}\n"
                         "not json\n"
                         "{\"date\":0,\"log\":{\"text\":\"now\"}}\n"
                         "{\"date\":\"soon\",\"log\":{\"text\":\"never\"}}\n",
                         shape);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->rejected.size(), 2u);
  EXPECT_EQ(out->rejected[0].index, 2u);
  EXPECT_EQ(out->rejected[1].index, 4u);
  EXPECT_NE(out->rejected[1].reason.find("[date]"), std::string::npos);
  const auto got = rows();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].message, "red");
  EXPECT_EQ(got[0].ids.level, Level::warning);
  EXPECT_EQ(attribute(got[0], "secretless"), "(absent)");
  EXPECT_EQ(attribute(got[0], "noise.a"), "(absent)");
  EXPECT_EQ(attribute(got[0], "b"), "overridden");
  EXPECT_EQ(attribute(got[0], "cluster"), "c1");
  EXPECT_EQ(labels_of(got[0]), (std::vector<std::string>{"cluster", "log.level", "service_name"}));
  EXPECT_EQ(got[1].time.ns, kNowSeconds * 1'000'000'000);
}

TEST_F(ShippersTest, TheUsualNamesOfMessageAndTime) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"event":"by structlog","timestamp":"2026-01-08 09:00:00","level":"info"})", "by structlog"},
      {R"({"msg":"by zap","ts":1767864000.5})", "by zap"},
      {R"({"log":"by docker\n","stream":"stdout","time":"2026-01-08T09:00:00.1Z"})", "by docker"},
      {R"({"asctime":"2026-01-08 09:00:00,123","message":"by logging"})", "by logging"},
      {R"({"short_message":"by gelf","timestamp":1767864000.25})", "by gelf"},
      {R"({"time":0.25,"msg":"a duration is no time"})", "a duration is no time"},
      {R"({"error":{"message":"only an error"}})", "only an error"},
      {R"({"method":"GET","status":200})", R"({"method":"GET","status":200})"}};
  std::string body;
  for (const auto& [line, message] : cases) body.append(line) += '\n';
  const auto out = ingest->json_lines(kProject, body, {});
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->rejected.empty());
  std::vector<std::string> messages;
  for (const auto& row : rows()) messages.push_back(row.message);
  std::vector<std::string> expected;
  for (const auto& [line, message] : cases) expected.emplace_back(message);
  std::sort(messages.begin(), messages.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(messages, expected);
}

TEST_F(ShippersTest, LinesOverTheLimitsAreRefusedByName) {
  const std::string line = fmt::format("{{\"message\":\"{}\"}}\n{{\"message\":\"short\"}}\n",
                                       std::string(limits::kMaxLogLineBytes + 1, 'x'));
  const auto out = ingest->json_lines(kProject, line, {});
  ASSERT_TRUE(out);
  ASSERT_EQ(out->rejected.size(), 1u);
  EXPECT_EQ(out->rejected[0].index, 1u);
  EXPECT_NE(out->rejected[0].reason.find("message"), std::string::npos);
  EXPECT_EQ(rows().size(), 1u);
}

TEST_F(ShippersTest, APreviewStoresNothingAndShowsNoSecret) {
  const auto preview = ingest->json_lines_preview(kProject, R"({"message":"m","password":"hunter2"})", {});
  ASSERT_TRUE(preview);
  ASSERT_EQ(preview->size(), 1u);
  EXPECT_EQ(attribute(preview->front(), "password").find("hunter2"), std::string::npos);
  EXPECT_TRUE(rows().empty());
}

TEST_F(ShippersTest, CloudWatchEvents) {
  wire::cloudwatch::PutLogEvents put;
  put.group = "/app/web";
  put.stream = "i-1";
  const auto at = [](std::int64_t seconds) { return UnixNanos::from_seconds(kNowSeconds + seconds); };
  put.events = {{at(-10'000'000), "too old"},
                {at(-2), "ERROR out of stock\n"},
                {at(-1), R"({"level":"info","message":"json","request_id":"r-9","service":"shop"})"},
                {at(86'400), "too new"}};
  const auto out = ingest->cloudwatch_put(kProject, put);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->rejected.size(), 2u);
  EXPECT_EQ(out->rejected[0].index, 0u);
  EXPECT_EQ(out->rejected[1].index, 3u);
  const auto got = rows();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].message, "ERROR out of stock");
  EXPECT_EQ(got[0].ids.level, Level::error);
  EXPECT_EQ(got[0].ids.service, "/app/web");
  EXPECT_EQ(attribute(got[0], "log_stream"), "i-1");
  EXPECT_EQ(labels_of(got[0]), (std::vector<std::string>{"log_group", "log_stream", "service_name"}));
  EXPECT_EQ(got[1].ids.service, "shop");
  EXPECT_EQ(got[1].ids.request_id, "r-9");
}

TEST_F(ShippersTest, LogGroupsLiveInTheRecords) {
  auto records = metadb::open_metadb(*disk, "meta", clock, log, metrics);
  ASSERT_TRUE(records);
  LogGroups groups(**records, clock);
  EXPECT_EQ(groups.create_stream(kProject, "g", "s").error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(groups.create_group(kProject, "g", {{"team", "a"}}));
  ASSERT_TRUE(groups.create_group(kProject, "g2", {}));
  EXPECT_EQ(groups.create_group(kProject, "g", {}).error().kind(), ErrorKind::conflict);
  EXPECT_EQ(groups.require_stream(kProject, "g", "s").error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(groups.create_stream(kProject, "g", "s/1"));
  ASSERT_TRUE(groups.create_stream(kProject, "g2", "other"));
  EXPECT_EQ(groups.create_stream(kProject, "g", "s/1").error().kind(), ErrorKind::conflict);
  EXPECT_TRUE(groups.require_stream(kProject, "g", "s/1"));
  EXPECT_FALSE(groups.require_stream(ProjectId{4}, "g", "s/1"));
  ASSERT_TRUE(groups.set_retention(kProject, "g", 30));
  ASSERT_TRUE(groups.change_tags(kProject, "g", {{"team", "b"}, {"env", "x"}}, {"team"}));
  const auto all = groups.groups(kProject, "g");
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front().name, "g");
  EXPECT_EQ(all->front().retention_days, 30);
  EXPECT_EQ(all->front().tags, (wire::TextPairs{{"team", "b"}, {"env", "x"}}));
  EXPECT_EQ(groups.streams(kProject, "g", "")->size(), 1u);
  ASSERT_TRUE(groups.forget_group(kProject, "g"));
  EXPECT_EQ(groups.groups(kProject, "")->size(), 1u);
  EXPECT_TRUE(groups.require_stream(kProject, "g2", "other"));
  EXPECT_FALSE(groups.require_stream(kProject, "g", "s/1"));
}

/// Applies nothing until it is told to.
class StuckStore final : public storage::DerivedStore {
 public:
  std::string_view name() const override { return "stuck"; }
  Result<> apply(Sequence sequence, const storage::Batch&) override {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] { return free_; });
    applied_ = sequence;
    return {};
  }
  Sequence applied() const override { return Sequence{}; }
  Sequence durable() const override { return Sequence{}; }
  Result<> checkpoint() override { return {}; }
  bool wants_checkpoint() const override { return false; }
  void release() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    released_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool free_ = false;
  Sequence applied_;
};

TEST(FullServer, EveryShipperIsToldToComeBackLater) {
  FakeClock clock(UnixNanos::from_seconds(kNowSeconds));
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  const auto disk = io::make_memory_file_system();
  auto journal = io::Journal::open(*disk, "journal", {}, clock, log, metrics);
  ASSERT_TRUE(journal);
  const auto numbers = storage::make_memory_metric_store();
  StuckStore stuck;
  Pipeline pipeline(
      **journal, {&stuck}, *numbers, [] { return true; }, clock, log, metrics);
  pipeline.start();
  const auto redactor = redact::Redactor::create({});
  ASSERT_TRUE(redactor);
  Ingest ingest(pipeline, **redactor, clock, metrics, IngestOptions{});
  Result<Outcome> last = Outcome{};
  for (std::size_t i = 0; last && i < limits::kApplyQueueBytes / limits::kApplyBatchBytes + 100; ++i)
    last = ingest.json_lines(kProject, R"({"message":"one more"})", {});
  ASSERT_FALSE(last);
  wire::cloudwatch::PutLogEvents put{"g", "s", {{clock.now(), "m"}}};
  const std::pair<const char*, ErrorKind> kinds[] = {
      {"json lines", last.error().kind()},
      {"bulk", ingest.elastic_bulk(kProject, "{\"index\":{}}\n{}\n", "i", {}).error().kind()},
      {"document", ingest.elastic_document(kProject, "{}", "i", "", false, {}).error().kind()},
      {"cloudwatch", ingest.cloudwatch_put(kProject, put).error().kind()},
      {"loki", ingest
                   .loki_push(kProject,
                              R"({"streams":[{"stream":{"a":"b"},"values":[["1767864600000000000","l"]]}]})",
                              LokiFormat::json)
                   .error()
                   .kind()}};
  for (const auto& [name, kind] : kinds) EXPECT_EQ(kind, ErrorKind::resource_exhausted) << name;
  const Labels up(std::vector<Label>{{"__name__", "up"}});
  const auto sample = pipeline.write_samples(kProject, clock.now(), {{up, Sample{}}});
  EXPECT_TRUE(sample) << sample.error().message();
  stuck.release();
  (*journal)->stop();
  pipeline.stop();
}

TEST(Decolorize, RemovesEscapesOnly) {
  std::string text = "\x1b[1;31mred\x1b[0m and \x1b[2Kcut \x1b[";
  decolorize(text);
  EXPECT_EQ(text, "red and cut ");
}

}  // namespace
}  // namespace telltale::ingest
