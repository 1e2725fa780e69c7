// The walk over groups: every group that has a row which counts is found, whatever else comes by, and its
// bounds are told.
#include "query/group_walk.hpp"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::query {
namespace {

using Key = std::pair<std::uint32_t, std::string>;

class GroupWalkTest : public ::testing::Test {
 protected:
  void fill(Rng& rng, std::size_t rows) {
    storage::Batch batch;
    for (std::size_t i = 0; i < rows; ++i) {
      EventRow row;
      row.project = {1 + static_cast<std::uint32_t>(rng.below(2))};
      row.time = UnixNanos{static_cast<std::int64_t>(rng.below(rows / 4))};  // many share a time
      // A few groups have most rows; some rows have none.
      const std::size_t group = rng.below(rng.below(200) + 1);
      if (group > 0) row.set("group", "g" + std::to_string(group));
      row.set("counts", rng.chance(0.3));
      batch.logs.push_back(row);
      rows_.push_back(std::move(row));
    }
    ASSERT_TRUE(store_.apply(Sequence{1}, batch));
  }
  GroupWalk walk(std::size_t wasted) const {
    GroupWalk w;
    w.scan.projects = {{1}, {2}};
    w.scan.fields = {"group", "counts"};
    w.group = "group";
    w.wasted_rows = wasted;
    return w;
  }
  static Key key(const EventRow& row) { return {row.project.value, field_text(row, "group").value_or("")}; }
  static bool counts(const EventRow& row) { return to_string(*row.find("counts")) == "true"; }

  FakeClock clock_;
  WorkContext context_{clock_, WorkLimits{}};
  storage::MemoryEventStore store_;
  std::vector<EventRow> rows_;
  ScanStats stats_;
};

TEST_F(GroupWalkTest, FindsTheNewestRowThatCountsOfEveryGroup) {
  const std::uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  fill(rng, 8'000);
  std::map<Key, UnixNanos> by_hand;
  for (const EventRow& row : rows_)
    if (counts(row)) by_hand[key(row)] = std::max(by_hand[key(row)], row.time);
  for (const std::size_t wasted : {0u, 1u, 20u, 256u}) {
    std::map<Key, UnixNanos> found;
    const GroupVisitor visit = [&](const EventRow& row) -> Result<Verdict> {
      EXPECT_FALSE(found.contains(key(row))) << "a settled group is not shown again";
      if (!counts(row)) return Verdict::open;
      found.emplace(key(row), row.time);
      return Verdict::settled;
    };
    const auto end = walk_groups(store_, walk(wasted), visit, stats_, context_);
    ASSERT_TRUE(end) << end.error().message();
    EXPECT_TRUE(end->complete);
    EXPECT_EQ(found, by_hand) << wasted;
  }
}

TEST_F(GroupWalkTest, SaysWhereItStopped) {
  Rng rng(7);
  fill(rng, 4'000);
  GroupWalk w = walk(0);
  w.max_rows = 100;
  std::size_t seen = 0;
  UnixNanos last;
  const GroupVisitor visit = [&](const EventRow& row) -> Result<Verdict> {
    ++seen;
    last = row.time;
    return Verdict::open;
  };
  const auto end = walk_groups(store_, w, visit, stats_, context_);
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->complete);
  EXPECT_EQ(seen, 100u);
  EXPECT_LE(*end->reached, last);

  w.max_rows = 0;
  seen = 0;
  const GroupVisitor enough = [&](const EventRow&) -> Result<Verdict> {
    return ++seen == 5 ? Verdict::enough : Verdict::settled;
  };
  const auto early = walk_groups(store_, w, enough, stats_, context_);
  ASSERT_TRUE(early);
  EXPECT_TRUE(early->complete);
  EXPECT_EQ(seen, 5u);
}

}  // namespace
}  // namespace telltale::query
