#include <gtest/gtest.h>

#include "ingest/metrics_rig.hpp"
#include "storage/batch.hpp"

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

TEST_F(SentryMetricsTest, OneRecordHoldsThemWithWhatCameBesideThem) {
  const std::string log = R"({"items":[{"timestamp":)" + std::to_string(kNowMs / 1000) +
                          R"(,"trace_id":"5b8efff798038103d269b633813fc60c","level":"info","body":"hi"}]})";
  const std::string metrics = "{\"items\":[" + item("a", "counter", "1") + "," + item("b", "gauge", "2") +
                              "," + item("c", "set", "1") + "]}";
  const auto done = ingest->sentry_envelope(
      kPushed, "{}\n{\"type\":\"log\"}\n" + log + "\n{\"type\":\"trace_metric\"}\n" + metrics + "\n");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->accepted, 3u);
  EXPECT_EQ(done->rejected.size(), 1u);
  EXPECT_EQ(stored(), (std::vector<std::string>{"a_total 1@0", "b 2@0"}));
  std::vector<storage::Batch> kept;
  ASSERT_TRUE(journal->replay({0}, [&](Sequence, std::string_view payload) -> Result<> {
    TT_ASSIGN(auto batch, storage::decode_batch(payload));
    kept.push_back(std::move(batch));
    return {};
  }));
  ASSERT_EQ(kept.size(), 1u) << "sent again after an error, a part would count twice";
  EXPECT_EQ(kept[0].logs.size(), 1u);
  EXPECT_EQ(kept[0].samples.size(), 2u);
  using storage::UsageKind;
  EXPECT_EQ(kept[0].items.usage,
            (std::vector<storage::UsageCount>{{UsageKind::accepted, "log_item", "", {}, 1},
                                              {UsageKind::accepted, "trace_metric", "", {}, 2},
                                              {UsageKind::invalid, "trace_metric", "malformed", {}, 1}}));
}

TEST_F(SentryMetricsTest, AMeasurementThatMakesNoSeriesIsCountedAsInvalid) {
  const auto out =
      send(item("a", "counter", "1") + "," +
           item("b", "gauge", "1",
                R"(,"attributes":{"k":{"value":")" + std::string(5000, 'x') + R"(","type":"string"}})"));
  EXPECT_EQ(out.accepted, 1u);
  EXPECT_EQ(out.rejected.size(), 1u);
  std::vector<storage::UsageCount> usage;
  ASSERT_TRUE(pipeline->wait_applied(journal->durable(), std::chrono::seconds(10)));
  ASSERT_TRUE(journal->replay({0}, [&](Sequence, std::string_view payload) -> Result<> {
    TT_ASSIGN(const auto batch, storage::decode_batch(payload));
    usage = batch.items.usage;
    return {};
  }));
  using storage::UsageKind;
  EXPECT_EQ(usage,
            (std::vector<storage::UsageCount>{{UsageKind::accepted, "trace_metric", "", {}, 1},
                                              {UsageKind::invalid, "trace_metric", "malformed", {}, 1}}));
}

}  // namespace
}  // namespace telltale::ingest
