// The way in up to the stores, on stores in memory: what a request's rows look like once they are kept.
#include "ingest/ingest.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/file_system.hpp"
#include "redact/redactor.hpp"
#include "storage/memory_event_store.hpp"
#include "storage/memory_metric_store.hpp"

namespace telltale::ingest {
namespace {

constexpr ProjectId kShop{7};
constexpr std::int64_t kIngestNow = 1'700'000'000;
constexpr std::string_view kTrace = "0af7651916cd43dd8448eb211c80319c";

class IngestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = io::Journal::open(*disk, "journal", {}, clock, log, metrics);
    ASSERT_TRUE(opened) << opened.error().message();
    journal = std::move(*opened);
    pipeline = std::make_unique<Pipeline>(
        *journal, std::vector<storage::DerivedStore*>{&events, numbers.get()}, *numbers, [] { return true; },
        clock, log, metrics);
    pipeline->start();
    auto made = redact::Redactor::create({});
    ASSERT_TRUE(made);
    redactor = std::move(*made);
    IngestOptions options;
    options.slug_of = [](ProjectId project) { return fmt::format("slug-{}", project.value); };
    ingest = std::make_unique<Ingest>(*pipeline, *redactor, clock, metrics, options);
  }
  void TearDown() override {
    journal->stop();
    pipeline->stop();
  }

  /// Sends one envelope item.
  void send(std::string_view type, std::string_view payload, std::string_view more = "") {
    const auto body =
        fmt::format("{{}}\n{{\"type\":\"{}\",\"length\":{}{}}}\n{}\n", type, payload.size(), more, payload);
    accept(ingest->sentry_envelope(kShop, body));
  }
  static void accept(const Result<Outcome>& outcome) {
    ASSERT_TRUE(outcome) << outcome.error().message();
    for (const auto& e : outcome->rejected) ADD_FAILURE() << e.reason;
    EXPECT_GT(outcome->accepted, 0u);
  }

  std::vector<EventRow> rows(Table table) {
    EXPECT_TRUE(pipeline->wait_applied(journal->durable(), std::chrono::seconds(10)));
    storage::EventQuery query;
    query.table = table;
    query.projects = {kShop};
    query.range = {UnixNanos{0}, UnixNanos{INT64_MAX}};
    query.order = storage::Order::oldest_first;
    query.with_payload = true;
    WorkContext context(clock, {});
    auto found = storage::collect(events, query, context);
    EXPECT_TRUE(found);
    return found ? std::move(*found) : std::vector<EventRow>{};
  }

  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::FileSystem> disk = io::make_memory_file_system();
  storage::MemoryEventStore events;
  std::unique_ptr<storage::MetricStore> numbers = storage::make_memory_metric_store();
  std::unique_ptr<io::Journal> journal;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<const redact::Redactor> redactor;
  std::unique_ptr<Ingest> ingest;
};

std::string sentry_event(std::string_view more) {
  return fmt::format(R"({{"event_id":"{:032x}","timestamp":{},"message":"boom"{}}})", 0xabc, kIngestNow,
                     more);
}

TEST_F(IngestTest, SentryServiceIsATagThenTheServersNameThenTheProjectsSlug) {
  send("event", sentry_event(R"(,"server_name":"web-1","tags":{"service":"checkout"})"));
  send("event", fmt::format(R"({{"event_id":"{:032x}","message":"b","server_name":"web-1"}})", 2));
  send("event", fmt::format(R"({{"event_id":"{:032x}","message":"c"}})", 3));
  std::vector<std::string> services;
  for (const auto& row : rows(Table::errors)) services.push_back(row.ids.service);
  EXPECT_EQ(services, (std::vector<std::string>{"checkout", "web-1", "slug-7"}));
}

TEST_F(IngestTest, EverySentrySignalFallsBackToTheProjectsSlug) {
  send(
      "transaction",
      fmt::format(
          R"({{"event_id":"{:032x}","transaction":"/buy","start_timestamp":{},"timestamp":{},)"
          R"("contexts":{{"trace":{{"trace_id":"{}","span_id":"00f067aa0ba902b7"}}}},)"
          R"("spans":[{{"trace_id":"{}","span_id":"00f067aa0ba902b8","start_timestamp":{},"timestamp":{}}}]}})",
          4, kIngestNow - 1, kIngestNow, kTrace, kTrace, kIngestNow - 1, kIngestNow));
  send("log",
       fmt::format(
           R"({{"items":[{{"timestamp":{},"trace_id":"{}","level":"info","body":"hi","attributes":{{}}}}]}})",
           kIngestNow, kTrace),
       R"(,"item_count":1,"content_type":"application/vnd.sentry.items.log+json")");
  const auto spans = rows(Table::spans);
  ASSERT_EQ(spans.size(), 2u);
  for (const auto& span : spans) EXPECT_EQ(span.ids.service, "slug-7");
  const auto logs = rows(Table::logs);
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(logs[0].ids.service, "slug-7");
}

TEST_F(IngestTest, OtherProtocolsKeepAnUnknownServiceUnknown) {
  accept(ingest->otlp_traces(
      kShop,
      fmt::format(
          R"({{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"00f067aa0ba902b7",)"
          R"("name":"n","startTimeUnixNano":"{}000000000","endTimeUnixNano":"{}000000000"}}]}}]}}]}})",
          kTrace, kIngestNow - 1, kIngestNow),
      wire::otlp::Encoding::json));
  const auto spans = rows(Table::spans);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].ids.service, "");
}

// All digits, and a valid card number.
constexpr std::string_view kCardlikeSpan = "4111111111111111";

std::string attribute_text(const EventRow& row, std::string_view name) {
  const AttrValue* value = row.find(name);
  return value == nullptr ? std::string() : to_string(*value);
}

TEST_F(IngestTest, SpanIdsThatLookLikeCardsStayInEverySignal) {
  send(
      "transaction",
      fmt::format(
          R"({{"event_id":"{:032x}","transaction":"/buy","start_timestamp":{},"timestamp":{},)"
          R"("contexts":{{"trace":{{"trace_id":"{}","span_id":"{}","parent_span_id":"{}"}}}},)"
          R"("spans":[{{"trace_id":"{}","span_id":"00f067aa0ba902b8","parent_span_id":"{}","start_timestamp":{},"timestamp":{}}}]}})",
          5, kIngestNow - 1, kIngestNow, kTrace, kCardlikeSpan, kCardlikeSpan, kTrace, kCardlikeSpan,
          kIngestNow - 1, kIngestNow));
  accept(ingest->otlp_traces(
      kShop,
      fmt::format(
          R"({{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"00f067aa0ba902c7",)"
          R"("parentSpanId":"{}","name":"n","startTimeUnixNano":"{}000000000","endTimeUnixNano":"{}000000000"}}]}}]}}]}})",
          kTrace, kCardlikeSpan, kIngestNow - 1, kIngestNow),
      wire::otlp::Encoding::json));
  const auto spans = rows(Table::spans);
  ASSERT_EQ(spans.size(), 3u);
  for (const auto& span : spans) EXPECT_EQ(attribute_text(span, attr::kParentSpanId), kCardlikeSpan);

  send("event", sentry_event(fmt::format(R"(,"contexts":{{"trace":{{"trace_id":"{}","span_id":"{}"}}}})",
                                         kTrace, kCardlikeSpan)));
  const auto errors = rows(Table::errors);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].ids.span_id.hex(), kCardlikeSpan);
  EXPECT_NE(errors[0].payload.find(kCardlikeSpan), std::string::npos) << errors[0].payload;

  accept(ingest->loki_push(
      kShop,
      fmt::format(
          R"({{"streams":[{{"stream":{{"app":"a"}},"values":[["{}000000000","{{\"span_id\":\"{}\",\"pan\":\"{}\"}}"]]}}]}})",
          kIngestNow, kCardlikeSpan, kCardlikeSpan),
      LokiFormat::json));
  const auto logs = rows(Table::logs);
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(logs[0].ids.span_id.hex(), kCardlikeSpan);
  EXPECT_EQ(attribute_text(logs[0], "span_id"), kCardlikeSpan);
  EXPECT_EQ(attribute_text(logs[0], "pan"), "[card]");
}

}  // namespace
}  // namespace telltale::ingest
