// A disk in memory that fails like a real one. It keeps two states: what a reader sees now, and what a crash
// would leave. Bytes cross over at File::sync, names (created, renamed, removed) at sync_dir of their folder.
// crash() throws away the rest, or, with a seed, lets each unsynced write survive, vanish, tear or leave
// zeros, and the unsynced names survive up to a random point in their order, as disks and journalling file
// systems do.
//
// Every call is numbered, so that a test can loop over "the power goes at call k" for all k:
//   for (std::uint64_t k = 1;; ++k) {
//     FaultyFileSystem disk;
//     disk.power_off_at(k);
//     workload(disk);                // every call from k on fails
//     const bool last = !disk.powered_off();
//     disk.crash(seed);              // powered on again, with what survived
//     verify(disk);
//     if (last) break;
//   }
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/mutex.hpp"
#include "base/rng.hpp"
#include "io/file_system.hpp"

namespace telltale::io {

/// Thread-safe. Paths with and without a leading '/' are the same. Files and locks must not outlive it.
class FaultyFileSystem final : public FileSystem {
 public:
  enum class Tracking : unsigned char { unsynced, none };
  /// With Tracking::none everything is durable at once: a plain memory disk.
  explicit FaultyFileSystem(Tracking tracking = Tracking::unsynced);
  ~FaultyFileSystem() override;

  /// Loses what was not synced, makes open files and locks stale, cancels planned faults and powers on.
  void crash(std::optional<std::uint64_t> seed = std::nullopt);
  /// Calls made so far, of every kind.
  std::uint64_t calls() const;
  /// The `call`-th call from the beginning fails once with `kind`; may be planned several times. A sync that
  /// fails loses the bytes it was for, as on Linux: a later sync of the file succeeds without them.
  void fail_at(std::uint64_t call, ErrorKind kind = ErrorKind::io);
  void cancel_failures();
  /// That call and all later ones fail until crash(). If it is a write, its bytes may survive.
  void power_off_at(std::uint64_t call);
  bool powered_off() const;
  /// The next `count` syncs of files fail.
  void fail_syncs(std::uint64_t count);
  /// Writes past `bytes` in all files together are disk_full, after the part that still fits; nullopt lifts
  /// it.
  void set_capacity(std::optional<std::uint64_t> bytes);
  /// False if there is no such byte.
  bool flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);
  std::uint64_t used_bytes() const;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> remove_all(const std::string& path) override;
  Result<> make_dirs(const std::string& path) override;
  Result<> sync_dir(const std::string& path) override;
  Result<std::vector<FileInfo>> list(const std::string& dir) override;
  Result<bool> exists(const std::string& path) override;
  Result<DiskSpace> space(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  struct NameEdit {
    NodePtr dir;
    std::string name;
    NodePtr target;  // null: the name goes
  };
  using NameChange = std::vector<NameEdit>;  // atomic
  class OpenFile;
  class HeldLock;

  Result<> begin_call(std::string_view what, const std::string& path) TT_REQUIRES(mutex_);
  NodePtr find(const std::string& path) const TT_REQUIRES(mutex_);
  Result<NodePtr> find_dir_of(const std::string& path) const TT_REQUIRES(mutex_);
  void change_names(NameChange change) TT_REQUIRES(mutex_);
  Result<> write_node(Node& node, const std::string& path, std::uint64_t offset, std::string_view bytes)
      TT_REQUIRES(mutex_);
  void resize_node(Node& node, std::uint64_t size) TT_REQUIRES(mutex_);
  void sync_node(Node& node) TT_REQUIRES(mutex_);
  static void settle(Node& node, Rng* rng);
  static std::uint64_t bytes_below(const Node& node);

  const Tracking tracking_;
  mutable Mutex mutex_;
  NodePtr root_ TT_GUARDED_BY(mutex_);
  std::vector<NameChange> unsynced_names_ TT_GUARDED_BY(mutex_);  // oldest first
  std::set<std::string> locks_ TT_GUARDED_BY(mutex_);
  std::uint64_t generation_ TT_GUARDED_BY(mutex_) = 0;  // of open files; crash() begins a new one
  std::uint64_t calls_ TT_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, ErrorKind> planned_failures_ TT_GUARDED_BY(mutex_);
  std::uint64_t power_off_call_ TT_GUARDED_BY(mutex_) = UINT64_MAX;
  std::uint64_t failing_syncs_ TT_GUARDED_BY(mutex_) = 0;
  std::optional<std::uint64_t> capacity_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::io
