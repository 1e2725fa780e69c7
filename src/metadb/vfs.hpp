// SQLite's way to the disk: a VFS over io::FileSystem, registered under a name of its own for each instance.
// What SQLite calls a lock is nothing here (the process owns its databases), and there is no shared memory:
// WAL runs with locking_mode=EXCLUSIVE, whose index lives on the heap.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "io/file_system.hpp"

namespace telltale::metadb {

/// Registered while it lives; connections that use it must be closed before. Thread-safe.
class Vfs {
 public:
  Vfs(io::FileSystem& fs, const Clock& clock);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const std::string& name() const;
  /// The text of the newest failed disk operation, for messages: SQLite itself only keeps a number.
  std::string last_error() const;

  struct Impl;  // vfs.cpp

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::metadb
