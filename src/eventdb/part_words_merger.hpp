// Sorted words of several sources, with who says them, become one list: those of blocks, and of lists that
// were made before. One pass; of each source a page is at hand. What the same sets of the same sources come
// to is worked out once.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "eventdb/part_words.hpp"
#include "eventdb/word_index.hpp"

namespace telltale::eventdb {

/// Names in order, then words (marks first). Not thread-safe.
class WordStream {
 public:
  virtual ~WordStream() = default;
  /// On to the next, the first at first; false at the end.
  virtual Result<bool> next() = 0;
  bool is_name() const { return is_name_; }
  std::string_view text() const { return text_; }
  /// Sets are the stream's own.
  const std::vector<PartWordUse>& uses() const { return uses_; }
  /// The group that is all there is, by its number in the part.
  virtual std::optional<std::uint32_t> only(std::uint32_t who) const = 0;
  /// Appends numbers in the part, in no order.
  virtual Result<> add(std::uint32_t who, std::vector<std::uint32_t>& groups) = 0;

 protected:
  bool is_name_ = true;
  std::string_view text_;
  std::vector<PartWordUse> uses_;
};

/// Of a block; `groups`: the numbers of its groups in the part.
Result<std::unique_ptr<WordStream>> stream_of_block(std::unique_ptr<WordIndex> index,
                                                    std::vector<std::uint32_t> groups);
/// Of a list, of so many groups. `numbers`: theirs in the part; empty: the same.
std::unique_ptr<WordStream> stream_of_list(std::shared_ptr<const BlockSource> source, PartWordPages pages,
                                           std::uint32_t groups, std::vector<std::uint32_t> numbers = {});

/// nullopt: it would go beyond a limit. `groups`: how many the part has. Errors: those of reading and
/// writing.
Result<std::optional<PartWordPages>> merge_word_streams(std::vector<std::unique_ptr<WordStream>> streams,
                                                        storage::TextKinds name_kinds, std::uint32_t groups,
                                                        BlockSink& sink);

}  // namespace telltale::eventdb
