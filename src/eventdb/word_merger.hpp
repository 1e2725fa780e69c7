// The word index of a block that is made of rows of others. Where all rows of one of these come along, its
// index is taken over; of the others the rows' texts are read, so that no word of a row that is left out (in
// another block, or erased) stays behind.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eventdb/block.hpp"
#include "storage/event_words.hpp"

namespace telltale::eventdb {

/// A row of a block that is made: which of its sources, and which of its rows.
struct MergedRow {
  std::uint32_t source = 0;
  std::uint32_t row = 0;
};

/// Errors: those of reading.
Result<WordPlace> merge_words(const std::vector<std::shared_ptr<Block>>& sources,
                              const std::vector<MergedRow>& rows, const storage::WordIndexing& words,
                              BlockSink& sink);

/// The group attribute of a block's rows. Not thread-safe.
class GroupColumns {
 public:
  /// nullopt when rows say it in numbers. Attributes without a column of their own are not looked at.
  static Result<std::optional<GroupColumns>> open(Block& block, std::string_view attribute);
  /// nullopt when the row has none. Valid until the next call.
  Result<std::optional<std::string_view>> text_of(std::size_t row);
  /// Whether a row has two of them.
  bool is_ambiguous() const { return is_ambiguous_; }

 private:
  explicit GroupColumns(Block& block) : block_(&block) {}
  Block* block_;
  std::vector<TextView> columns_;
  std::string scratch_;
  std::string kept_;
  bool is_ambiguous_ = false;
};

}  // namespace telltale::eventdb
