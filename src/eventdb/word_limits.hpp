// Bounds of word indexes (word_index.hpp); a block that would go beyond one has no index.
#pragma once

#include <cstddef>

namespace telltale::eventdb {

inline constexpr std::size_t kLongestWord = 64;        // bytes; longer ones are kept as pieces of this size
inline constexpr std::size_t kWordPieceStep = 32;      // between the pieces' beginnings
inline constexpr std::size_t kLongestWordRun = 1'024;  // of one text without a break; the rest is not kept
inline constexpr std::size_t kLongestName = 256;       // of a text that is kept as a whole
inline constexpr std::size_t kMaxBlockWords = 262'144;
inline constexpr std::size_t kMaxBlockWordBytes = std::size_t{8} << 20;
inline constexpr std::size_t kMaxWordMarks = std::size_t{4}
                                             << 20;  // pairs of word and group while it is built
inline constexpr std::size_t kMaxWordIndexBytes = std::size_t{16} << 20;  // of a section as it is unpacked
inline constexpr std::size_t kWordSetPageBytes = std::size_t{16} << 10;
// Of ids (word_ids.hpp); a block that would go beyond has none, and its groups with ids are possible.
inline constexpr std::size_t kMaxBlockIds = std::size_t{1} << 20;  // pairs of id and group
inline constexpr std::size_t kIdPageEntries = 1'024;
inline constexpr unsigned kLeastIdBits = 26;  // of an id's hash
inline constexpr unsigned kMostIdBits = 32;
inline constexpr unsigned kIdBitsBeyond = 10;  // what there is not is taken for one of n once in 2^this
// Of the words of a part (part_words.hpp); a part that would go beyond one has none, and its blocks are
// asked.
inline constexpr std::size_t kLeastPartWordBlocks = 4;  // of fewer blocks there is none either
inline constexpr std::size_t kPartWordPageBytes = std::size_t{256} << 10;  // as they are unpacked, about
inline constexpr std::size_t kMaxPartWordPages = 2'048;
inline constexpr std::size_t kPartSetPageBytes = std::size_t{16} << 10;
inline constexpr std::size_t kMaxPartSetPages = 8'192;
inline constexpr std::size_t kMaxPartGroups = std::size_t{1} << 21;
inline constexpr std::size_t kPartGroupsAPage = 256;
inline constexpr std::size_t kMaxPartGroupBlocks = std::size_t{1} << 24;  // pairs of group and block
// Of the cache of their pages (part_word_cache.hpp).
inline constexpr std::size_t kPartWordCacheBytes = std::size_t{64} << 20;
inline constexpr int kPartWordCacheMinutes = 10;   // that a page stays unasked
inline constexpr std::size_t kWordMergeWidth = 8;  // indexes that merge at a time
// Of an answer: where groups may have a row.
inline constexpr std::size_t kMaxPossibleRanges = 8;

// Caches of a builder; each is a power of two.
inline constexpr std::size_t kKnownPairs = std::size_t{1} << 16;  // (text, group) and (word, group)
inline constexpr std::size_t kKnownTexts = std::size_t{1} << 15;
inline constexpr std::size_t kKnownTextWords = std::size_t{1} << 20;

}  // namespace telltale::eventdb
