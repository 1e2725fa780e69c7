#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/intake_limits.hpp"
#include "wire/sentry/envelope.hpp"
#include "wire/sentry/event.hpp"
#include "wire/sentry/security.hpp"

namespace telltale::wire::sentry {
namespace {

std::string corpus(const std::string& file) {
  std::ifstream in(std::string(TELLTALE_SOURCE_DIR) + "/fuzz/corpus/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(SentryEnvelope, LinesOfHeadersAreBounded) {
  const std::string much(limits::kMaxEnvelopeHeaderBytes, 'x');
  const auto first = parse_envelope("{\"dsn\":\"" + much + "\"}\n{\"type\":\"event\"}\n{}\n");
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().kind(), ErrorKind::too_large);
  EXPECT_NE(first.error().message().find("envelope header"), std::string::npos);
  EXPECT_EQ(parse_envelope_header("{\"dsn\":\"" + much + "\"}\n").error().kind(), ErrorKind::too_large);
  const auto later =
      parse_envelope("{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"event\",\"x\":\"" + much + "\"}\n{}\n");
  ASSERT_TRUE(later) << later.error().message();
  EXPECT_EQ(later->items.size(), 1u);
  ASSERT_EQ(later->errors.size(), 1u);
  EXPECT_NE(later->errors[0].reason.find("item header"), std::string::npos);
  EXPECT_EQ(parse_envelope_header("{\"dsn\":\"d\"}\nno json behind it\n")->dsn, "d");
}

TEST(SentryEvent, ParametersAreFilledInWhereTheClientLeftThat) {
  const auto formatted = [](const std::string& message, const std::string& params) {
    const auto e = parse_event(R"({"logentry":{"message":")" + message + R"(","params":)" + params + "}}");
    return e ? e->formatted : "no event";
  };
  EXPECT_EQ(formatted("%s of %d at %.2f%%", R"(["a", 2, 3.5])"), "a of 2 at 3.5%");
  EXPECT_EQ(formatted("%-5s|%05d", R"(["a", 7])"), "a|7");
  EXPECT_EQ(formatted("100% of %s", R"(["a"])"), "100% of %s") << "no template of that kind";
  EXPECT_EQ(formatted("%s and %s", R"(["a"])"), "%s and %s");
  EXPECT_EQ(formatted("%s", R"(["a", "b"])"), "%s");
  EXPECT_EQ(formatted("plain %", R"([])"), "plain %");
  EXPECT_EQ(formatted("%(name)s", R"({"name": "a"})"), "%(name)s");
}

TEST(Envelope, LengthsNewlinesAndUnknownItems) {
  const std::string bytes =
      "{\"event_id\":\"9ec79c33-ec99-42ab-8353-589fcb2e04dc\"}\n{\"type\":\"attachment\",\"length\":3}"
      "\na\nb\n"
      "{\"type\":\"novelty\"}\nx\r\n{\"type\":\"event\",\"length\":0}\n";
  const auto e = parse_envelope(bytes);
  ASSERT_TRUE(e) << e.error().message();
  EXPECT_EQ(e->header.event_id.hex(), "9ec79c33ec9942ab8353589fcb2e04dc");
  ASSERT_EQ(e->items.size(), 3u);
  EXPECT_EQ(e->items[0].payload, "a\nb");
  EXPECT_EQ(e->items[1].type, ItemType::unknown);
  EXPECT_EQ(e->items[1].type_name, "novelty");
  EXPECT_EQ(e->items[1].payload, "x\r");
  EXPECT_EQ(e->items[2].payload, "");
}

TEST(Envelope, ABrokenItemKeepsTheOnesBefore) {
  const auto e = parse_envelope("{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"event\",\"length\":99}\n{}");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->items.size(), 1u);
  ASSERT_EQ(e->errors.size(), 1u);
  EXPECT_EQ(e->errors[0].index, 1u);
  EXPECT_FALSE(parse_envelope("{}\n{\"type\":\"event\",\"length\":99}\n{}"));
  EXPECT_FALSE(parse_envelope(""));
  EXPECT_TRUE(parse_envelope("{}"));
}

TEST(Auth, EverySourceAndDisagreement) {
  EXPECT_EQ(
      parse_auth({.x_sentry_auth = "Sentry sentry_version=7, sentry_key=abc,sentry_client=py/1"})->client,
      "py/1");
  EXPECT_EQ(parse_auth({.authorization = "Sentry sentry_key=abc"})->public_key, "abc");
  EXPECT_EQ(parse_auth({.query_key = "abc"})->public_key, "abc");
  EXPECT_EQ(parse_auth({.envelope_dsn = "https://abc@h:9/p/42"})->public_key, "abc");
  EXPECT_FALSE(parse_auth({.authorization = "Bearer abc"}));
  EXPECT_FALSE(parse_auth({.x_sentry_auth = "Sentry sentry_key=abc", .query_key = "abd"}));
  const auto dsn = parse_dsn("https://k:s@host:8/prefix/42");
  ASSERT_TRUE(dsn);
  EXPECT_EQ(dsn->project + dsn->host + dsn->secret_key, "42host:8s");
}

TEST(Event, WhatThePythonSdkSends) {
  const auto e = parse_event(corpus("event/sdk0"));
  ASSERT_TRUE(e) << e.error().message();
  ASSERT_EQ(e->exceptions.size(), 2u);
  EXPECT_EQ(e->exceptions[1].type, "ValueError");
  EXPECT_EQ(e->exceptions[1].value, "no price");
  EXPECT_FALSE(e->exceptions[1].frames.empty());
  EXPECT_EQ(e->request_id, "req-77");
  EXPECT_EQ(e->user.best(), "7");
  EXPECT_EQ(e->release, "shop@1.4.0");
  EXPECT_TRUE(e->trace.trace_id.present());
  EXPECT_TRUE(e->timestamp);

  const auto t = parse_transaction(corpus("transaction/sdk2"));
  ASSERT_TRUE(t) << t.error().message();
  ASSERT_EQ(t->spans.size(), 2u);
  EXPECT_TRUE(t->spans[0].is_root);
  EXPECT_EQ(t->spans[0].description, "GET /cart");
  EXPECT_EQ(t->spans[1].op, "db");
  EXPECT_EQ(t->spans[1].parent_span_id, t->spans[0].span_id);

  const auto l = parse_log_items(corpus("log_items/sdk3"));
  ASSERT_TRUE(l) << l.error().message();
  ASSERT_EQ(l->items.size(), 1u);
  EXPECT_EQ(l->items[0].body, "stock is 3");
  EXPECT_EQ(l->items[0].level, Level::warning);
}

TEST(Event, EveryFormOfAnException) {
  for (const std::string form : {R"({"values":[{"type":"E"}]})", R"([{"type":"E"}])", R"({"type":"E"})"}) {
    const auto e = parse_event("{\"exception\":" + form + "}");
    ASSERT_TRUE(e);
    ASSERT_EQ(e->exceptions.size(), 1u) << form;
    EXPECT_EQ(e->exceptions[0].type, "E");
  }
  const auto e = parse_event(
      R"({"message":{"message":"a %s","params":["b"]},"timestamp":1736328600.25,"exception":[7]})");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->message, "a %s");
  EXPECT_EQ(e->formatted, "a b");
  EXPECT_EQ(e->timestamp->ns, 1736328600250000000);
  EXPECT_EQ(e->errors.size(), 1u);
}

TEST(Event, RepairsWhatSdksGetWrong) {
  const auto e = parse_event(
      "{\"message\":\"cut "
      "\\ud83d\",\"extra\":{\"big\":123456789012345678901234567890,\"x\":NaN,\"raw\":\"\xff\"}}");
  ASSERT_TRUE(e) << e.error().message();
  EXPECT_EQ(e->message, "cut \xEF\xBF\xBD");
  EXPECT_EQ(e->extra[0].second, "123456789012345678901234567890");
  EXPECT_FALSE(parse_event("[]"));
  EXPECT_FALSE(parse_event("{"));
}

TEST(ClientReport, Counts) {
  const auto r = parse_client_report(
      R"({"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":23}]})");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->discarded.at(0).quantity, 23u);
}

std::string event_title(std::string_view report) {
  const auto reports = parse_security_reports(report);
  EXPECT_TRUE(reports && reports->size() == 1) << report;
  if (!reports || reports->size() != 1) return {};
  const auto event = parse_event(
      security_event(reports->front(), {"shop@1", "live", "Agent"}, *Id128::parse(std::string(32, 'a'))));
  EXPECT_TRUE(event) << report;
  EXPECT_EQ(event->release, "shop@1");
  EXPECT_EQ(event->environment, "live");
  EXPECT_EQ(event->event_id.hex(), std::string(32, 'a'));
  std::string out = event->formatted;
  for (const auto& part : event->fingerprint) out += " / " + part;
  return out;
}

TEST(SecurityReports, BecomeEvents) {
  const auto csp = [](std::string directive, std::string blocked) {
    return R"({"csp-report":{"document-uri":"https://shop.example/cart?x=1","violated-directive":")" +
           directive + R"(","blocked-uri":")" + blocked + R"(","original-policy":"default-src 'self'"}})";
  };
  EXPECT_EQ(event_title(csp("script-src 'self'", "https://evil.example/a.js?b")),
            "Blocked 'script' from 'evil.example' / csp / script-src / evil.example");
  EXPECT_EQ(event_title(csp("script-src-elem", "inline")),
            "Blocked inline 'script' / csp / script-src-elem / inline");
  EXPECT_EQ(event_title(csp("script-src", "eval")), "Blocked eval() of 'script' / csp / script-src / eval");
  EXPECT_EQ(event_title(csp("img-src", "https://shop.example/x.png")),
            "Blocked 'img' from 'self' / csp / img-src / self");
  EXPECT_EQ(event_title(csp("img-src", "")), "Blocked 'img' from 'self' / csp / img-src / self");
  EXPECT_EQ(event_title(csp("img-src", "data:image/png;base64,AAAA")),
            "Blocked 'img' from 'data' / csp / img-src / data");
  EXPECT_EQ(event_title(csp("script-src", "chrome-extension://abcdef/x.js")),
            "Blocked 'script' from 'chrome-extension' / csp / script-src / chrome-extension");
  EXPECT_EQ(event_title(csp("frame-ancestors", "https://u:p@evil.example:8443/x")),
            "Blocked 'frame-ancestors' from 'evil.example:8443' / csp / frame-ancestors / evil.example:8443");
  EXPECT_EQ(
      event_title(R"([{"type":"csp-violation","age":3,"url":"https://shop.example/","user_agent":"Mozilla",
      "body":{"documentURL":"https://shop.example/","effectiveDirective":"style-src-elem","blockedURL":"https://c.example/a.css"}},
      {"type":"deprecation","body":{"id":"x"}}])"),
      "Blocked 'style' from 'c.example' / csp / style-src-elem / c.example");
  EXPECT_EQ(event_title(R"({"expect-ct-report":{"hostname":"shop.example","port":443}})"),
            "Expect-CT failed for 'shop.example' / expect-ct / shop.example");
  EXPECT_EQ(event_title(R"({"expect-staple-report":{"hostname":"shop.example"}})"),
            "Expect-Staple failed for 'shop.example' / expect-staple / shop.example");
  EXPECT_EQ(event_title(R"({"hostname":"shop.example","known-pins":[]})"),
            "Public key pinning failed for 'shop.example' / hpkp / shop.example");
}

TEST(SecurityReports, WhatIsNoneIsRefused) {
  for (const char* bad : {"", "{", "7", "{}", R"({"csp-report":7})", R"({"message":"x"})"})
    EXPECT_FALSE(parse_security_reports(bad)) << bad;
  EXPECT_TRUE(parse_security_reports("[]")->empty());
  EXPECT_TRUE(parse_security_reports(R"([7, {"type":"csp-violation"}, {"type":"csp-violation","body":[]}])")
                  ->empty());
  EXPECT_EQ(parse_security_reports(std::string(100'000, ' ')).error().kind(), ErrorKind::too_large);
}

}  // namespace
}  // namespace telltale::wire::sentry
