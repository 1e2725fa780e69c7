// Index pages against a plain search through their entries.
#include "eventdb/index_page.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "eventdb/part_format.hpp"

namespace telltale::eventdb {
namespace {

std::vector<std::uint32_t> plain_find(const std::vector<std::uint64_t>& entries, std::uint64_t key) {
  std::vector<std::uint32_t> out;
  for (const std::uint64_t e : entries)
    if ((e & ~kIndexBlockMask) == index_entry_of(key))
      out.push_back(static_cast<std::uint32_t>(e & kIndexBlockMask));
  return out;
}

TEST(IndexPage, FindsWhatAPlainSearchFinds) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 300; ++run) {
    // From all over the keys, or close to each other, or both.
    const std::uint64_t spread = rng.chance(0.3) ? 1000 : rng.chance(0.5) ? UINT64_MAX >> 24 : 1U << 20;
    std::vector<std::uint64_t> entries;
    for (auto n = 1 + rng.below(kIndexPageEntries); n > 0; --n) {
      const std::uint64_t key = rng.chance(0.02) ? rng.next() >> 24 : rng.below(spread);
      entries.push_back(index_entry_of(key << kIndexBlockBits | rng.below(rng.chance(0.1) ? 1U << 24 : 300)));
    }
    std::sort(entries.begin(), entries.end());
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
    const std::string page = encode_index_page(entries);
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t key =
          (rng.chance(0.8) ? entries[rng.below(entries.size())] : rng.next()) & ~kIndexBlockMask;
      std::vector<std::uint32_t> found;
      ASSERT_TRUE(find_in_index_page(page, key, found));
      ASSERT_EQ(found, plain_find(entries, key));
    }
    std::vector<std::uint32_t> found;
    EXPECT_FALSE(
        find_in_index_page(std::string_view(page).substr(0, page.size() / 4), entries.back(), found));
  }
}

TEST(IndexPage, RandomKeysCostLittleMoreThanTheirDistance) {
  Rng rng(7);
  std::vector<std::uint64_t> entries;
  for (int i = 0; i < 512; ++i)
    entries.push_back(index_entry_of(rng.next() & ~kIndexBlockMask) | rng.below(16));
  std::sort(entries.begin(), entries.end());
  // 23 bits of distance, 4 of a block.
  EXPECT_LT(encode_index_page(entries).size(), 512U * (23 + 2 + 4) / 8 + 16);
}

TEST(IndexPage, TheFirstFormIsRead) {
  ByteWriter page;
  page.varint(3);
  page.varint(0x12'3456'7890);
  page.varint(4);
  page.varint(0);
  page.varint(9);
  page.varint(5);
  page.varint(1);
  std::vector<std::uint32_t> found;
  ASSERT_TRUE(find_in_index_page(page.view(), std::uint64_t{0x12'3456'7890} << kIndexBlockBits, found));
  EXPECT_EQ(found, (std::vector<std::uint32_t>{4, 9}));
}

}  // namespace
}  // namespace telltale::eventdb
