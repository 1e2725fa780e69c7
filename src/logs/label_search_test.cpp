// Labels, values, combinations and volumes against the rows themselves.
#include "logs/label_search.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::logs {
namespace {

constexpr UnixNanos kStart{1'770'000'000'000'000'000};

struct LabelStore : testing::Test {
  FakeClock clock;
  WorkContext context{clock, {}};
  storage::MemoryEventStore events;
  LabelQuery query;

  LabelStore() {
    query.projects = {ProjectId{1}};
    query.range = {kStart, kStart + std::chrono::hours(1)};
    storage::Batch batch;
    const auto row = [&](int minute, std::string service, std::string env, std::string line) {
      EventRow r;
      r.project = ProjectId{1};
      r.time = kStart + std::chrono::minutes(minute);
      r.ids.service = service;
      r.message = std::move(line);
      if (!env.empty()) r.set("deploy.env", env, AttrKind::label);
      r.set("trace", std::string("t"), AttrKind::metadata);
      r.set("parsed", std::string("p"), AttrKind::parsed);
      batch.logs.push_back(std::move(r));
    };
    for (int i = 0; i < 30; ++i) row(i, "web", i % 2 ? "prod" : "test", std::string(100, 'x'));
    for (int i = 0; i < 10; ++i) row(i, "pay", "", std::string(10, 'y'));
    EXPECT_TRUE(events.apply(Sequence{1}, batch));
  }
};

TEST_F(LabelStore, NamesAndValues) {
  EXPECT_EQ(*label_names(events, query, context), (std::vector<std::string>{"deploy_env", "service_name"}));
  EXPECT_EQ(*label_values(events, query, "deploy_env", context), (std::vector<std::string>{"prod", "test"}));
  EXPECT_EQ(*label_values(events, query, "service_name", context), (std::vector<std::string>{"pay", "web"}));
  EXPECT_TRUE(label_values(events, query, "none", context)->empty());
  query.range = {kStart + std::chrono::hours(2), kStart + std::chrono::hours(3)};
  EXPECT_TRUE(label_names(events, query, context)->empty());
}

TEST_F(LabelStore, SetsAndCardinalities) {
  const std::vector<LabelSet> expected = {{{"deploy_env", "prod"}, {"service_name", "web"}},
                                          {{"deploy_env", "test"}, {"service_name", "web"}},
                                          {{"service_name", "pay"}}};
  EXPECT_EQ(*label_sets(events, query, context), expected);
  const std::vector<std::pair<std::string, std::uint64_t>> counts = {{"deploy_env", 2}, {"service_name", 2}};
  EXPECT_EQ(*label_cardinalities(events, query, {"deploy_env", "service_name"}, context), counts);
}

// More label names than one aggregation can group by: service by service.
TEST_F(LabelStore, SetsOfManyLabels) {
  storage::Batch batch;
  for (int service = 0; service < 3; ++service) {
    EventRow row;
    row.project = ProjectId{1};
    row.time = kStart;
    row.ids.service = "many" + std::to_string(service);
    for (int i = 0; i < 9; ++i)
      row.set("l" + std::to_string(service) + std::to_string(i), std::string("v"), AttrKind::label);
    batch.logs.push_back(std::move(row));
  }
  ASSERT_TRUE(events.apply(Sequence{2}, batch));
  ASSERT_GT(label_names(events, query, context)->size(), limits::kMaxGroupFields);
  const auto sets = label_sets(events, query, context);
  ASSERT_TRUE(sets);
  EXPECT_EQ(sets->size(), 6u);
  for (const auto& set : *sets) {
    if (set.size() > 2) {
      EXPECT_EQ(set.size(), 10u);
    }
  }
}

TEST_F(LabelStore, Volumes) {
  VolumeQuery volume;
  static_cast<LabelQuery&>(volume) = query;
  volume.labels = {"service_name"};
  auto found = volumes(events, volume, context);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].values, std::vector<std::string>{"web"});
  EXPECT_EQ((*found)[0].total, 3'000u);
  EXPECT_EQ((*found)[1].total, 100u);
  volume.labels = {"deploy_env"};
  volume.step = std::chrono::minutes(10);
  found = volumes(events, volume, context);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2u);
  for (const auto& v : *found) {
    EXPECT_EQ(v.rows, 15u);
    ASSERT_EQ(v.bytes.size(), 3u);
    EXPECT_EQ(v.bytes[0], (std::pair<UnixNanos, std::uint64_t>(kStart, 500)));
  }
  const auto all = amount(events, query, context);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->rows, 40u);
  EXPECT_EQ(all->bytes, 3'100u);
  EXPECT_EQ(all->streams, 3u);
}

}  // namespace
}  // namespace telltale::logs
