// Words of parts: random lists merged in random ways, against a map of who says what; the cache of pages.
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/part_word_cache.hpp"
#include "eventdb/part_words_merger.hpp"
#include "eventdb/part_writer.hpp"
#include "eventdb/word_index_builder.hpp"

namespace telltale::eventdb {
namespace {

using Sayers = std::array<std::set<std::uint32_t>, storage::kTextKinds>;
/// Of names (true) and words.
using SaidBy = std::map<std::pair<bool, std::string>, Sayers>;

constexpr storage::TextKinds kNames = 0x03;

class PartWordsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    rng_ = Rng(seed);
  }
  std::string random_text() {
    std::string out;
    const std::size_t words = 1 + rng_.below(3);
    for (std::size_t i = 0; i < words; ++i) {
      if (i > 0) out += ' ';
      out += "w" + std::string(1, static_cast<char>('g' + rng_.below(4)));
      if (rng_.chance(0.5)) out += "_" + std::string(1, static_cast<char>('g' + rng_.below(10)));
      if (rng_.chance(0.1)) out += " 12345";
    }
    return out;
  }
  /// A block in which some of the groups say something; also into the map.
  std::unique_ptr<WordStream> block(std::uint32_t groups, SaidBy& said) {
    WordIndexBuilder builder(kNames);
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t row = 0, n = static_cast<std::uint32_t>(1 + rng_.below(40)); row < n; ++row) {
      const auto group = static_cast<std::uint32_t>(rng_.below(groups));
      builder.begin_row({1}, "group" + std::to_string(group), row);
      if (std::find(numbers.begin(), numbers.end(), group) == numbers.end()) numbers.push_back(group);
      for (std::size_t i = 0, texts = rng_.below(4); i < texts; ++i) {
        const auto kind = static_cast<unsigned>(rng_.below(storage::kTextKinds));
        const std::string text = random_text();
        builder.add(kind, text);
        if ((kNames >> kind & 1) != 0) said[{true, text}][kind].insert(group);
        WordSplitter().split(
            text,
            [&](std::string_view word) {
              said[{false, std::string(word)}][kind].insert(group);
            },
            [](std::string_view) {});
      }
    }
    auto memory = std::make_shared<MemoryBytes>();
    const auto place = builder.write(*memory);
    EXPECT_TRUE(place && place->made());
    auto index = WordIndex::open(memory, *place, 40);
    EXPECT_TRUE(index);
    auto stream = stream_of_block(*std::move(index), std::move(numbers));
    EXPECT_TRUE(stream);
    return *std::move(stream);
  }
  static std::unique_ptr<WordStream> merged(std::vector<std::unique_ptr<WordStream>> streams,
                                            std::uint32_t groups) {
    auto memory = std::make_shared<MemoryBytes>();
    auto pages = merge_word_streams(std::move(streams), kNames, groups, *memory);
    EXPECT_TRUE(pages && *pages);
    return stream_of_list(std::move(memory), **std::move(pages), groups);
  }
  static SaidBy read(WordStream& stream) {
    SaidBy out;
    std::pair<bool, std::string> last{true, ""};
    while (*stream.next()) {
      const std::pair<bool, std::string> text{stream.is_name(), std::string(stream.text())};
      if (text.first == last.first) {
        EXPECT_LT(last.second, text.second) << "sorted, and once";
      }
      last = text;
      for (const PartWordUse& use : stream.uses()) {
        std::vector<std::uint32_t> groups;
        EXPECT_TRUE(stream.add(use.who, groups));
        for (unsigned kind = 0; kind < storage::kTextKinds; ++kind)
          if ((use.kinds >> kind & 1) != 0) out[text][kind].insert(groups.begin(), groups.end());
      }
    }
    return out;
  }

  Rng rng_{1};
};

TEST_F(PartWordsTest, ListsOfListsSayWhatTheirBlocksDo) {
  for (int round = 0; round < 20; ++round) {
    SaidBy said;
    std::vector<std::unique_ptr<WordStream>> lists;
    std::uint32_t groups = 0;
    for (std::size_t l = 0, n = 1 + rng_.below(4); l < n; ++l) {
      // Groups come to be known as blocks do.
      groups += static_cast<std::uint32_t>(1 + rng_.below(rng_.chance(0.3) ? 2'000 : 20));
      std::vector<std::unique_ptr<WordStream>> blocks;
      for (std::size_t b = 0, m = 1 + rng_.below(10); b < m; ++b) blocks.push_back(block(groups, said));
      lists.push_back(merged(std::move(blocks), groups));
    }
    const auto all = merged(std::move(lists), groups);
    const SaidBy found = read(*all);
    ASSERT_EQ(found.size(), said.size());
    for (const auto& [text, sayers] : said) ASSERT_EQ(found.at(text), sayers) << text.second;
  }
}

TEST_F(PartWordsTest, PagesAreKeptWhileThereIsRoomAndSomeoneAsks) {
  const FakeClock clock;
  const Logger log{clock, LogLevel::error, null_sink()};
  auto disk = io::make_memory_file_system();
  ASSERT_TRUE(disk->make_dirs("events"));
  const auto part_of = [&](const std::string& name) {
    auto writer = PartWriter::create(*disk, "events/" + name, Table::errors, 1);
    EXPECT_TRUE(writer && (*writer)->finish());
    return *Part::open(*disk, "events", name, log);
  };
  MemoryBytes memory;
  SaidBy said;
  std::vector<std::unique_ptr<WordStream>> blocks;
  for (int i = 0; i < 5; ++i) blocks.push_back(block(10, said));
  const auto pages = merge_word_streams(std::move(blocks), kNames, 10, memory);
  ASSERT_TRUE(pages && *pages);
  const auto page = PartWordPage::read(memory, (*pages)->words.front());
  ASSERT_TRUE(page);
  PartWordCache cache(page->memory_bytes() * 2 + 1);
  auto one = part_of("errors-19700102-1.part");
  const auto two = part_of("errors-19700102-2.part");
  cache.add(one, 0, *page, Nanos(1));
  cache.add(one, 1, *page, Nanos(2));
  cache.add(two, 0, *page, Nanos(3));
  EXPECT_TRUE(cache.find(*one, 0, Nanos(4)));
  EXPECT_TRUE(cache.find(*one, 1, Nanos(2)));
  EXPECT_FALSE(cache.find(*two, 0, Nanos(4))) << "no room";
  cache.forget(Nanos(3));
  EXPECT_FALSE(cache.find(*one, 1, Nanos(4))) << "not asked for since";
  cache.add(two, 0, *page, Nanos(5));
  EXPECT_EQ(cache.find(*two, 0, Nanos(5))->list(), page->list());
  one.reset();
  cache.forget(Nanos(0));
  EXPECT_EQ(cache.bytes(), page->memory_bytes()) << "its part is gone";
}

}  // namespace
}  // namespace telltale::eventdb
