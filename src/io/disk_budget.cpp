#include "io/disk_budget.hpp"

#include <algorithm>

namespace telltale::io {
namespace {

constexpr std::size_t kBallastChunk = 64 * limits::KiB;

// Bytes that a compressing file system cannot make smaller.
std::string incompressible(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = 0x9E37'79B9'7F4A'7C15;
  for (char& c : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state >> 32);
  }
  return bytes;
}

std::uint64_t percent_of(std::uint64_t total, int percent) {
  return total / 100 * static_cast<std::uint64_t>(percent);
}

}  // namespace

DiskGuard::DiskGuard(FileSystem& fs, std::string dir, DiskGuardOptions options, const Logger& log,
                     MetricsRegistry& metrics)
    : fs_(fs),
      dir_(std::move(dir)),
      ballast_path_(join_path(dir_, kBallastName)),
      log_(log),
      metrics_(metrics),
      free_gauge_(metrics.gauge("telltale_disk_free_bytes", "Free bytes on the disk of the data folder.")),
      accepting_gauge_(metrics.gauge("telltale_disk_accepting_writes",
                                     "1 while the disk has room for new data, 0 while writes are refused.")),
      budget_(options.max_bytes),
      options_(options) {
  accepting_gauge_.set(1);
}

void DiskGuard::set_limits(std::uint64_t reserve_bytes, std::uint64_t max_bytes) {
  const MutexLock lock(mutex_);
  options_.reserve_bytes = reserve_bytes;
  options_.max_bytes = max_bytes;
  if (max_bytes != 0) budget_.store(max_bytes);
}

void DiskGuard::poll() {
  const auto space = fs_.space(dir_);
  const MutexLock lock(mutex_);
  bool accepting = false;
  if (space) {
    if (options_.max_bytes == 0) {
      budget_.store(percent_of(space->total_bytes, limits::kDefaultBudgetPercentOfDisk));
    }
    accepting = decide(*space);
    free_gauge_.set(static_cast<double>(space->free_bytes));
  }
  accepting_gauge_.set(accepting ? 1 : 0);
  if (accepting_.exchange(accepting) == accepting) return;
  if (accepting) {
    log_.info("disk has room again: writes are taken", {{"folder", dir_}});
  } else {
    log_.warn("disk is full: writes are refused",
              {{"folder", dir_},
               {"free_bytes", space ? space->free_bytes : 0},
               {"reserve_bytes", options_.reserve_bytes},
               {"reason", space ? std::string("reserve reached") : space.error().message()}});
  }
}

bool DiskGuard::decide(const DiskSpace& space) {
  if (!has_ballast_) has_ballast_ = ballast_is_whole();
  if (has_ballast_) {
    if (space.free_bytes > options_.reserve_bytes) return true;
    drop_ballast();
    return false;
  }
  if (space.free_bytes <= options_.reserve_bytes ||
      space.free_bytes - options_.reserve_bytes <= options_.ballast_bytes) {
    drop_ballast();  // what a crash left of one
    return false;
  }
  if (const auto made = make_ballast(); !made) {
    log_.warn("ballast cannot be made", {{"file", ballast_path_}, {"reason", made.error().message()}});
    drop_ballast();
    return false;
  }
  has_ballast_ = true;
  return true;
}

bool DiskGuard::ballast_is_whole() {
  const auto file = fs_.open(ballast_path_, OpenMode::read);
  if (!file) return false;
  const auto size = (*file)->size();
  return size && *size == options_.ballast_bytes;
}

Result<> DiskGuard::make_ballast() {
  TT_ASSIGN(const auto file, fs_.open(ballast_path_, OpenMode::create));
  TT_TRY(file->truncate(0));
  const std::string chunk = incompressible(kBallastChunk);
  for (std::uint64_t at = 0; at < options_.ballast_bytes; at += chunk.size()) {
    const auto size = std::min<std::uint64_t>(chunk.size(), options_.ballast_bytes - at);
    TT_TRY(file->write(at, std::string_view(chunk).substr(0, size)));
  }
  TT_TRY(file->sync());
  return fs_.sync_dir(dir_);
}

void DiskGuard::drop_ballast() {
  has_ballast_ = false;
  if (const auto gone = fs_.remove(ballast_path_); !gone && gone.error().kind() != ErrorKind::not_found) {
    log_.warn("ballast cannot be removed", {{"file", ballast_path_}, {"reason", gone.error().message()}});
  }
}

std::vector<TableExcess> DiskGuard::check_tables(const std::vector<TableUsage>& usage) {
  const std::uint64_t budget = budget_bytes();
  std::vector<TableExcess> over;
  std::vector<std::string> near;
  const MutexLock lock(mutex_);
  for (const auto& [table, bytes, percent] : usage) {
    const std::uint64_t share = percent_of(budget, percent);
    const MetricLabels labels = {{"table", table}};
    metrics_.gauge("telltale_disk_table_bytes", "Bytes of the table's files on disk.", labels)
        .set(static_cast<double>(bytes));
    metrics_.gauge("telltale_disk_table_share_bytes", "The table's share of storage.max_bytes.", labels)
        .set(static_cast<double>(share));
    if (budget == 0 || bytes <= percent_of(share, kWarnAtPercent)) continue;
    near.push_back(table);
    if (bytes > share) over.push_back({table, bytes - share});
    if (std::find(warned_.begin(), warned_.end(), table) != warned_.end()) continue;
    log_.warn("table comes to the end of its share of the disk budget",
              {{"table", table}, {"bytes", bytes}, {"share_bytes", share}});
  }
  warned_ = std::move(near);
  return over;
}

}  // namespace telltale::io
