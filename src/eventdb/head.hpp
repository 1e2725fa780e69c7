// The rows that are not in parts yet, in chunks that never move: a snapshot is a list of chunks and how many
// rows of each it may see, so that one thread can append while others read.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <vector>

#include "model/event_row.hpp"

namespace telltale::eventdb {

/// Rows of one table in the order of acceptance; row i has ordinal first_ordinal + i.
struct HeadChunk {
  static constexpr std::size_t kRows = 512;
  std::uint64_t first_ordinal = 0;
  std::vector<EventRow> rows;  // capacity kRows: never reallocates
};

struct HeadSlice {
  std::shared_ptr<const HeadChunk> chunk;
  std::size_t rows = 0;
  UnixNanos min_time;
  UnixNanos max_time;
  std::size_t bytes = 0;
};

/// A row in the head with its place in the order of acceptance.
struct HeadRow {
  const EventRow* row = nullptr;
  std::uint64_t ordinal = 0;
};
inline bool before(const HeadRow& a, const HeadRow& b) {
  return a.row->time != b.row->time ? a.row->time < b.row->time : a.ordinal < b.ordinal;
}

/// Guarded by its owner's mutex; what slices() returned may be read without it.
class Head {
 public:
  void add(Table table, const std::vector<EventRow>& rows, std::uint64_t& next_ordinal);
  const std::vector<HeadSlice>& slices(Table table) const { return tables_[index(table)].slices; }
  /// No chunk known so far grows any more.
  void seal();
  /// Forgets the `count` oldest chunks of the table.
  void drop(Table table, std::size_t count);
  std::size_t rows() const { return rows_; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct TableHead {
    std::vector<HeadSlice> slices;
    std::shared_ptr<HeadChunk> open;  // the last slice's, while it may grow
  };
  static std::size_t index(Table table) { return static_cast<std::size_t>(table) - 1; }
  std::array<TableHead, std::size(kTables)> tables_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
};

/// An estimate of what the row occupies.
std::size_t memory_bytes(const EventRow& row);

}  // namespace telltale::eventdb
