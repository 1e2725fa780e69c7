#include "ingest/push_groups.hpp"

#include <gtest/gtest.h>

#include "base/metric_limits.hpp"
#include "ingest/metrics_rig.hpp"
#include "metadb/metadb.hpp"

namespace telltale::ingest {
namespace {

using List = std::vector<std::string>;
constexpr auto kText = wire::prometheus::TextFormat::prometheus;

std::string group_text(std::string_view path) {
  const auto labels = group_from_path(path);
  return labels ? labels->to_string() : labels.error().message();
}

TEST(PushGroupPath, NamesAndValuesPlainAndInBase64) {
  EXPECT_EQ(group_text("job/nightly"), R"({job="nightly"})");
  EXPECT_EQ(group_text("job/nightly/instance/a"), R"({instance="a", job="nightly"})");
  EXPECT_EQ(group_text("job@base64/YS9i/shift@base64/bmlnaHQvMQ"), R"({job="a/b", shift="night/1"})");
  EXPECT_EQ(group_text("job/a/empty@base64/="), R"({job="a"})");
}

TEST(PushGroupPath, WhatIsWrongIsSaid) {
  for (const auto& [path, why] :
       std::vector<std::pair<std::string, std::string>>{{"", "/metrics/job/<job>"},
                                                        {"instance/a", "/metrics/job/<job>"},
                                                        {"job", "job has no value"},
                                                        {"job/", "job has no value"},
                                                        {"job/a/b", "b has no value"},
                                                        {"job/a/1b/c", "names no label"},
                                                        {"job/a/__name__/c", "names no label"},
                                                        {"job/a/x/1/x/2", "stands twice"},
                                                        {"job@base64/!!", "is not base64"}}) {
    EXPECT_NE(group_text(path).find(why), std::string::npos) << path << ": " << group_text(path);
  }
}

class PushGroupsTest : public MetricsRig {
 protected:
  void SetUp() override {
    MetricsRig::SetUp();
    auto opened = metadb::open_metadb(*disk, "meta", clock, log, metrics);
    ASSERT_TRUE(opened) << opened.error().message();
    records = std::move(*opened);
    groups = open();
  }
  std::unique_ptr<PushGroups> open() {
    auto opened = PushGroups::open(*records, *ingest, clock, log);
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? std::move(*opened) : nullptr;
  }
  Result<> push(std::string_view body, bool replace, std::string_view path = "job/n") {
    return groups->push(kPushed, *group_from_path(path), body, kText, replace);
  }
  List without_push_time() {
    List out = stored();
    std::erase_if(out, [](const std::string& line) { return line.starts_with("push_time_seconds"); });
    return out;
  }

  std::unique_ptr<metadb::MetaDb> records;
  std::unique_ptr<PushGroups> groups;
};

TEST_F(PushGroupsTest, AGroupIsWrittenAgainUntilItIsDeleted) {
  ASSERT_TRUE(
      push("rows{job=\"other\"} 5\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 2\nh_count 1\n", true));
  clock.advance(std::chrono::seconds(30));
  groups->tick();  // not yet
  clock.advance(std::chrono::seconds(30));
  groups->tick();
  EXPECT_EQ(without_push_time(),
            (List{R"(h_bucket{job="n", le="+Inf"} 1@0 1@60000)", R"(h_count{job="n"} 1@0 1@60000)",
                  R"(h_sum{job="n"} 2@0 2@60000)", R"(rows{job="n"} 5@0 5@60000)"}));
  clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(push("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\n", false));  // of the family h alone
  EXPECT_EQ(without_push_time()[1], R"(h_count{job="n"} 1@0 1@60000 stale@61000)");
  clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(push("a 1\n", true));
  EXPECT_EQ(without_push_time().back(), R"(rows{job="n"} 5@0 5@60000 5@61000 stale@62000)");
  clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(groups->remove(kPushed, *group_from_path("job/n")));
  EXPECT_EQ(groups->size(), 0u);
  EXPECT_EQ(without_push_time().front(), R"(a{job="n"} 1@62000 stale@63000)");
  EXPECT_TRUE(groups->remove(kPushed, *group_from_path("job/n")));
  EXPECT_TRUE(open() != nullptr && open()->size() == 0);
}

TEST_F(PushGroupsTest, GroupsAreThereAgainAfterARestart) {
  ASSERT_TRUE(
      push("odd{text=\"a\\\\b\\\"c\\nd\",utf=\"\xc3\xa4\"} 1e-300\nbig 1.7976931348623157e308\nnone NaN\n",
           true, "job/n/x/1"));
  const auto before = without_push_time();
  groups = open();
  ASSERT_EQ(groups->size(), 1u);
  clock.advance(std::chrono::minutes(2));
  groups->tick();
  const auto after = without_push_time();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::string value =
        before[i].substr(before[i].rfind(' '), before[i].rfind('@') - before[i].rfind(' '));
    EXPECT_EQ(after[i], before[i] + value + "@120000");
  }
}

TEST_F(PushGroupsTest, WhatIsRefusedChangesNothing) {
  ASSERT_TRUE(push("a 1\n", true));
  EXPECT_NE(push("b 1\nc{ 2\n", true).error().message().find("line 2"), std::string::npos);
  EXPECT_NE(push("b 1 1700000000000\n", true).error().message().find("time of their own"), std::string::npos);
  std::string many;
  for (std::size_t i = 0; i <= limits::kMaxPushGroupSeries; ++i)
    many += "m{i=\"" + std::to_string(i) + "\"} 1\n";
  EXPECT_EQ(push(many, true).error().kind(), ErrorKind::too_large);
  EXPECT_EQ(without_push_time(), (List{R"(a{job="n"} 1@0)"}));
}

}  // namespace
}  // namespace telltale::ingest
