// Immutable files of checksummed blocks, the shape of every part both engines publish: a magic and a format
// version, blocks that are read back by handle, a footer that lists them (its bytes belong to the caller).
// Written to a temporary name, synced, renamed: a file under its final name is whole. Every block and the
// footer carry a CRC32C; a mismatch is corruption, naming the file and the offset.
//
// Format: docs/formats/block-file.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "io/file_system.hpp"

namespace telltale::io {

/// Four characters that say what the file is, and the version of the caller's layout.
struct FileFormat {
  char magic[4];
  std::uint32_t version;      // written
  std::uint32_t oldest_read;  // older ones are refused, newer ones too
};

struct BlockHandle {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;  // of the block's bytes, without its checksum
};

/// Not thread-safe. Destroyed before publish(), it leaves nothing under the final name.
class BlockFileWriter {
 public:
  static Result<std::unique_ptr<BlockFileWriter>> create(FileSystem& fs, std::string path, FileFormat format);
  virtual ~BlockFileWriter() = default;
  virtual Result<BlockHandle> append(std::string_view block) = 0;
  virtual std::uint64_t bytes() const = 0;
  /// Writes the footer, syncs, renames to the final path and syncs the folder.
  virtual Result<> publish(std::string_view footer) = 0;
};

/// The block's bytes in what read_frame() gave.
std::string_view frame_bytes(std::string_view frame);

/// Immutable, thread-safe.
class BlockFileReader {
 public:
  /// corruption for a wrong magic, a version out of range or a bad footer.
  static Result<std::unique_ptr<BlockFileReader>> open(FileSystem& fs, std::string path, FileFormat format);
  virtual ~BlockFileReader() = default;
  virtual std::string_view footer() const = 0;
  virtual std::uint32_t version() const = 0;
  virtual Result<std::string> read(BlockHandle handle) const = 0;
  /// The same with what stands around the bytes on the disk, which spares a copy: see frame_bytes().
  virtual Result<std::string> read_frame(BlockHandle handle) const = 0;
  virtual std::uint64_t file_bytes() const = 0;
  /// Reads and checks every byte of the file.
  virtual Result<> verify() const = 0;
};

}  // namespace telltale::io
