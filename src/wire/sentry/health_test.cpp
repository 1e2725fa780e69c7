// Sessions, check-ins and feedback, in the shapes that SDKs send.
#include "wire/sentry/health.hpp"

#include <gtest/gtest.h>

namespace telltale::wire::sentry {
namespace {

TEST(Session, WhatNodeAndPythonSend) {
  const auto node = parse_session(
      R"({"sid":"7c7b6585-f901-4351-bf8d-02711b721929","init":true,"started":1767862200.25,"timestamp":1767862200.5,)"
      R"("status":"ok","errors":0,"did":"u-7","duration":0.2,"attrs":{"release":"shop@1.0","environment":"production","user_agent":"x"}})");
  ASSERT_TRUE(node) << node.error().message();
  EXPECT_EQ(node->sid, "7c7b6585-f901-4351-bf8d-02711b721929");
  EXPECT_TRUE(node->init);
  EXPECT_EQ(node->started.ns, 1'767'862'200'250'000'000);
  EXPECT_EQ(node->did, "u-7");
  const auto python = parse_session(
      R"({"sid":"a","init":true,"started":"2026-01-08T09:30:00.000000Z","status":"crashed","errors":2,)"
      R"("attrs":{"release":"shop@1.0"}})");
  ASSERT_TRUE(python) << python.error().message();
  EXPECT_EQ(python->status, SessionStatus::crashed);
  EXPECT_EQ(python->errors, 2u);
  EXPECT_EQ(python->environment, "");
  EXPECT_EQ(python->did, "");
  // A number for an id is as good as its text.
  EXPECT_EQ(parse_session(R"({"sid":"a","did":7,"started":1,"attrs":{"release":"r"}})")->did, "7");
}

TEST(Session, WhatMakesNoSenseIsNamed) {
  for (const auto& [json, why] : {
           std::pair{R"([])", "session"},
           {R"({"sid":"a","started":1})", "attrs: missing"},
           {R"({"sid":"a","started":1,"attrs":{}})", "attrs.release"},
           {R"({"started":1,"attrs":{"release":"r"}})", "sid"},
           {R"({"sid":"a","attrs":{"release":"r"}})", "started"},
           {R"({"sid":"a","started":"soon","attrs":{"release":"r"}})", "started"},
           {R"({"sid":"a","started":1,"status":"fine","attrs":{"release":"r"}})", "status"},
       }) {
    const auto session = parse_session(json);
    ASSERT_FALSE(session) << json;
    EXPECT_NE(session.error().message().find(why), std::string::npos)
        << json << ": " << session.error().message();
  }
}

TEST(Sessions, CountedOnesKeepWhatIsGood) {
  const auto sessions = parse_session_aggregates(
      R"({"attrs":{"release":"shop@1.0","environment":"production"},"aggregates":[)"
      R"({"started":"2026-01-08T09:30:00Z","exited":90,"errored":6,"crashed":3,"abnormal":1,"did":"u"},)"
      R"({"exited":5},{"started":1767862200,"exited":-4,"errored":"2","crashed":1e30}]})");
  ASSERT_TRUE(sessions) << sessions.error().message();
  ASSERT_EQ(sessions->buckets.size(), 2u);
  EXPECT_EQ(sessions->buckets[0].exited, 90u);
  EXPECT_EQ(sessions->buckets[0].abnormal, 1u);
  EXPECT_EQ(sessions->buckets[1].exited, 0u) << "fewer than none is none";
  EXPECT_EQ(sessions->buckets[1].errored, 2u);
  ASSERT_EQ(sessions->errors.size(), 1u);
  EXPECT_EQ(sessions->errors[0].index, 1u);
  EXPECT_FALSE(parse_session_aggregates(R"({"attrs":{"release":"r"}})"));
  EXPECT_FALSE(parse_session_aggregates(R"({"aggregates":[]})"));
}

TEST(CheckIn, WithItsConfiguration) {
  const auto c = parse_check_in(
      R"({"type":"check_in","check_in_id":"5f7c1a6b4d9e4f0e8a1b2c3d4e5f6a7b","monitor_slug":"nightly","status":"error",)"
      R"("duration":1.25,"environment":"production","release":"r",)"
      R"("contexts":{"trace":{"trace_id":"0af7651916cd43dd8448eb211c80319c"}},)"
      R"("monitor_config":{"schedule":{"type":"crontab","value":"0 3 * * *"}}})");
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_EQ(c->id.hex(), "5f7c1a6b4d9e4f0e8a1b2c3d4e5f6a7b");
  EXPECT_EQ(c->status, JobStatus::error);
  EXPECT_DOUBLE_EQ(c->duration_s, 1.25);
  EXPECT_TRUE(c->trace_id.present());
  EXPECT_EQ(c->monitor_config, R"({"schedule":{"type":"crontab","value":"0 3 * * *"}})");
  const auto bare =
      parse_check_in(R"({"monitor_slug":"n","status":"ok","duration":null,"monitor_config":null})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->duration_s, -1);
  EXPECT_EQ(bare->monitor_config, "");
  EXPECT_EQ(parse_check_in(R"({"status":"ok"})", "named")->monitor_slug, "named");
  EXPECT_FALSE(parse_check_in(R"({"status":"ok"})"));
  EXPECT_FALSE(parse_check_in(R"({"monitor_slug":"n","status":"missed"})")) << "that is ours to say";
}

TEST(Feedback, OfAFormAndOfAReport) {
  const auto f = parse_feedback(
      R"({"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","type":"feedback","timestamp":1767862200,"release":"shop@1.0",)"
      R"("user":{"id":"7"},"request":{"url":"https://shop.example/cart"},)"
      R"("contexts":{"trace":{"trace_id":"0af7651916cd43dd8448eb211c80319c"},"feedback":{"message":"It broke",)"
      R"("contact_email":"ann@example.com","name":"Ann","associated_event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0","replay_id":"r1"}}})");
  ASSERT_TRUE(f) << f.error().message();
  EXPECT_EQ(f->message, "It broke");
  EXPECT_EQ(f->associated_event_id.hex(), "fc6d8c0c43fc4630ad850ee518f1b9d0");
  EXPECT_EQ(f->event_id.hex(), "9ec79c33ec9942ab8353589fcb2e04dc");
  EXPECT_EQ(f->url, "https://shop.example/cart") << "of the page, when the form says none";
  EXPECT_EQ(f->user_id, "7");
  EXPECT_FALSE(parse_feedback(R"({"contexts":{}})"));
  EXPECT_FALSE(parse_feedback(R"({"contexts":{"feedback":{"name":"Ann"}}})"));
  const auto r = parse_user_report(
      R"({"event_id":"fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0","name":"Bob","email":"bob@example.com","comments":"Too slow"})");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(r->message + r->name + r->contact_email, "Too slowBobbob@example.com");
  EXPECT_FALSE(parse_user_report(R"({"comments":"x"})"));
  EXPECT_FALSE(parse_user_report(R"({"event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0"})"));
}

}  // namespace
}  // namespace telltale::wire::sentry
