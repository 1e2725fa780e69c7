// The one seam to the disk. Everything durable goes through FileSystem: posix for real, memory for tests,
// faulty to lose every byte that was not synced, to fail the n-th call, or to fill up. Paths are absolute or
// relative to the process; directories are separated by '/'.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::io {

/// An open file. Reads and writes at an offset; thread-safe for reads beside one writer.
class File {
 public:
  virtual ~File() = default;
  /// Up to `size` bytes from `offset`; fewer at the end of the file.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t size) const = 0;
  /// The same into `out`, whose memory is used again: for large files read one after the other.
  virtual Result<> read_into(std::uint64_t offset, std::size_t size, std::string& out) const {
    TT_ASSIGN(out, read(offset, size));
    return {};
  }
  /// The whole of `bytes` at `offset`, growing the file (a gap reads as zeros). disk_full when there is no
  /// space.
  virtual Result<> write(std::uint64_t offset, std::string_view bytes) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  virtual Result<> truncate(std::uint64_t size) = 0;
  /// fdatasync: the file's bytes and size survive a crash after this. Its name does after sync_dir of its
  /// folder.
  virtual Result<> sync() = 0;
};

enum class OpenMode : unsigned char { read, write_existing, create, create_new };

struct FileInfo {
  std::string name;  // without the folder
  std::uint64_t size = 0;
  bool is_dir = false;
};

struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

/// Held for as long as it lives; released by the end of the process at the latest.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Replaces `to` if it exists. Atomic, durable after sync_dir of the folder.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  /// not_found when there is none.
  virtual Result<> remove(const std::string& path) = 0;
  virtual Result<> remove_all(const std::string& path) = 0;
  /// Makes missing parents, too. Fine if it exists.
  virtual Result<> make_dirs(const std::string& path) = 0;
  virtual Result<> sync_dir(const std::string& path) = 0;
  /// Sorted by name; not_found when there is no such folder.
  virtual Result<std::vector<FileInfo>> list(const std::string& dir) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Result<DiskSpace> space(const std::string& path) = 0;
  /// conflict when another process (or another holder in this one) has it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

std::unique_ptr<FileSystem> make_posix_file_system();
/// Keeps everything in memory; what was not synced is lost only in the faulty one.
std::unique_ptr<FileSystem> make_memory_file_system();

Result<std::string> read_file(FileSystem& fs, const std::string& path);
/// The same into `out`, whose memory is used again.
Result<> read_file(FileSystem& fs, const std::string& path, std::string& out);
/// Writes `path`.tmp, syncs it, renames it to `path`, syncs the folder: a reader sees the old bytes or the
/// new.
Result<> publish_file(FileSystem& fs, const std::string& path, std::string_view bytes);
std::string join_path(std::string_view dir, std::string_view name);
std::string parent_dir(std::string_view path);

}  // namespace telltale::io
