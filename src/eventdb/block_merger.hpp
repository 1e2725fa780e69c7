// Several runs of blocks become one, column by column: numbers are copied, dictionary codes are mapped, only
// the texts of pages are packed anew. Rows are never made, but for blocks with attributes outside of columns.
// Large blocks of parts that have no row of another input between theirs are copied as they are.
#pragma once

#include <functional>

#include "eventdb/block_filter.hpp"
#include "eventdb/part_writer.hpp"

namespace telltale::eventdb {

/// One input: blocks in order of time. `take` chooses rows of a block (null: all of them).
struct MergeInput {
  std::vector<BlockRef> blocks;
  std::function<Result<std::vector<std::uint32_t>>(Block&)> take;
};

/// Writes all inputs' rows in order (time, ordinal) as blocks of `writer`, of at most `block_rows` rows.
/// `words`: as build_block(). Errors: those of the context and of reading; corruption when an input turns out
/// damaged.
Result<> merge_blocks(std::vector<MergeInput> inputs, PartWriter& writer, std::size_t block_rows,
                      WorkContext& context, const storage::WordIndexing* words = nullptr);

}  // namespace telltale::eventdb
