// The way in up to the stores, on stores in memory: what a request's rows look like once they are kept.
#include <fmt/format.h>

#include "base/document_limits.hpp"
#include "base/intake_limits.hpp"
#include "ingest/document.hpp"
#include "ingest/ingest_rig.hpp"

namespace telltale::ingest {
namespace {

constexpr ProjectId kShop{7};
constexpr std::int64_t kIngestNow = 1'700'000'000;
constexpr std::string_view kTrace = "0af7651916cd43dd8448eb211c80319c";

class IngestTest : public IngestRig {
 protected:
  IngestTest() {
    options.slug_of = [](ProjectId project) { return fmt::format("slug-{}", project.value); };
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

  std::vector<EventRow> rows(Table table) { return rows_of(kShop, table); }
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

TEST_F(IngestTest, AttributesOverTheLimitAreCountedOnTheRow) {
  std::string fields;
  for (int i = 0; i < 300; ++i) fields += fmt::format(R"(,"k{}":"v")", i);
  accept(ingest->json_lines(kShop, fmt::format("{{\"_msg\":\"x\"{}}}\n{{\"_msg\":\"y\"}}\n", fields), {}));
  const auto kept = rows(Table::logs);
  ASSERT_EQ(kept.size(), 2u);
  const auto& full = kept[kept[0].message == "x" ? 0 : 1];
  const auto& other = kept[kept[0].message == "x" ? 1 : 0];
  ASSERT_TRUE(field_text(full, "dropped_attributes"));
  const int dropped = std::stoi(*field_text(full, "dropped_attributes"));
  EXPECT_EQ(dropped, 44) << "of 300, 256 stay";
  EXPECT_FALSE(field_text(other, "dropped_attributes"));
  EXPECT_NE(metrics.render().find(fmt::format("telltale_ingest_dropped_attributes_total {}", dropped)),
            std::string::npos);
}

TEST_F(IngestTest, EveryRefusedLineCountsAndTheFirstAreTold) {
  constexpr std::size_t kLines = 150'000;
  std::string lines;
  for (std::size_t i = 0; i < kLines; ++i) lines += "0\n";
  const auto outcome = ingest->json_lines(kShop, lines, {});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->accepted, 0u);
  EXPECT_EQ(outcome->rejected.size(), kLines);
  EXPECT_EQ(outcome->rejected.told().size(), limits::kMaxItemErrors);
}

TEST_F(IngestTest, ADocumentThatIsTooLongIsRefusedByNameAndTheNextIsKept) {
  const auto outcome = ingest->json_lines(
      kShop, "{\"x\":\"" + std::string(limits::kMaxDocumentBytes, 'x') + "\"}\n{\"_msg\":\"kept\"}\n", {});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->accepted, 1u);
  ASSERT_EQ(outcome->rejected.size(), 1u);
  EXPECT_NE(outcome->rejected[0].reason.find("document: over"), std::string::npos);
}

TEST_F(IngestTest, WhatIsSharedByTooManyBytesIsRefusedByName) {
  const std::string long_text(limits::kMaxSharedBytes, 'x');
  const auto loki = ingest->loki_push(
      kShop,
      fmt::format(
          R"({{"streams":[{{"stream":{{"app":"{}"}},"values":[["{}000000000","a"],["{}000000000","b"]]}},)"
          R"({{"stream":{{"app":"small"}},"values":[["{}000000000","c"]]}}]}})",
          long_text, kIngestNow, kIngestNow, kIngestNow),
      LokiFormat::json);
  ASSERT_TRUE(loki) << loki.error().message();
  EXPECT_EQ(loki->accepted, 1u);
  EXPECT_EQ(loki->rejected.size(), 2u);
  EXPECT_NE(loki->rejected[0].reason.find("stream: labels"), std::string::npos);
  const auto otlp = ingest->otlp_logs(
      kShop,
      fmt::format(
          R"({{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"k","value":{{"stringValue":"{}"}}}}]}},)"
          R"("scopeLogs":[{{"logRecords":[{{}},{{}},{{}}]}}]}}]}})",
          long_text),
      wire::otlp::Encoding::json);
  ASSERT_TRUE(otlp) << otlp.error().message();
  EXPECT_EQ(otlp->rejected.size(), 3u);
  EXPECT_NE(otlp->rejected[0].reason.find("resource and scope"), std::string::npos);
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

std::string kind_of(const EventRow& row, std::string_view name) {
  for (const Attr& a : row.attributes) {
    if (a.name == name)
      return a.kind == AttrKind::label ? "label" : a.kind == AttrKind::parsed ? "parsed" : "metadata";
  }
  return "absent";
}

TEST_F(IngestTest, SyslogLabelsSayWhoAndHowSevere) {
  accept(ingest->syslog(
      kShop,
      {{"<165>1 2003-10-11T22:14:15.003Z web-1 shopd 7 ID47 [x@1 k=\"v\"] order failed", "10.0.0.9"},
       {"<14>{\"level\":\"error\",\"request_id\":\"r-1\"}", "10.0.0.9"}},
      TimeZone()));
  const auto logs = rows(Table::logs);
  ASSERT_EQ(logs.size(), 2u);
  const EventRow& first = logs[0].message == "order failed" ? logs[0] : logs[1];
  const EventRow& second = logs[0].message == "order failed" ? logs[1] : logs[0];
  EXPECT_EQ(first.time, clock.now());  // a clock that is 20 years off
  EXPECT_EQ(attribute_text(first, "syslog.timestamp"), "2003-10-11T22:14:15.003Z");
  EXPECT_EQ(first.ids.host, "web-1");
  EXPECT_EQ(first.ids.service, "shopd");
  for (const auto* name : {"host", "app", "severity", "service_name"})
    EXPECT_EQ(kind_of(first, name), "label") << name;
  for (const auto* name : {"facility", "procid", "msgid", "x@1.k", "source.address", "detected_level"})
    EXPECT_EQ(kind_of(first, name), "metadata") << name;
  EXPECT_EQ(second.ids.host, "10.0.0.9");
  EXPECT_EQ(second.ids.service, "unknown_service");
  EXPECT_EQ(second.ids.level, Level::info);  // the severity that was sent
  EXPECT_EQ(second.ids.request_id, "r-1");
  EXPECT_EQ(kind_of(second, "request_id"), "parsed");
}

TEST_F(IngestTest, FollowedLinesAreKeptOnce) {
  logs::FileSource source;
  source.labels = {{"service", "shop"}};
  source.zone = *TimeZone::find("+01:00");
  const std::string line = fmt::format("{} level=warn msg=x", format_rfc3339(clock.now()).substr(0, 19));
  const std::vector<logs::FileLines> files = {{&source, "/var/log/a.log", {{line, Id128{1, 2}}}}};
  accept(ingest->file_lines(kShop, files));
  const auto again = ingest->file_lines(kShop, files);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->accepted, 0u);
  EXPECT_EQ(again->duplicates, 1u);
  const auto logs = rows(Table::logs);
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(logs[0].time, clock.now() - std::chrono::hours(1));
  EXPECT_EQ(logs[0].ids.service, "shop");
  EXPECT_EQ(logs[0].ids.level, Level::warning);
  EXPECT_EQ(kind_of(logs[0], "service"), "label");
  EXPECT_EQ(attribute_text(logs[0], "filename"), "/var/log/a.log");
  EXPECT_EQ(attribute_text(logs[0], "detected_level"), "warn");
}

TEST_F(IngestTest, OtlpIndexLabelsAreLabels) {
  accept(ingest->otlp_logs(
      kShop,
      fmt::format(
          R"({{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}},)"
          R"({{"key":"process.pid","value":{{"intValue":"7"}}}}]}},"scopeLogs":[{{"logRecords":[)"
          R"({{"timeUnixNano":"{}000000000","severityText":"WARN","body":{{"stringValue":"a=1 b=2"}}}}]}}]}}]}})",
          kIngestNow),
      wire::otlp::Encoding::json));
  const auto logs = rows(Table::logs);
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(kind_of(logs[0], "service.name"), "label");
  EXPECT_EQ(kind_of(logs[0], "service_name"), "absent");  // the other spelling is enough
  EXPECT_EQ(kind_of(logs[0], "process.pid"), "metadata");
  EXPECT_EQ(kind_of(logs[0], "severity_text"), "metadata");
  EXPECT_EQ(attribute_text(logs[0], "detected_level"), "warn");
  EXPECT_EQ(kind_of(logs[0], "a"), "parsed");
}

}  // namespace
}  // namespace telltale::ingest
