#include "errors/user_counts.hpp"

#include "base/limits.hpp"
#include "errors/issue_rig.hpp"

namespace telltale::errors {
namespace {

TEST(SketchCache, ShrinksAgainOnceWhatABatchChangedIsWritten) {
  IssueHouse house;
  storage::IssueRepository& issues = house.db->issues();
  SketchCache sketches;
  constexpr std::int64_t kParts = 3 * static_cast<std::int64_t>(limits::kMaxCachedUserSketches);
  const auto add = [&](std::int64_t part, std::uint64_t user) {
    const auto sketch = sketches.part(issues, {part});
    ASSERT_TRUE(sketch);
    (*sketch)->add(Id128{user, user});
  };
  for (std::int64_t part = 1; part <= kParts; ++part) add(part, 1);
  EXPECT_EQ(sketches.size(), static_cast<std::size_t>(kParts)) << "nothing that is not written is dropped";
  for (std::int64_t part = 1; part <= kParts; ++part) ASSERT_TRUE(write_sketch(issues, sketches, {part}));
  EXPECT_EQ(sketches.size(), limits::kMaxCachedUserSketches);
  for (std::int64_t part = 1; part <= kParts; ++part) {
    EXPECT_EQ((*sketches.part(issues, {part}))->estimate(), 1u) << part;
    EXPECT_LE(sketches.size(), limits::kMaxCachedUserSketches);
  }
}

}  // namespace
}  // namespace telltale::errors
