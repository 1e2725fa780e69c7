// The words of a block: cut, indexed, merged and asked, against looking at every text.
#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "eventdb/text_codec.hpp"
#include "eventdb/word_index_builder.hpp"
#include "eventdb/word_search.hpp"

namespace telltale::eventdb {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  Words out;
  WordSplitter().split(
      text, [&](std::string_view word) { out.emplace_back(word); },
      [](std::string_view id) { EXPECT_TRUE(is_id_word(id)) << id; });
  return out;
}

TEST(Words, AreCutFoldedAndIdsMarked) {
  const std::string id(kIdMark);
  EXPECT_EQ(words_of("Fetch_quotes(AMBER, 12) h\xC3\xA9llo"),
            (Words{"fetch_quotes", "amber", "12", "h\xC3\xA9llo"}));
  EXPECT_EQ(words_of("<Foo at 0x7F00ab> 1234 12ab-cafe x1234 user_1234 added 0xzz"),
            (Words{"foo", "at", id, id, id, "cafe", "x1234", "user_1234", "added", "0xzz"}));
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of("-- ;"), Words{});
  EXPECT_EQ(words_of(std::string(500, '7')), Words{id});
}

TEST(Words, LongOnesAreKeptAsPiecesThatOverlap) {
  std::string run;
  for (int i = 0; run.size() < 301; ++i) run += "q" + std::to_string(i);
  const Words words = words_of(run);
  ASSERT_EQ(words.front(), kLongMark);
  for (std::size_t at = 0; at + kWordPieceStep <= run.size(); ++at) {
    const std::string_view needle = std::string_view(run).substr(at, kWordPieceStep);
    EXPECT_TRUE(std::any_of(words.begin(), words.end(), [&](const std::string& word) {
      return word.find(needle) != std::string::npos;
    })) << at;
  }
  EXPECT_EQ(words.back(), run.substr(run.size() - kLongestWord));
  for (const std::string& word : words) EXPECT_LE(word.size(), kLongestWord);
  const Words cut = words_of(std::string(3'000, 'z'));
  EXPECT_EQ(cut[1], kCutMark);
  EXPECT_EQ(cut.size(), 2 + (kLongestWordRun - kLongestWord) / kWordPieceStep + 1);
}

constexpr storage::TextKinds kNames = 0x0F;

struct Said {
  std::uint32_t group = 0;
  unsigned kind = 0;
  std::string text;
};

constexpr const char* kPieces[] = {
    "timeout", "Redis", "fetch_quotes_amber", "card", "0x7f00ab12", "1234567",
    "cafe",    "12",    "h\xC3\xA9",          "-",    ".",          "deadbeef01"};

std::string said_text(Rng& rng) {
  std::string out;
  for (std::size_t i = 0, n = rng.below(5); i < n; ++i) {
    if (rng.chance(0.6)) out += " ";
    out += kPieces[rng.below(std::size(kPieces))];
  }
  if (rng.chance(0.2)) out += " " + std::to_string(rng.below(100'000));
  if (rng.chance(0.1)) out += " " + Id64{rng.next()}.hex();
  if (rng.chance(0.03))
    for (int i = 0; i < 60; ++i) out += "q" + std::to_string(rng.below(50));
  return out;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// A piece of some text, or what may be in none.
std::string random_needle(Rng& rng, const std::vector<Said>& all) {
  const std::string& text = all[rng.below(all.size())].text;
  if (text.empty() || rng.chance(0.1)) return kPieces[rng.below(std::size(kPieces))];
  const std::size_t at = rng.below(text.size());
  std::string out = text.substr(at, 1 + rng.below(rng.chance(0.2) ? 100 : 12));
  if (rng.chance(0.3))
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(c < 0x80 ? std::toupper(c) : c); });
  return out;
}

std::set<std::uint64_t> groups_saying(const std::vector<Said>& all, storage::TextKinds kinds,
                                      const std::vector<std::string>& needle) {
  std::vector<std::string> folded;
  for (const std::string& piece : needle) folded.push_back(lower_case(piece));
  std::set<std::uint64_t> out;
  for (const Said& said : all)
    if ((kinds >> said.kind & 1) != 0 && says_in_order(lower_case(said.text), folded))
      out.insert(word_group_key({1}, "g" + std::to_string(said.group)));
  return out;
}

class WordIndexes : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    rng_ = Rng(seed);
  }
  std::vector<Said> random_texts(std::size_t rows, std::size_t groups) {
    std::vector<Said> out;
    for (std::size_t i = 0; i < rows; ++i)
      out.push_back({static_cast<std::uint32_t>(rng_.below(groups)), static_cast<unsigned>(rng_.below(8)),
                     said_text(rng_)});
    return out;
  }
  static void add(WordIndexBuilder& builder, const Said& said, std::uint32_t row) {
    builder.begin_row({1}, "g" + std::to_string(said.group), row);
    builder.add(said.kind, said.text);
  }
  std::unique_ptr<WordIndex> written(WordIndexBuilder& builder, std::size_t rows) {
    bytes_ = std::make_shared<MemoryBytes>();
    place_ = builder.write(*bytes_).value();
    EXPECT_TRUE(place_.made());
    return WordIndex::open(bytes_, place_, rows).value();
  }
  void compare(WordIndex& index, const std::vector<Said>& all) {
    for (int round = 0; round < 300; ++round) {
      const std::string needle = random_needle(rng_, all);
      const auto kinds = static_cast<storage::TextKinds>(rng_.chance(0.5) ? 0xFF : 1 << rng_.below(8));
      const bool first = rng_.chance(0.8);
      const bool last = rng_.chance(0.8);
      std::vector<std::string> pieces{needle};
      if (!first) pieces.insert(pieces.begin(), "");
      if (!last) pieces.emplace_back();
      storage::WordQuery query;
      query.all = {{{{kinds, pieces, false}}}};
      const auto search = WordSearch::make(query);
      bool whole = false;
      const auto runs = runs_of_needle(needle, first, last, whole);
      ASSERT_EQ(search.has_value(), !runs.empty());
      if (!search) continue;
      const auto truth = groups_saying(all, kinds, pieces);
      std::set<std::uint64_t> sure;
      std::set<std::uint64_t> possible;
      const auto found = search->ask(index);
      ASSERT_TRUE(found) << found.error().message();
      if (*found) {
        const auto& groups = *index.groups().value();
        (*found)->sure.for_each([&](std::size_t g) { sure.insert(groups[g].key); });
        (*found)->possible.for_each([&](std::size_t g) { possible.insert(groups[g].key); });
      }
      EXPECT_TRUE(std::includes(truth.begin(), truth.end(), sure.begin(), sure.end())) << needle;
      EXPECT_TRUE(std::includes(possible.begin(), possible.end(), truth.begin(), truth.end())) << needle;
      if (!whole && (kinds & ~kNames) == 0 && !index.mark(kUnnamedMark)) {
        EXPECT_EQ(sure, truth) << needle << ": texts that are kept as a whole tell";
      }
      if (!whole || runs[0].may_be_in_id || runs[0].longer_than_step) continue;
      if (!runs[0].is_id) {
        EXPECT_EQ(sure, truth) << needle;
      } else if (index.has_ids() && kinds == 0xFF) {
        EXPECT_EQ(possible, truth) << needle << ": of an id there is no need to look at others";
        ++ids_asked_;
      }
    }
  }

  Rng rng_{1};
  int ids_asked_ = 0;
  std::shared_ptr<MemoryBytes> bytes_;
  WordPlace place_;
};

TEST_F(WordIndexes, KnowWholeTexts) {
  const auto all = random_texts(400, 60);
  WordIndexBuilder builder(kNames);
  for (std::uint32_t i = 0; i < all.size(); ++i) add(builder, all[i], i);
  const auto index = written(builder, all.size());
  for (int round = 0; round < 300; ++round) {
    const std::string& text = all[rng_.below(all.size())].text;
    const std::size_t a = rng_.below(text.size() + 1);
    const std::size_t b = a + rng_.below(text.size() - a + 1);
    std::vector<std::string> pieces{text};
    if (rng_.chance(0.4)) pieces = {text.substr(0, a), text.substr(b)};
    if (rng_.chance(0.2)) pieces = {"", text.substr(a, b - a), ""};
    const unsigned kind = static_cast<unsigned>(rng_.below(8));
    storage::WordQuery query;
    query.all = {{{{static_cast<storage::TextKinds>(1U << kind), pieces, true}}}};
    std::set<std::uint64_t> truth;
    for (const Said& said : all)
      if (said.kind == kind && !said.text.empty() && is_whole(said.text, pieces))
        truth.insert(word_group_key({1}, "g" + std::to_string(said.group)));
    const auto found = WordSearch::make(query)->ask(*index).value();
    std::set<std::uint64_t> sure;
    std::set<std::uint64_t> possible;
    const auto& groups = *index->groups().value();
    if (found) {
      found->sure.for_each([&](std::size_t g) { sure.insert(groups[g].key); });
      found->possible.for_each([&](std::size_t g) { possible.insert(groups[g].key); });
    }
    EXPECT_TRUE(std::includes(possible.begin(), possible.end(), truth.begin(), truth.end())) << text;
    EXPECT_TRUE(std::includes(truth.begin(), truth.end(), sure.begin(), sure.end())) << text;
    if ((kNames >> kind & 1) != 0 && !index->mark(kUnnamedMark)) {
      EXPECT_EQ(sure, truth) << text;
    }
  }
}

TEST(WholeTexts, AreTheirPiecesWithAnythingBetween) {
  EXPECT_TRUE(is_whole("abc", {"abc"}));
  EXPECT_FALSE(is_whole("abcd", {"abc"}));
  EXPECT_TRUE(is_whole("abcd", {"abc", ""}));
  EXPECT_TRUE(is_whole("abcd", {"", "bc", ""}));
  EXPECT_FALSE(is_whole("abcd", {"", "cb", ""}));
  EXPECT_TRUE(is_whole("abcd", {"a", "d"}));
  EXPECT_FALSE(is_whole("ab", {"ab", "b"})) << "no byte twice";
  EXPECT_FALSE(is_whole("Abc", {"abc"}));
}

TEST_F(WordIndexes, AnswerAsEveryTextDoes) {
  for (const std::size_t groups : {1U, 3U, 50U, 400U}) {
    const auto all = random_texts(500, groups);
    WordIndexBuilder builder(kNames);
    for (std::uint32_t i = 0; i < all.size(); ++i) add(builder, all[i], i);
    const auto index = written(builder, all.size());
    EXPECT_TRUE(index->has_ids());
    compare(*index, all);
    // As it was written before there were ids.
    place_.ids = {};
    const auto older = WordIndex::open(bytes_, place_, all.size()).value();
    EXPECT_FALSE(older->has_ids());
    compare(*older, all);
  }
  EXPECT_GT(ids_asked_, 0);
}

TEST_F(WordIndexes, OfBlocksWithoutIdsHaveNone) {
  auto all = random_texts(200, 20);
  std::vector<std::uint32_t> rows(all.size());
  std::iota(rows.begin(), rows.end(), 0);
  WordIndexBuilder older(kNames);
  for (std::uint32_t i = 0; i < all.size(); ++i) add(older, all[i], i);
  written(older, all.size());
  place_.ids = {};
  WordIndexBuilder builder(kNames);
  const auto before = WordIndex::open(bytes_, place_, all.size()).value();
  ASSERT_TRUE(builder.add_index(*before, rows));
  all.push_back({20, 7, "order 4711"});
  add(builder, all.back(), static_cast<std::uint32_t>(all.size() - 1));
  const auto index = written(builder, all.size());
  EXPECT_FALSE(index->has_ids()) << "what is found must be all there is";
  compare(*index, all);
}

TEST_F(WordIndexes, OfSeveralBlocksBecomeOne) {
  const auto all = random_texts(600, 40);
  std::vector<WordIndexBuilder> parts(3, WordIndexBuilder(kNames));
  std::vector<std::vector<std::uint32_t>> rows(3);
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    const std::size_t part = rng_.below(3);
    add(parts[part], all[i], static_cast<std::uint32_t>(rows[part].size()));
    rows[part].push_back(i);
  }
  WordIndexBuilder builder(kNames);
  // The last one's texts are read anew.
  for (std::size_t p = 0; p < 2; ++p) {
    const auto index = written(parts[p], rows[p].size());
    ASSERT_TRUE(builder.add_index(*index, rows[p]));
  }
  for (const std::uint32_t row : rows[2]) add(builder, all[row], row);
  const auto index = written(builder, all.size());
  compare(*index, all);
  for (const IndexedGroup& group : *index->groups().value())
    EXPECT_EQ(group.key, word_group_key({1}, "g" + std::to_string(all[group.row].group)));
}

TEST_F(WordIndexes, TooManyWordsMakeNone) {
  WordIndexBuilder builder(kNames);
  builder.begin_row({1}, "g", 0);
  for (std::size_t i = 0; i <= kMaxBlockWords; ++i) builder.add(0, "word_" + std::to_string(i));
  MemoryBytes bytes;
  EXPECT_EQ(builder.write(bytes).value().state, WordPlace::State::impossible);
}

TEST_F(WordIndexes, DamageIsCorruption) {
  const auto all = random_texts(200, 20);
  WordIndexBuilder builder(kNames);
  for (std::uint32_t i = 0; i < all.size(); ++i) add(builder, all[i], i);
  written(builder, all.size());
  const Bytes words = bytes_->read(place_.words).value();
  const Bytes sets = bytes_->read(place_.sets).value();
  storage::WordQuery query;
  query.all = {{{{0xFF, {"e"}, false}}}};
  const auto search = WordSearch::make(query);
  int refused = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::string bad_words(words.view);
    std::string bad_sets(sets.view);
    std::string& bad = rng_.chance(0.5) ? bad_words : bad_sets;
    if (rng_.chance(0.3)) {
      bad.resize(rng_.below(bad.size()));
    } else {
      bad[rng_.below(bad.size())] ^= static_cast<char>(1 + rng_.below(255));
    }
    auto memory = std::make_shared<MemoryBytes>();
    WordPlace place{
        WordPlace::State::made, memory->put(bad_words).value(), memory->put(bad_sets).value(), {}};
    const auto index = WordIndex::open(memory, place, all.size());
    const auto found = index ? search->ask(**index) : tl::unexpected<Error>(index.error());
    const auto content = index ? (*index)->content() : tl::unexpected<Error>(index.error());
    for (const auto* error : {found ? nullptr : &found.error(), content ? nullptr : &content.error()})
      if (error != nullptr) {
        EXPECT_EQ(error->kind(), ErrorKind::corruption);
      }
    refused += content ? 0 : 1;
  }
  EXPECT_GT(refused, 1'000);
}

}  // namespace
}  // namespace telltale::eventdb
