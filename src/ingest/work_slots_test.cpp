// Slots run out: who waits is told to come back, and what is given back is taken.
#include "ingest/work_slots.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace telltale::ingest {
namespace {

TEST(WorkSlots, NobodyWaitsForEver) {
  WorkSlots slots(2, std::chrono::milliseconds(1));
  auto first = slots.take();
  auto second = slots.take();
  ASSERT_TRUE(first && second);
  const auto third = slots.take();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind(), ErrorKind::unavailable);
  first->release();
  first->release();
  EXPECT_TRUE(slots.take());
}

TEST(WorkSlots, WhatIsGivenBackGoesToWhoWaits) {
  WorkSlots slots(1, std::chrono::minutes(1));
  for (int round = 0; round < 200; ++round) {
    auto held = slots.take();
    ASSERT_TRUE(held);
    std::thread other([&] { EXPECT_TRUE(slots.take()); });
    held->release();
    other.join();
  }
}

}  // namespace
}  // namespace telltale::ingest
