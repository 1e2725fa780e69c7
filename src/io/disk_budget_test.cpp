// The guard on a disk that fills up and empties again, by itself and through somebody else's files.
#include "io/disk_budget.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "io/faulty_file_system.hpp"

namespace telltale::io {
namespace {

constexpr std::uint64_t kReserve = 1000;
constexpr std::uint64_t kBallast = 100'000;  // more than one chunk

struct GuardedDisk {
  FakeClock clock;
  std::vector<std::string> lines;
  Logger log{clock, LogLevel::info, [this](std::string_view line) { lines.emplace_back(line); }};
  MetricsRegistry metrics;
  FaultyFileSystem fs;
  std::unique_ptr<DiskGuard> guard;

  explicit GuardedDisk(std::uint64_t max_bytes = 0) {
    EXPECT_TRUE(fs.make_dirs("/data"));
    reopen(max_bytes);
  }
  void reopen(std::uint64_t max_bytes = 0) {
    guard = std::make_unique<DiskGuard>(
        fs, "/data",
        DiskGuardOptions{.reserve_bytes = kReserve, .max_bytes = max_bytes, .ballast_bytes = kBallast}, log,
        metrics);
  }
  void set_free(std::uint64_t bytes) { fs.set_capacity(fs.used_bytes() + bytes); }
  std::uint64_t ballast_size() {
    const auto bytes = read_file(fs, "/data/BALLAST");
    return bytes ? bytes->size() : 0;
  }
  Result<> put(const std::string& path, std::size_t size) {
    TT_ASSIGN(const auto file, fs.open(path, OpenMode::create));
    return file->write(0, std::string(size, 'x'));
  }
};

TEST(DiskGuard, BallastIsGivenUpAndMadeAgain) {
  GuardedDisk disk;
  EXPECT_TRUE(disk.guard->accepting_writes());
  EXPECT_EQ(disk.ballast_size(), 0u);
  disk.guard->poll();
  EXPECT_TRUE(disk.guard->accepting_writes());
  EXPECT_EQ(disk.ballast_size(), kBallast);

  disk.set_free(kReserve);
  disk.guard->poll();
  EXPECT_FALSE(disk.guard->accepting_writes());
  EXPECT_EQ(disk.ballast_size(), 0u);
  EXPECT_NE(disk.metrics.render().find("telltale_disk_accepting_writes 0"), std::string::npos);
  // Records stay writable, and the room that the ballast made does not make writes resume.
  EXPECT_TRUE(disk.put("/data/records", kBallast / 2));
  disk.guard->poll();
  EXPECT_FALSE(disk.guard->accepting_writes());

  disk.set_free(kReserve + kBallast);
  disk.guard->poll();
  EXPECT_FALSE(disk.guard->accepting_writes());
  disk.set_free(kReserve + kBallast + 1);
  disk.guard->poll();
  EXPECT_TRUE(disk.guard->accepting_writes());
  EXPECT_EQ(disk.ballast_size(), kBallast);
  EXPECT_NE(disk.metrics.render().find("telltale_disk_accepting_writes 1"), std::string::npos);
  EXPECT_EQ(disk.lines.size(), 2u);  // one a change
}

TEST(DiskGuard, EndlessWriterNeverTakesTheLastBytes) {
  GuardedDisk disk;
  disk.set_free(kBallast + 200'000);
  Rng rng(7);
  std::size_t written = 0;
  for (int i = 0; i < 10'000; ++i) {
    disk.guard->poll();
    if (!disk.guard->accepting_writes()) break;
    const auto done = disk.put("/data/part" + std::to_string(i), 1 + rng.below(kReserve - 1));
    ASSERT_TRUE(done) << i << ": " << done.error().message();
    ++written;
  }
  EXPECT_FALSE(disk.guard->accepting_writes());
  EXPECT_GT(written, 100u);
  EXPECT_TRUE(publish_file(disk.fs, "/data/state", std::string(kBallast / 2, 's')));
  for (std::size_t i = 0; i < written; ++i) {
    ASSERT_TRUE(disk.fs.remove("/data/part" + std::to_string(i)));
  }
  disk.guard->poll();
  EXPECT_TRUE(disk.guard->accepting_writes());
}

TEST(DiskGuard, TornBallastOfACrashIsMadeWhole) {
  for (std::uint64_t call = 1;; ++call) {
    GuardedDisk disk;
    ASSERT_TRUE(disk.fs.sync_dir("/"));
    disk.fs.power_off_at(disk.fs.calls() + call);
    disk.guard->poll();
    const bool last = !disk.fs.powered_off();
    disk.fs.crash(call);
    disk.reopen();
    disk.guard->poll();
    EXPECT_TRUE(disk.guard->accepting_writes()) << "power off at call " << call;
    EXPECT_EQ(disk.ballast_size(), kBallast) << "power off at call " << call;
    if (last) break;
  }
}

TEST(DiskGuard, DiskThatCannotBeReadRefusesWrites) {
  GuardedDisk disk;
  disk.guard->poll();
  disk.fs.fail_at(disk.fs.calls() + 1);
  disk.guard->poll();
  EXPECT_FALSE(disk.guard->accepting_writes());
  disk.guard->poll();
  EXPECT_TRUE(disk.guard->accepting_writes());
}

TEST(DiskGuard, TablesNearTheirShareAreWarnedOfOnce) {
  GuardedDisk disk(10'000);
  const auto excess = [&](std::uint64_t logs) {
    const auto over = disk.guard->check_tables({{"logs", logs, 40}, {"spans", 100, 20}});
    return over.empty() ? 0 : over.front().bytes;
  };
  EXPECT_EQ(excess(3600), 0u);
  EXPECT_EQ(disk.lines.size(), 0u);
  EXPECT_EQ(excess(3601), 0u);
  EXPECT_EQ(disk.lines.size(), 1u);
  EXPECT_EQ(excess(4000), 0u);
  EXPECT_EQ(excess(5000), 1000u);
  EXPECT_EQ(disk.lines.size(), 1u);
  EXPECT_EQ(excess(1), 0u);
  EXPECT_EQ(excess(4001), 1u);
  EXPECT_EQ(disk.lines.size(), 2u);
  EXPECT_NE(disk.metrics.render().find("telltale_disk_table_share_bytes{table=\"logs\"} 4000"),
            std::string::npos);
}

TEST(DiskGuard, BudgetFollowsTheDiskWhenNoneIsSet) {
  GuardedDisk disk;
  disk.fs.set_capacity(1'000'000);
  EXPECT_EQ(disk.guard->budget_bytes(), 0u);
  EXPECT_TRUE(disk.guard->check_tables({{"logs", 1, 40}}).empty());
  disk.guard->poll();
  EXPECT_EQ(disk.guard->budget_bytes(), 800'000u);
}

}  // namespace
}  // namespace telltale::io
