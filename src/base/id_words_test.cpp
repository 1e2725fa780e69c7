// Which texts say what, by example and against looking at every place with the words around it.
#include "base/id_words.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace telltale {
namespace {

using Pieces = std::vector<std::string>;

TEST(IdWords, AreNumbersAndHexadecimalDigits) {
  for (const char* id : {"1234", "3bad", "deadbeef01", "0x7f", "0xabcd", "0000"})
    EXPECT_TRUE(is_id_word(id)) << id;
  for (const char* word : {"123", "bad", "added", "0x7", "0xzz", "x1234", "user_1234", "12g4", ""})
    EXPECT_FALSE(is_id_word(word)) << word;
}

TEST(IdWords, AreFoundWhole) {
  EXPECT_TRUE(says_in_order("order 12345", {"12345"}));
  EXPECT_TRUE(says_in_order("id=12345", {"12345"}));
  EXPECT_TRUE(says_in_order("id=12345,", {"id=12345"}));
  EXPECT_FALSE(says_in_order("99123456", {"12345"}));
  EXPECT_TRUE(says_in_order("99123456", {"", "12345", ""}));
  EXPECT_FALSE(says_in_order("99123456", {"", "12345"}));
  EXPECT_FALSE(says_in_order("99123456", {"12345", ""}));
  EXPECT_TRUE(says_in_order("99123456 12345", {"12345"}));
  EXPECT_TRUE(says_in_order("12345678", {"12345", ""}));
  EXPECT_FALSE(says_in_order("order 3bad4f", {"bad"}));
  EXPECT_TRUE(says_in_order("a badge, 3bad4f", {"bad"})) << "of ordinary words any part";
  EXPECT_TRUE(says_in_order("user_12345x", {"12345"})) << "is no id";
  EXPECT_FALSE(says_in_order("at 0x7f00ab", {"0x7f00"}));
  EXPECT_TRUE(says_in_order("at 0x7f00ab", {"0x7f00", ""}));
  EXPECT_TRUE(says_in_order("at 0x7f00ab", {"at 0x7f00ab"}));
  EXPECT_FALSE(says_in_order("at 0x7f00ab", {"at 0x7f"}));
  EXPECT_TRUE(says_in_order("at 0x7f00ab", {"0x7f", "ab"})) << "a star between";
  EXPECT_FALSE(says_in_order("at 0x7f00ab", {"0x7f", "a"}));
  EXPECT_TRUE(says_in_order("anything", {"", ""}));
}

/// Every place of every piece, and the words around.
bool said_slowly(std::string_view text, const Pieces& pieces, std::size_t number = 0, std::size_t from = 0) {
  if (number == pieces.size()) return true;
  const std::string& piece = pieces[number];
  if (piece.empty()) return said_slowly(text, pieces, number + 1, from);
  const auto goes_on_at = [&](std::size_t place) {  // an id between this byte and the one before
    std::size_t begin = place;
    while (begin > 0 && word_byte(text[begin - 1]) != 0) --begin;
    std::size_t end = place;
    while (end < text.size() && word_byte(text[end]) != 0) ++end;
    return begin < place && place < end && is_id_word(text.substr(begin, end - begin));
  };
  for (std::size_t at = from; at + piece.size() <= text.size(); ++at) {
    if (text.substr(at, piece.size()) != piece) continue;
    if (number == 0 && goes_on_at(at)) continue;
    if (number + 1 == pieces.size() && goes_on_at(at + piece.size())) continue;
    if (said_slowly(text, pieces, number + 1, at + piece.size())) return true;
  }
  return false;
}

TEST(IdWords, AgreeWithEveryPlace) {
  const std::uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  constexpr std::string_view kLetters = "01ab0x1 z,";
  int said = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (std::size_t i = 0, n = rng.below(24); i < n; ++i) text += kLetters[rng.below(kLetters.size())];
    Pieces pieces;
    for (std::size_t i = 0, n = 1 + rng.below(3); i < n; ++i) {
      std::string& piece = pieces.emplace_back();
      if (rng.chance(0.3)) continue;
      if (!text.empty() && rng.chance(0.8)) {
        piece = text.substr(rng.below(text.size()), 1 + rng.below(6));
      } else {
        piece = kLetters.substr(rng.below(kLetters.size()), 1 + rng.below(3));
      }
    }
    const bool is_said = said_slowly(text, pieces);
    ASSERT_EQ(says_in_order(text, pieces), is_said) << text << " / " << ::testing::PrintToString(pieces);
    said += is_said ? 1 : 0;
  }
  EXPECT_GT(said, 20'000);
}

}  // namespace
}  // namespace telltale
