// aggregate() over columns. Each block turns buckets and group fields into one small number a row (a cell),
// adds up per cell, and only then looks for the cell's group among those known so far; workers keep groups of
// their own and are merged at the end. RowAggregator (storage/event_aggregate.hpp) is the oracle.
#pragma once

#include <unordered_map>

#include "eventdb/cursor.hpp"
#include "storage/event_aggregate.hpp"

namespace telltale::eventdb {

/// One worker's groups. Not thread-safe. Charges the context and releases it when it goes.
class GroupTable {
 public:
  GroupTable(const storage::EventAggregateQuery& query, WorkContext& context)
      : query_(query), context_(context) {}
  ~GroupTable() {
    if (charged_ != 0) context_.release(charged_);  // a table that was never used may outlive its query
  }
  GroupTable(const GroupTable&) = delete;
  GroupTable& operator=(const GroupTable&) = delete;

  /// A row in memory that matches.
  Result<> add_row(const EventRow& row, std::uint64_t ordinal);
  /// The matching rows of a block.
  Result<> add_block(Block& block, const BlockMeta& meta, const Bitmap& rows);
  /// Rows of one bucket and group, for queries that do nothing but count rows.
  Result<> add_count(UnixNanos time, std::vector<std::string> group, std::uint64_t rows);
  Result<> merge(GroupTable& other);
  std::vector<storage::EventAggregateRow> take();

 private:
  struct Cell {
    UnixNanos bucket;
    std::size_t group = 0;
    std::vector<storage::MeasureState> states;
  };
  struct Cells;
  Result<Cell*> cell(UnixNanos bucket, std::vector<std::string> group);
  /// Rows by the codes of one dictionary, where that is all that is asked; false where it is not.
  Result<bool> count_codes(Block& block, const BlockMeta& meta, const Bitmap& rows);
  Result<Cells> cells_of(Block& block, const BlockMeta& meta, const Bitmap& rows) const;
  Result<> measure(Block& block, const Bitmap& rows, const Cells& cells, std::vector<Cell*>& targets,
                   std::size_t m);
  Result<> charge(std::size_t bytes);
  std::size_t states_bytes(const Cell& cell) const;

  const storage::EventAggregateQuery& query_;
  WorkContext& context_;
  std::size_t charged_ = 0;
  std::unordered_map<std::string, std::size_t> group_numbers_;  // by the group's encoded texts
  std::vector<std::vector<std::string>> groups_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> cell_numbers_;  // by hash of bucket and group
  std::vector<std::unique_ptr<Cell>> cells_;
};

/// True when block counts alone answer the query for a block that matches as a whole and lies in one bucket.
bool answered_by_block_counts(const storage::EventAggregateQuery& query);
/// Of such a block.
Result<> add_block_counts(const storage::EventAggregateQuery& query, const BlockFilter& filter,
                          const BlockMeta& meta, GroupTable& table);

}  // namespace telltale::eventdb
