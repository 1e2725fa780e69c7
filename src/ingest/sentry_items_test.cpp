// What reaches the journal of sessions, check-ins and feedback: masked, bounded, and nothing of a client's
// ids.
#include <string>

#include "base/health_limits.hpp"
#include "base/intake_limits.hpp"
#include "ingest/ingest_rig.hpp"
#include "storage/batch.hpp"

namespace telltale::ingest {
namespace {

class SentryItems : public IngestRig {
 protected:
  std::string envelope(std::initializer_list<std::pair<std::string, std::string>> items) const {
    std::string out = "{}\n";
    for (const auto& [type, payload] : items) out += "{\"type\":\"" + type + "\"}\n" + payload + "\n";
    return out;
  }
  std::vector<storage::Batch> batches() {
    std::vector<storage::Batch> out;
    EXPECT_TRUE(pipeline->wait_applied(journal->durable(), std::chrono::seconds(10)));
    EXPECT_TRUE(journal->replay({0}, [&](Sequence, std::string_view payload) -> Result<> {
      TT_ASSIGN(auto batch, storage::decode_batch(payload));
      out.push_back(std::move(batch));
      return {};
    }));
    return out;
  }
  std::string now() const { return format_rfc3339(clock.now()); }
  std::string session(const std::string& more) const {
    return R"({"sid":"s-1","did":"ann@example.com","started":")" + now() +
           R"(","attrs":{"release":"shop@1.0","environment":"production"})" + more + "}";
  }
};

TEST_F(SentryItems, SessionsAreHashedAndKeepTheirState) {
  const auto outcome = ingest->sentry_envelope(
      {1}, envelope({{"session", session(R"(,"init":true)")},
                     {"session", session(R"(,"status":"exited","errors":2)")},
                     {"sessions", R"({"attrs":{"release":"shop@1.0"},"aggregates":[{"started":")" + now() +
                                      R"(","exited":4,"crashed":1}]})"}}));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->accepted, 3u);
  EXPECT_TRUE(outcome->rejected.empty());
  const auto kept = batches();
  ASSERT_EQ(kept.size(), 1u);
  const auto& sessions = kept[0].items.sessions;
  ASSERT_EQ(sessions.size(), 3u);
  EXPECT_TRUE(sessions[0].init);
  EXPECT_EQ(sessions[0].state, storage::SessionState::open);
  EXPECT_EQ(sessions[1].state, storage::SessionState::errored);
  EXPECT_EQ(sessions[0].sid, sessions[1].sid);
  EXPECT_NE(sessions[0].user, 0u);
  EXPECT_EQ(sessions[2].sid, 0u);
  EXPECT_EQ(sessions[2].exited, 4u);
  EXPECT_EQ(storage::encode_batch(kept[0]).find("ann@"), std::string::npos);
  // The same id is another session in another project.
  ASSERT_TRUE(ingest->sentry_envelope({2}, envelope({{"session", session("")}})));
  EXPECT_NE(batches()[1].items.sessions[0].sid, sessions[0].sid);
}

TEST_F(SentryItems, WhatIsTooOldOrTooLongIsNamedAndTheRestIsKept) {
  const std::string old = format_rfc3339(clock.now() - std::chrono::hours(24 * 6));
  const auto outcome = ingest->sentry_envelope(
      {1},
      envelope(
          {{"session", R"({"sid":"a","started":")" + old + R"(","attrs":{"release":"r"}})"},
           {"session", R"({"sid":"a","started":")" + now() + R"(","attrs":{"release":")" +
                           std::string(300, 'x') + R"("}})"},
           {"check_in", R"({"monitor_slug":"a b","status":"ok"})"},
           {"check_in",
            R"({"monitor_slug":"nightly","status":"ok","monitor_config":{"schedule":{"type":"crontab","value":"61 * * * *"}}})"},
           {"session", session("")}}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->accepted, 2u);
  ASSERT_EQ(outcome->rejected.size(), 4u);
  EXPECT_NE(outcome->rejected[0].reason.find("5 days"), std::string::npos) << outcome->rejected[0].reason;
  EXPECT_NE(outcome->rejected[1].reason.find("attrs.release"), std::string::npos);
  EXPECT_NE(outcome->rejected[2].reason.find("monitor_slug"), std::string::npos);
  EXPECT_NE(outcome->rejected[3].reason.find("minute"), std::string::npos);
  EXPECT_EQ(batches()[0].items.check_ins[0].config, "") << "the check-in itself is as good as any";
}

TEST_F(SentryItems, FeedbackIsMasked) {
  const auto outcome = ingest->sentry_envelope(
      {1},
      envelope(
          {{"feedback",
            R"({"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","contexts":{"feedback":{"message":"my card 4111 1111 1111 1111",)"
            R"("name":"Ann","contact_email":"ann@example.com","url":"https://shop.example/?password=hunter2"}}})"},
           {"user_report", R"({"event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0","comments":")" +
                               std::string(9000, 'y') + R"(","name":"B","email":"b@example.com"})"}}));
  ASSERT_TRUE(outcome) << outcome.error().message();
  const auto kept = batches();
  ASSERT_EQ(kept.size(), 1u);
  const auto& feedback = kept[0].items.feedback;
  ASSERT_EQ(feedback.size(), 2u);
  EXPECT_EQ(feedback[0].message.find("4111"), std::string::npos) << feedback[0].message;
  EXPECT_EQ(feedback[0].url.find("hunter2"), std::string::npos) << feedback[0].url;
  EXPECT_EQ(feedback[0].id.hex(), "9ec79c33ec9942ab8353589fcb2e04dc");
  EXPECT_EQ(feedback[1].message.size(), 4096u);
  EXPECT_EQ(feedback[1].id, feedback[1].event_id) << "one report an event";
}

TEST_F(SentryItems, AClientCannotClaimThatItLeftOutMoreThanAnybodyCould) {
  ASSERT_TRUE(ingest->sentry_envelope(
      {1},
      envelope(
          {{"client_report",
            R"({"discarded_events":[{"reason":"before_send","category":"error","quantity":9000000000000000000},)"
            R"({"reason":"sample_rate","category":"error","quantity":1000000000},)"
            R"({"reason":"invented by me","category":"and so is this","quantity":7}]})"}})));
  const auto kept = batches();
  ASSERT_EQ(kept.size(), 1u);
  using storage::UsageKind;
  EXPECT_EQ(kept[0].items.usage,
            (std::vector<storage::UsageCount>{
                {UsageKind::client, "error", "before_send", {}, limits::kMaxAggregateCount},
                {UsageKind::client, "error", "sample_rate", {}, 1'000'000'000},
                {UsageKind::client, "other", "other", {}, 7}}));
  EXPECT_EQ(metrics.counter("telltale_client_discarded_total", "").value(),
            2 * limits::kMaxAggregateCount + 7);
}

TEST_F(SentryItems, CheckInsAndWhatAClientLeftOut) {
  ASSERT_TRUE(ingest->sentry_envelope(
      {1},
      envelope(
          {{"check_in",
            R"({"check_in_id":"5f7c1a6b4d9e4f0e8a1b2c3d4e5f6a7b","monitor_slug":"nightly","status":"in_progress",)"
            R"("monitor_config":{"schedule":{"type":"interval","value":2,"unit":"hour"}}})"},
           {"client_report",
            R"({"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":3},{"reason":"x","category":"y","quantity":-1}]})"}})));
  wire::sentry::CheckInItem bare;
  bare.monitor_slug = "nightly";
  bare.status = wire::sentry::JobStatus::error;
  bare.duration_s = 1e300;
  ASSERT_TRUE(ingest->sentry_check_in({1}, bare));
  bare.monitor_slug = "../x";
  EXPECT_EQ(ingest->sentry_check_in({1}, bare).error().kind(), ErrorKind::invalid_argument);
  const auto kept = batches();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_NE(kept[0].items.check_ins[0].config.find(R"("unit":"hour")"), std::string::npos);
  using storage::UsageKind;
  EXPECT_EQ(kept[0].items.usage,
            (std::vector<storage::UsageCount>{{UsageKind::accepted, "monitor", "", {}, 1},
                                              {UsageKind::client, "error", "queue_overflow", {}, 3}}));
  EXPECT_GT(kept[1].items.check_ins[0].duration_ms, 0);
}

TEST_F(SentryItems, WhatIsTooLongIsNotMaskedFirst) {
  const std::string secrets = "my card 4111 1111 1111 1111 " + std::string(1 << 20, 'x');
  const auto outcome = ingest->sentry_envelope(
      {1}, envelope({{"event", R"({"message":")" + secrets + R"("})"},
                     {"feedback", R"({"contexts":{"feedback":{"message":")" + secrets + R"("}}})"},
                     {"check_in", R"({"monitor_slug":"a","status":"ok","note":")" + secrets + R"("})"}}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->accepted, 0u);
  ASSERT_EQ(outcome->rejected.size(), 3u);
  for (const auto& e : outcome->rejected) EXPECT_NE(e.reason.find("over "), std::string::npos) << e.reason;
  EXPECT_EQ(metrics.render().find("telltale_redacted_total{"), std::string::npos);
}

TEST_F(SentryItems, AllOfALongListIsCountedAndItsFirstReasonsAreKept) {
  constexpr std::size_t kZeros = 250'000;
  std::string zeros = "{\"items\":[0";
  for (std::size_t i = 1; i < kZeros; ++i) zeros += ",0";
  zeros += "]}";
  for (const char* type : {"log", "span", "trace_metric"}) {
    const auto outcome = ingest->sentry_envelope({1}, envelope({{type, zeros}, {"session", session("")}}));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->accepted, 1u);
    EXPECT_EQ(outcome->rejected.size(), kZeros) << type;
    EXPECT_EQ(outcome->rejected.told().size(), limits::kMaxItemErrors);
  }
}

TEST_F(SentryItems, AnEventThatCannotBeReadGivesNoId) {
  const auto outcome = ingest->sentry_envelope(
      {1},
      "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{\"timestamp\":1}\n"
      "{\"type\":\"session\"}\n" +
          session("") + "\n");
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->accepted, 1u) << "the session";
  EXPECT_EQ(outcome->rejected.size(), 1u) << "an event of 1970";
  EXPECT_FALSE(outcome->event_id.present());
}

}  // namespace
}  // namespace telltale::ingest
