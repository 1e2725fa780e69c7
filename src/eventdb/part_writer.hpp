// Writes one part: blocks in order of time, whose columns come through put(), then the id index.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "eventdb/block_writer.hpp"

namespace telltale::eventdb {

/// Not thread-safe. Without finish() nothing stays under the final name.
class PartWriter final : public BlockSink {
 public:
  static Result<std::unique_ptr<PartWriter>> create(io::FileSystem& fs, std::string path, Table table,
                                                    std::int64_t day);
  Result<io::BlockHandle> put(std::string bytes) override { return file_->append(bytes); }
  /// A block whose columns went through put().
  Result<> add(WrittenBlock block);
  /// Publishes the file.
  Result<> finish();
  std::uint64_t rows() const { return footer_.rows; }

 private:
  explicit PartWriter(std::unique_ptr<io::BlockFileWriter> file) : file_(std::move(file)) {}
  Result<> write_index();

  std::unique_ptr<io::BlockFileWriter> file_;
  PartFooter footer_;
  std::vector<std::uint64_t> index_;
};

}  // namespace telltale::eventdb
