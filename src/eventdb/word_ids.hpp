// The ids of one block, which its word index has a mark of only: of each a hash and the groups whose texts
// say it. Fresh ones come with every event, and none of them compresses; so a hash has no more bits than it
// takes that a block which has an id not is taken for one that has it once in a thousand times. Who finds one
// reads the rows. Sorted by hash, in pages that are those of the id index (index_page.hpp). Bytes:
// docs/formats/eventdb.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventdb/block_source.hpp"
#include "eventdb/word_limits.hpp"

namespace telltale::eventdb {

/// Of a folded id (base/id_words.hpp).
std::uint32_t id_hash(std::string_view id);

/// Not thread-safe; one block.
class WordIdsBuilder {
 public:
  /// At most 2^24 groups.
  void add(std::uint32_t hash, std::uint32_t group) {
    if (entries_.size() < kMaxBlockIds || has_room()) entries_.push_back(std::uint64_t{hash} << 32 | group);
  }
  /// What is added has hashes of so many upper bits only.
  void know_bits(unsigned bits) { bits_ = std::min(bits_, bits); }
  /// Some were left out: there will be none.
  void give_up() { is_full_ = true; }
  /// Of size 0: there are none, or more than kMaxBlockIds.
  Result<io::BlockHandle> write(BlockSink& sink);

 private:
  bool has_room();
  std::vector<std::uint64_t> entries_;  // hash above group
  unsigned bits_ = kMostIdBits;
  bool is_full_ = false;
};

/// Pages and the directory that lists them. The source outlives it.
class WordIds {
 public:
  /// Errors: those of reading; corruption.
  static Result<WordIds> open(const BlockSource& source, io::BlockHandle directory);

  /// The groups that may say the id, rising; numbers as they were stored.
  Result<std::vector<std::uint32_t>> groups_of(std::string_view id) const;
  /// All of it, hash above group; of hashes the upper bits().
  Result<std::vector<std::uint64_t>> entries() const;
  unsigned bits() const { return bits_; }
  /// move(handle) -> Result<BlockHandle> for each page; then the directory that lists those.
  template <class F>
  Result<std::string> moved(F move) {
    for (Page& page : pages_) {
      TT_ASSIGN(page.handle, move(page.handle));
    }
    return encode(bits_, pages_);
  }

 private:
  friend class WordIdsBuilder;
  struct Page {
    std::uint64_t first = 0;  // key
    io::BlockHandle handle;
  };
  explicit WordIds(const BlockSource& source) : source_(&source) {}
  static std::string encode(unsigned bits, std::span<const Page> pages);
  tl::unexpected<Error> damaged() const;

  const BlockSource* source_;
  unsigned bits_ = 0;
  std::vector<Page> pages_;
};

}  // namespace telltale::eventdb
