// A merge takes as long as its parts are large; meanwhile rows come in, are queried, and become parts.
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "eventdb/eventdb.hpp"

namespace telltale::eventdb {
namespace {

/// Memory, in which the next part that is begun waits until it may.
class WaitingFileSystem final : public io::FileSystem {
 public:
  void hold_next_part() {
    const std::lock_guard lock(mutex_);
    hold_ = true;
  }
  void wait_until_held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

  Result<std::unique_ptr<io::File>> open(const std::string& path, io::OpenMode mode) override {
    if (mode == io::OpenMode::create && path.ends_with(".part.tmp")) {
      std::unique_lock lock(mutex_);
      if (hold_) {
        hold_ = false;
        held_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
      }
    }
    return memory_->open(path, mode);
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    return memory_->rename(from, to);
  }
  Result<> remove(const std::string& path) override { return memory_->remove(path); }
  Result<> remove_all(const std::string& path) override { return memory_->remove_all(path); }
  Result<> make_dirs(const std::string& path) override { return memory_->make_dirs(path); }
  Result<> sync_dir(const std::string& path) override { return memory_->sync_dir(path); }
  Result<std::vector<io::FileInfo>> list(const std::string& dir) override { return memory_->list(dir); }
  Result<bool> exists(const std::string& path) override { return memory_->exists(path); }
  Result<io::DiskSpace> space(const std::string& path) override { return memory_->space(path); }
  Result<std::unique_ptr<io::FileLock>> lock(const std::string& path) override { return memory_->lock(path); }

 private:
  std::unique_ptr<io::FileSystem> memory_ = io::make_memory_file_system();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hold_ = false;
  bool held_ = false;
};

TEST(EventDbMaintenance, AMergeStopsNeitherWritersNorReaders) {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  WaitingFileSystem disk;
  auto opened = open_eventdb(disk, "data/events", {}, clock, log, metrics);
  ASSERT_TRUE(opened);
  EventDb& db = **opened;
  std::uint64_t sequence = 0;
  const auto add_part = [&] {
    storage::Batch batch;
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(1'700'000'000 + static_cast<std::int64_t>(sequence));
    row.message = "row " + std::to_string(++sequence);
    batch.logs.push_back(std::move(row));
    return db.apply(Sequence{sequence}, batch) && db.checkpoint();
  };
  const auto rows = [&] {
    WorkContext context(clock, WorkLimits{});
    storage::EventQuery q;
    q.projects = {ProjectId{1}};
    const auto found = storage::collect(db, q, context);
    return found ? found->size() : 0;
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(add_part());
  ASSERT_EQ(db.stats().parts, 4u);
  disk.hold_next_part();
  std::thread merging([&] { EXPECT_TRUE(db.maintenance()); });
  disk.wait_until_held();
  auto writing = std::async(std::launch::async, add_part);
  const bool went_on = writing.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  EXPECT_TRUE(went_on) << "a checkpoint waits for a merge";
  if (went_on) {
    EXPECT_TRUE(writing.get());
    EXPECT_EQ(rows(), 5u);
    EXPECT_EQ(db.durable(), Sequence{5});
  }
  disk.let_go();
  merging.join();
  EXPECT_EQ(rows(), 5u);
  EXPECT_EQ(db.stats().parts, 2u) << "the merged one, and the one that came meanwhile";
  // What the manifest says now is all of it.
  opened->reset();
  opened = open_eventdb(disk, "data/events", {}, clock, log, metrics);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->stats().part_rows, 5u);
}

}  // namespace
}  // namespace telltale::eventdb
