#include <gtest/gtest.h>

#include "ingest/metrics_rig.hpp"

namespace telltale::ingest {
namespace {

class SentryMetricsTest : public MetricsRig {
 protected:
  Outcome send(const std::string& items) {
    const std::string envelope =
        "{}\n{\"type\":\"trace_metric\",\"item_count\":1,\"content_type\":"
        "\"application/vnd.sentry.items.trace-metric+json\"}\n{\"items\":[" +
        items + "]}\n";
    auto done = ingest->sentry_envelope(kPushed, envelope);
    EXPECT_TRUE(done) << done.error().message();
    return done ? *std::move(done) : Outcome{};
  }
  static std::string item(const std::string& name, const std::string& type, const std::string& value,
                          const std::string& more = "") {
    return "{\"timestamp\":" + std::to_string(kNowMs / 1000) +
           ",\"trace_id\":\"5b8efff798038103d269b633813fc60c\"," + "\"name\":\"" + name + "\",\"type\":\"" +
           type + "\",\"value\":" + value + more + "}";
  }
};

TEST_F(SentryMetricsTest, CountersAddUpDistributionsAreHistogramsAndGaugesStay) {
  const std::string attributes =
      R"(,"attributes":{"sentry.release":{"value":"1.2","type":"string"},"user.id":{"value":"u-1","type":"string"}})";
  const auto first =
      send(item("hits", "counter", "2", attributes) + "," + item("hits", "counter", "3", attributes) + "," +
           item("wait", "distribution", "0.5", R"(,"unit":"second")") + "," +
           item("wait", "distribution", "4", R"(,"unit":"second")") + "," + item("level", "gauge", "7"));
  EXPECT_EQ(first.accepted, 5u);
  EXPECT_TRUE(first.rejected.empty());
  clock.advance(std::chrono::seconds(1));
  send(item("hits", "counter", "1", attributes) + "," +
       item("wait", "distribution", "-1", R"(,"unit":"second")"));
  EXPECT_EQ(stored(), (std::vector<std::string>{"hits_total{release=\"1.2\"} 5@0 6@1000", "level 7@0",
                                                "wait_seconds h(2)@0 h(3)@1000"}));
}

TEST_F(SentryMetricsTest, BadOnesAreToldAndTheRestIsKept) {
  const auto out =
      send(item("a", "counter", "1") + "," + item("", "counter", "1") + "," + item("b", "set", "1") + "," +
           item("c", "counter", "-1") + "," + item("d", "gauge", "\"x\""));
  EXPECT_EQ(out.accepted, 1u);
  ASSERT_EQ(out.rejected.size(), 4u);
  EXPECT_NE(out.rejected[1].reason.find("type: must be"), std::string::npos);
  EXPECT_EQ(stored(), (std::vector<std::string>{"a_total 1@0"}));
}

}  // namespace
}  // namespace telltale::ingest
