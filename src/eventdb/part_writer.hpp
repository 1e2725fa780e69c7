// Writes one part. Rows come in order (time, ordinal); a block is cut at kEventBlockRows or kEventBlockBytes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "eventdb/part_format.hpp"

namespace telltale::eventdb {

/// Not thread-safe. Without finish() nothing stays under the final name.
class PartWriter {
 public:
  static Result<std::unique_ptr<PartWriter>> create(io::FileSystem& fs, std::string path, Table table,
                                                    std::int64_t day);
  /// The row must live until its block is cut: pass rows that outlive the writer, or own them with add_owned.
  Result<> add(const EventRow& row, std::uint64_t ordinal);
  Result<> add_owned(EventRow row, std::uint64_t ordinal);
  /// Publishes the file.
  Result<> finish();
  std::uint64_t rows() const { return footer_.rows; }

 private:
  explicit PartWriter(std::unique_ptr<io::BlockFileWriter> file) : file_(std::move(file)) {}
  Result<> cut();
  Result<> write_fixed(BlockMeta& meta);
  Result<> write_attributes(BlockMeta& meta);
  void count_rows(BlockMeta& meta) const;
  void index_rows();
  Result<> write_index();
  template <class Text>
  Result<> write_strings(BlockMeta& meta, Column column, Text text);
  template <class Number>
  Result<> write_ints(BlockMeta& meta, Column column, Number number);

  std::unique_ptr<io::BlockFileWriter> file_;
  PartFooter footer_;
  std::vector<std::unique_ptr<EventRow>> owned_;  // rows of the current block
  std::vector<const EventRow*> rows_;
  std::vector<std::uint64_t> ordinals_;
  std::size_t block_bytes_ = 0;
  std::vector<std::uint64_t> index_;
};

}  // namespace telltale::eventdb
