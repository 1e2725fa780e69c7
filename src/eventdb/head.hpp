// The rows that are not in parts yet. The newest are rows in a chunk that never moves: a snapshot is a list
// of slices and how many rows of each it may see, so that one thread can append while others read. A chunk
// that is full becomes a block of columns in memory, of the same form as on the disk; checkpoints only merge
// those.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <vector>

#include "eventdb/block_writer.hpp"
#include "model/event_row.hpp"
#include "storage/batch.hpp"
#include "storage/event_words.hpp"

namespace telltale::eventdb {

/// Rows of one table in the order of acceptance; row i has ordinal first_ordinal + i. The rows stand in the
/// batches they came in.
struct HeadChunk {
  std::uint64_t first_ordinal = 0;
  std::vector<const EventRow*> rows;                           // its capacity never grows
  std::vector<UnixNanos> times;                                // theirs; nor does this one's
  std::vector<std::shared_ptr<const storage::Batch>> batches;  // the appending thread's
};

/// The rows of a chunk, by time, as columns.
struct HeadBlock {
  std::shared_ptr<MemoryBytes> bytes;
  WrittenBlock written;
  /// All values of a fixed integer column.
  Result<std::vector<std::int64_t>> ints(Column column) const;
};

struct HeadSlice {
  std::shared_ptr<const HeadChunk> chunk;  // one of these two
  std::shared_ptr<const HeadBlock> block;
  std::size_t rows = 0;
  UnixNanos min_time;
  UnixNanos max_time;
  std::size_t bytes = 0;
};

/// A row with its place in the order of acceptance.
struct HeadRow {
  const EventRow* row = nullptr;
  std::uint64_t ordinal = 0;
};
inline bool before(const HeadRow& a, const HeadRow& b) {
  return a.row->time != b.row->time ? a.row->time < b.row->time : a.ordinal < b.ordinal;
}
/// A chunk's first rows in order.
std::vector<HeadRow> ordered_rows(const HeadSlice& slice);
/// `words`: as build_block().
Result<std::shared_ptr<const HeadBlock>> make_head_block(const HeadSlice& slice,
                                                         const storage::WordIndexing* words);

/// Guarded by its owner's mutex; what slices() returned may be read without it.
class Head {
 public:
  explicit Head(std::size_t chunk_rows) : chunk_rows_(chunk_rows) {}
  /// Chunks that became full are appended to `full`: replace() them, outside of the mutex, by blocks.
  void add(Table table, const std::shared_ptr<const storage::Batch>& batch, std::uint64_t& next_ordinal,
           std::vector<std::pair<Table, HeadSlice>>& full);
  const std::vector<HeadSlice>& slices(Table table) const { return tables_[index(table)].slices; }
  /// The chunk's slice shows the block instead; nothing happens if it has been dropped.
  void replace(Table table, const HeadSlice& slice, std::shared_ptr<const HeadBlock> block);
  /// No chunk known so far grows any more.
  void seal();
  /// Forgets the `count` oldest slices of the table.
  void drop(Table table, std::size_t count);
  std::size_t rows() const { return rows_; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct TableHead {
    std::vector<HeadSlice> slices;
    std::shared_ptr<HeadChunk> open;  // the last slice's, while it may grow
  };
  static std::size_t index(Table table) { return static_cast<std::size_t>(table) - 1; }
  const std::size_t chunk_rows_;
  std::array<TableHead, std::size(kTables)> tables_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace telltale::eventdb
