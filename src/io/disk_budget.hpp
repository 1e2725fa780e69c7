// What keeps a full disk from stopping the server. Two means:
//
// - A reserve: while less than `reserve_bytes` are free, batches from clients are refused.
// - A ballast: a file of real bytes in the data folder. It is given up as soon as the reserve is touched,
//   so that records, silences and the state of alerts can be written although something else on the machine
//   fills the disk. Writes resume only when there is room for reserve and ballast, and the ballast has been
//   made again: a disk that hovers around the limit does not flap.
//
// Beside that each table has a share of the budget; coming near it is a warning and a metric here, and what
// is evicted is for the caller to decide.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/mutex.hpp"
#include "io/file_system.hpp"

namespace telltale::io {

struct DiskGuardOptions {
  std::uint64_t reserve_bytes = 0;
  std::uint64_t max_bytes = 0;  // of all tables; 0: kDefaultBudgetPercentOfDisk of the disk
  std::uint64_t ballast_bytes = limits::kDiskBallastBytes;
};

struct TableUsage {
  std::string table;
  std::uint64_t bytes = 0;
  int percent = 0;  // its share of max_bytes
};

struct TableExcess {
  std::string table;
  std::uint64_t bytes = 0;  // over its share
};

/// Thread-safe; accepting_writes() takes no lock. Accepts until the first poll().
class DiskGuard {
 public:
  /// Touches nothing before poll(). `dir` must exist by then.
  DiskGuard(FileSystem& fs, std::string dir, DiskGuardOptions options, const Logger& log,
            MetricsRegistry& metrics);
  DiskGuard(const DiskGuard&) = delete;
  DiskGuard& operator=(const DiskGuard&) = delete;

  bool accepting_writes() const { return accepting_.load(std::memory_order_relaxed); }
  /// Holds from the next poll() on.
  void set_limits(std::uint64_t reserve_bytes, std::uint64_t max_bytes);
  /// Looks at the disk, gives up or makes the ballast, decides. About once a second.
  void poll();
  /// Bytes the tables may take together, as of the last poll(); 0 before it if it depends on the disk.
  std::uint64_t budget_bytes() const { return budget_.load(std::memory_order_relaxed); }
  /// Sets the tables' gauges and warns once for each that comes near its share (kWarnAtPercent of it), again
  /// after it was back under that. Returns those over their share, with the bytes that are too many.
  std::vector<TableExcess> check_tables(const std::vector<TableUsage>& usage);

  static constexpr int kWarnAtPercent = 90;
  static constexpr char kBallastName[] = "BALLAST";

 private:
  bool decide(const DiskSpace& space) TT_REQUIRES(mutex_);
  bool ballast_is_whole() TT_REQUIRES(mutex_);
  Result<> make_ballast() TT_REQUIRES(mutex_);
  void drop_ballast() TT_REQUIRES(mutex_);

  FileSystem& fs_;
  const std::string dir_;
  const std::string ballast_path_;
  const Logger& log_;
  MetricsRegistry& metrics_;
  Gauge& free_gauge_;
  Gauge& accepting_gauge_;
  std::atomic<bool> accepting_{true};
  std::atomic<std::uint64_t> budget_;
  Mutex mutex_;
  DiskGuardOptions options_ TT_GUARDED_BY(mutex_);
  bool has_ballast_ TT_GUARDED_BY(mutex_) = false;
  std::vector<std::string> warned_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::io
