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

}  // namespace telltale::storage
