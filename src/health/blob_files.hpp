// Bytes in files of their own, one a blob, written once: for what is too large to go through the journal and
// to be read again at each start. put() returns when the blob survives a crash, so that a record which names
// it may be acknowledged; a blob that no record names is an orphan and goes at the next start.
//
// Format: docs/formats/attachments.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "io/block_file.hpp"
#include "io/file_system.hpp"

namespace telltale::health {

/// Immutable, thread-safe.
class BlobReader {
 public:
  std::uint64_t size() const { return size_; }
  std::size_t pieces() const { return pieces_.size(); }
  /// In their order; together the blob. corruption names the file.
  Result<std::string> piece(std::size_t n) const;

 private:
  friend class BlobFiles;
  struct Piece {
    io::BlockHandle handle;
    std::size_t bytes = 0;
  };
  std::unique_ptr<io::BlockFileReader> file_;
  std::string path_;
  std::uint64_t size_ = 0;
  bool packed_ = false;
  std::vector<Piece> pieces_;
};

/// Thread-safe for different ids.
class BlobFiles {
 public:
  /// Makes `dir`, and removes what a crash left half written.
  static Result<std::unique_ptr<BlobFiles>> open(io::FileSystem& fs, std::string dir);

  /// Durable when it returns; the bytes it takes on the disk.
  Result<std::uint64_t> put(Id128 id, std::string_view bytes);
  Result<std::unique_ptr<BlobReader>> read(Id128 id) const;
  /// Fine when there is none.
  Result<> remove(Id128 id);
  Result<std::vector<Id128>> list() const;

 private:
  BlobFiles(io::FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}
  std::string path_of(Id128 id) const;

  io::FileSystem& fs_;
  const std::string dir_;
};

}  // namespace telltale::health
