// Ids of a block and their groups: what was added is found, in so many bits; merged; damaged.
#include "eventdb/word_ids.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/id.hpp"
#include "base/rng.hpp"

namespace telltale::eventdb {
namespace {

class BlockIds : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    rng_ = Rng(seed);
  }
  std::map<std::string, std::set<std::uint32_t>> random_ids(std::size_t ids, std::uint64_t groups) {
    std::map<std::string, std::set<std::uint32_t>> out;
    for (std::size_t i = 0; i < ids; ++i) {
      auto& of = out[Id64{rng_.next()}.hex()];
      for (std::size_t n = rng_.chance(0.02) ? 30 : 1; n > 0; --n)
        of.insert(static_cast<std::uint32_t>(rng_.below(groups)));
    }
    return out;
  }
  static void add(WordIdsBuilder& builder, const std::map<std::string, std::set<std::uint32_t>>& ids) {
    for (const auto& [id, groups] : ids)
      for (const std::uint32_t group : groups) builder.add(id_hash(id), group);
  }
  /// Finds what there is; of others, one in a thousand at most in the long run.
  void compare(const WordIds& ids, const std::map<std::string, std::set<std::uint32_t>>& truth) {
    for (const auto& [id, groups] : truth) {
      const auto found = ids.groups_of(id).value();
      ASSERT_TRUE(std::includes(found.begin(), found.end(), groups.begin(), groups.end())) << id;
    }
    std::size_t wrong = 0;
    for (int i = 0; i < 20'000; ++i) wrong += ids.groups_of(Id64{rng_.next()}.hex()).value().size();
    EXPECT_LT(wrong, 80u);
  }

  Rng rng_{1};
  MemoryBytes bytes_;
};

TEST_F(BlockIds, AreFoundWithTheirGroups) {
  for (const std::size_t count : {1U, 1'000U, 70'000U}) {
    const auto all = random_ids(count, 400);
    WordIdsBuilder builder;
    add(builder, all);
    const std::size_t before = bytes_.bytes();
    const auto directory = builder.write(bytes_).value();
    compare(WordIds::open(bytes_, directory).value(), all);
    if (count == 70'000) {
      std::size_t pairs = 0;
      for (const auto& [id, groups] : all) pairs += groups.size();
      EXPECT_LT(bytes_.bytes() - before, pairs * 3) << "bytes of an id";
    }
  }
}

TEST_F(BlockIds, OfSeveralBlocksBecomeThoseOfOne) {
  WordIdsBuilder merged;
  std::map<std::string, std::set<std::uint32_t>> all;
  for (std::uint32_t part = 0; part < 4; ++part) {
    const auto some = random_ids(part == 0 ? 40'000 : 300, 50);
    WordIdsBuilder builder;
    add(builder, some);
    const WordIds ids = WordIds::open(bytes_, builder.write(bytes_).value()).value();
    merged.know_bits(ids.bits());
    const auto entries = ids.entries().value();
    for (const std::uint64_t entry : entries)
      merged.add(static_cast<std::uint32_t>(entry >> 32), static_cast<std::uint32_t>(entry) + 50 * part);
    for (const auto& [id, groups] : some)
      for (const std::uint32_t group : groups) all[id].insert(group + 50 * part);
  }
  compare(WordIds::open(bytes_, merged.write(bytes_).value()).value(), all);
}

TEST_F(BlockIds, TooManyAreNone) {
  WordIdsBuilder builder;
  for (std::uint32_t i = 0; i < kMaxBlockIds; ++i) builder.add(i, 1);
  for (std::uint32_t i = 0; i < 2 * kMaxBlockIds; ++i) builder.add(7, 1);
  WordIdsBuilder more = builder;
  EXPECT_GT(builder.write(bytes_).value().size, 0u) << "as many as may be, some of them often";
  for (std::uint32_t i = 0; i <= kMaxBlockIds; ++i) more.add(UINT32_MAX - i, 2);
  EXPECT_EQ(more.write(bytes_).value().size, 0u);
  EXPECT_EQ(WordIdsBuilder().write(bytes_).value().size, 0u);
}

TEST_F(BlockIds, MoveWithTheirPages) {
  const auto all = random_ids(5'000, 20);
  WordIdsBuilder builder;
  add(builder, all);
  WordIds ids = WordIds::open(bytes_, builder.write(bytes_).value()).value();
  MemoryBytes there;
  ASSERT_TRUE(there.put("something before"));
  const auto move = [&](io::BlockHandle handle) -> Result<io::BlockHandle> {
    TT_ASSIGN(const Bytes page, bytes_.read(handle));
    return there.put(std::string(page.view));
  };
  const std::string directory = ids.moved(move).value();
  compare(WordIds::open(there, there.put(directory).value()).value(), all);
}

TEST_F(BlockIds, DamageIsCorruption) {
  const auto all = random_ids(3'000, 40);
  WordIdsBuilder builder;
  add(builder, all);
  const auto directory = builder.write(bytes_).value();
  int refused = 0;
  for (int round = 0; round < 2'000; ++round) {
    MemoryBytes damaged;
    const std::uint64_t which = rng_.chance(0.5) ? directory.offset : rng_.below(directory.offset);
    for (std::uint64_t i = 0; i <= directory.offset; ++i) {
      std::string bytes(bytes_.read({i, 0})->view);
      if (i == which && rng_.chance(0.3)) {
        bytes.resize(rng_.below(bytes.size()));
      } else if (i == which) {
        bytes[rng_.below(bytes.size())] ^= static_cast<char>(1 + rng_.below(255));
      }
      ASSERT_TRUE(damaged.put(std::move(bytes)));
    }
    const auto ids = WordIds::open(damaged, directory);
    const auto found = ids ? ids->groups_of(all.begin()->first) : tl::unexpected<Error>(ids.error());
    const auto entries = ids ? ids->entries() : tl::unexpected<Error>(ids.error());
    for (const auto* error : {found ? nullptr : &found.error(), entries ? nullptr : &entries.error()})
      if (error != nullptr) {
        EXPECT_EQ(error->kind(), ErrorKind::corruption);
      }
    refused += entries ? 0 : 1;
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace telltale::eventdb
