// The id index of a part that is being written: entries of its blocks, which are sorted already, and of the
// indexes of the parts that blocks were copied from, merged page by page. What is in memory of the latter is
// a page each.
#pragma once

#include <memory>
#include <vector>

#include "eventdb/part.hpp"
#include "io/block_file.hpp"

namespace telltale::eventdb {

/// Not thread-safe; one part.
class IndexWriter {
 public:
  /// The sorted keys (block bits zero) of block `number`.
  void add(std::vector<std::uint64_t> keys, std::uint32_t number);
  /// Block `from` of `part` is block `number` here. A part's blocks come in their order.
  void add_copied(const std::shared_ptr<const Part>& part, std::uint32_t from, std::uint32_t number);
  /// Errors: those of reading and of writing.
  Result<std::vector<IndexPage>> write(io::BlockFileWriter& file);

 private:
  struct Run {
    std::vector<std::uint64_t> entries;
    std::size_t at = 0;
    // More of them, where `part` is set.
    std::shared_ptr<const Part> part;
    std::vector<std::uint32_t> numbers;  // of the part's blocks here
    std::size_t next_page = 0;

    /// False at the end.
    Result<bool> has_more();
  };

  std::vector<std::unique_ptr<Run>> runs_;
};

}  // namespace telltale::eventdb
