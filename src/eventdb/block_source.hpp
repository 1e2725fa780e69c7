// Where the bytes of a block's columns come from: a part on the disk, or memory for rows of the head.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "io/block_file.hpp"

namespace telltale::eventdb {

/// A view and what keeps it alive.
struct Bytes {
  std::shared_ptr<const std::string> owner;
  std::string_view view;
};

/// Thread-safe.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  virtual Result<Bytes> read(io::BlockHandle handle) const = 0;
  /// Marks the source as damaged if the error is corruption; returns the error with its name in front.
  virtual Error damage(Error error) const = 0;
};

/// Takes the bytes of columns as they are encoded.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  virtual Result<io::BlockHandle> put(std::string bytes) = 0;
};

/// Both, in memory: a handle's offset is a position in the list. Immutable once it is shared.
class MemoryBytes final : public BlockSource, public BlockSink {
 public:
  Result<io::BlockHandle> put(std::string bytes) override {
    bytes_ += bytes.size();
    chunks_.push_back(std::make_shared<const std::string>(std::move(bytes)));
    return io::BlockHandle{chunks_.size() - 1, static_cast<std::uint32_t>(chunks_.back()->size())};
  }
  Result<Bytes> read(io::BlockHandle handle) const override {
    if (handle.offset >= chunks_.size())
      return fail(ErrorKind::corruption, "a handle that leads nowhere in memory");
    const auto& chunk = chunks_[handle.offset];
    return Bytes{chunk, *chunk};
  }
  Error damage(Error error) const override { return error; }
  std::size_t bytes() const { return bytes_ + chunks_.size() * 64; }

 private:
  std::vector<std::shared_ptr<const std::string>> chunks_;
  std::size_t bytes_ = 0;
};

}  // namespace telltale::eventdb
