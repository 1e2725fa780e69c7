// Writes one part: blocks in order of time, whose columns come through put() or are copied from another part,
// the pages of their signatures among them, then the id index.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "eventdb/block_writer.hpp"
#include "eventdb/index_writer.hpp"
#include "eventdb/signature_pages.hpp"

namespace telltale::eventdb {

/// Not thread-safe. Without finish() nothing stays under the final name.
class PartWriter final : public BlockSink {
 public:
  static Result<std::unique_ptr<PartWriter>> create(io::FileSystem& fs, std::string path, Table table,
                                                    std::int64_t day);
  Result<io::BlockHandle> put(std::string bytes) override { return file_->append(bytes); }
  /// A block whose columns went through put().
  Result<> add(WrittenBlock block);
  /// A block of another part of this format, byte for byte but for where its pieces stand.
  Result<> copy(const std::shared_ptr<const Part>& part, std::uint32_t number);
  /// Words of all blocks (part_words.hpp).
  void set_words(io::BlockHandle words) { footer_.words = words; }
  /// Blocks so far.
  std::uint32_t blocks() const { return static_cast<std::uint32_t>(footer_.blocks.size()); }
  std::uint64_t copied_blocks() const { return copied_blocks_; }
  /// Publishes the file.
  Result<> finish();
  std::uint64_t rows() const { return footer_.rows; }

 private:
  explicit PartWriter(std::unique_ptr<io::BlockFileWriter> file) : file_(std::move(file)) {}
  /// The number of the next block.
  Result<std::uint32_t> next_number() const;
  void add(BlockMeta meta);

  std::unique_ptr<io::BlockFileWriter> file_;
  PartFooter footer_;
  IndexWriter index_;
  SignatureWriter signatures_;
  std::uint64_t copied_blocks_ = 0;
};

}  // namespace telltale::eventdb
