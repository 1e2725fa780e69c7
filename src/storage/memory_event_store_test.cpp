#include "storage/memory_event_store.hpp"

#include "storage/event_store_contract.hpp"

namespace telltale::storage {

INSTANTIATE_TEST_SUITE_P(Memory, EventStoreContract,
                         ::testing::Combine(::testing::Values(EventStoreMaker{
                                                "memory",
                                                [] { return std::make_shared<MemoryEventStore>(); }}),
                                            ::testing::Values(0, 1, 2)),
                         [](const auto& test) { return "mode" + std::to_string(std::get<1>(test.param)); });

TEST(MemoryEventStore, CrashForgetsWhatWasNotCheckpointed) {
  MemoryEventStore store;
  Batch batch;
  batch.logs.resize(1);
  ASSERT_TRUE(store.apply(Sequence{1}, batch));
  ASSERT_TRUE(store.checkpoint());
  ASSERT_TRUE(store.apply(Sequence{2}, batch));
  store.crash();
  EXPECT_EQ(store.applied(), Sequence{1});
}

TEST(Collect, RowsKeptCountAgainstTheMemoryOfTheQuery) {
  MemoryEventStore store;
  Batch batch;
  batch.project = {1};
  batch.logs.resize(100);
  for (EventRow& row : batch.logs) {
    row.project = {1};
    row.attributes.push_back({"blob", std::string(10'000, 'x'), AttrKind::metadata});
  }
  ASSERT_TRUE(store.apply(Sequence{1}, batch));
  FakeClock clock;
  EventQuery query;
  query.projects = {{1}};
  WorkLimits limits;
  limits.max_memory_bytes = 500'000;
  WorkContext small(clock, limits);
  const auto refused = collect(store, query, small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
  query.limit = 20;
  WorkContext again(clock, limits);
  EXPECT_EQ(collect(store, query, again)->size(), 20u);
}

}  // namespace telltale::storage
