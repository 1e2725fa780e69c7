// What the operating system tells of itself: small text files and a few calls. Tests put files of their own
// here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace telltale::hostmetrics {

struct FileSystemSpace {
  std::uint64_t block_bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t free_blocks = 0;       // with what only root may use
  std::uint64_t available_blocks = 0;  // to everybody
  std::uint64_t files = 0;
  std::uint64_t free_files = 0;
};

struct SystemName {
  std::string system, release, version, machine, node, domain;
};

/// Thread-safe. Paths are absolute: /proc/stat, /sys/fs/cgroup.
class HostSource {
 public:
  virtual ~HostSource() = default;
  /// The whole file, limits::kMaxHostFileBytes at most. not_found when there is none.
  virtual Result<std::string> read(const std::string& path) = 0;
  /// Names of the folder's own folders, sorted.
  virtual Result<std::vector<std::string>> folders(const std::string& path) = 0;
  virtual Result<FileSystemSpace> space(const std::string& mount_point) = 0;
  virtual SystemName name() = 0;
  /// CPU time units of /proc/stat a second.
  virtual double ticks_per_second() = 0;
};

std::unique_ptr<HostSource> make_system_source();

}  // namespace telltale::hostmetrics
