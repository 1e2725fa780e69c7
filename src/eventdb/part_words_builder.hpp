// Gathers a part's words while its blocks are written: each block's index as it is finished, a few at a time
// merged into a list in memory, these lists into one at the end. Whatever a block does not say any more
// (rows were erased) is thus not there. Where parts become one and all rows come along, their lists do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "eventdb/block.hpp"
#include "eventdb/part.hpp"
#include "eventdb/part_words_merger.hpp"
#include "eventdb/word_merger.hpp"

namespace telltale::eventdb {

/// Keeps what went through, until its words are asked for.
class KeepingSink final : public BlockSink {
 public:
  explicit KeepingSink(BlockSink& sink) : sink_(sink) {}
  Result<io::BlockHandle> put(std::string bytes) override {
    std::string copy = bytes;
    TT_ASSIGN(const io::BlockHandle handle, sink_.put(std::move(bytes)));
    kept_.emplace(handle.offset, std::move(copy));
    return handle;
  }
  /// Words and sets alone, in memory.
  Result<std::pair<std::shared_ptr<const BlockSource>, WordPlace>> words_of(const WordPlace& place) {
    auto memory = std::make_shared<MemoryBytes>();
    WordPlace out{place.state, {}, {}, {}};
    if (place.made()) {
      TT_ASSIGN(out.words, memory->put(std::move(kept_[place.words.offset])));
      TT_ASSIGN(out.sets, memory->put(std::move(kept_[place.sets.offset])));
    }
    return std::pair<std::shared_ptr<const BlockSource>, WordPlace>(std::move(memory), out);
  }

 private:
  BlockSink& sink_;
  std::unordered_map<std::uint64_t, std::string> kept_;
};

/// Not thread-safe; one part.
class PartWordsBuilder {
 public:
  explicit PartWordsBuilder(const storage::WordIndexing& words) : words_(words) {}

  /// All rows of these parts come along and no others, and all their blocks have indexes: their words are
  /// taken from where they stand. Before the first add().
  Result<> take_over(const std::vector<std::shared_ptr<const Part>>& parts);
  /// Block `number` of the part, whose row i is rows[i] of the sources. Without an index (not made): nothing,
  /// since it will be asked itself. Errors: those of reading; corruption.
  Result<> add(std::uint32_t number, std::shared_ptr<const BlockSource> source, const WordPlace& place,
               const std::vector<std::shared_ptr<Block>>& sources, const std::vector<MergedRow>& rows);
  /// The directory; of size 0: there are too few blocks, or a limit was passed.
  Result<io::BlockHandle> write(BlockSink& sink);

 private:
  using Streams = std::vector<std::unique_ptr<WordStream>>;
  struct List {
    std::shared_ptr<const BlockSource> source;
    PartWordPages pages;
    std::uint32_t groups = 0;  // that there were
  };
  Result<std::vector<std::uint32_t>> number_groups(const std::vector<IndexedGroup>& groups,
                                                   const std::vector<std::shared_ptr<Block>>& sources,
                                                   const std::vector<MergedRow>& rows);
  Result<> add_streams(const std::shared_ptr<const Part>& part, const PartWords& words,
                       Streams& streams) const;
  Result<> add_streams_of_blocks(const std::shared_ptr<const Part>& part, Streams& streams);
  Result<std::vector<std::uint32_t>> numbers_of(const std::vector<std::uint64_t>& keys,
                                                const BlockSource& source) const;
  Result<> merge_blocks();
  Result<> merge_lists(std::size_t level);
  Result<std::optional<List>> merged(Streams streams);
  Result<> write_groups(PartWords::Content& content, BlockSink& sink);
  void give_up();

  const storage::WordIndexing& words_;
  bool is_full_ = false;
  std::vector<std::pair<std::shared_ptr<const Part>, std::optional<PartWords>>> taken_over_;
  std::size_t blocks_ = 0;
  std::vector<PartGroup> groups_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // of groups, by key
  std::vector<std::uint64_t> group_blocks_;                   // group above block above a bit "alone"
  Streams pending_;                                           // blocks
  std::vector<std::vector<List>> levels_;
};

}  // namespace telltale::eventdb
