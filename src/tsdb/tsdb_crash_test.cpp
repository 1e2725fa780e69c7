// The power goes at every call of a history of batches, checkpoints and merges; and single calls fail before
// it goes. After each the engine holds, with the journal's help, exactly the numbers it was given.
#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "io/faulty_file_system.hpp"
#include "storage/memory_metric_store.hpp"
#include "storage/metric_store_contract.hpp"
#include "tsdb/part.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::tsdb {
namespace {

using storage::contract::must_read;

constexpr std::int64_t kCrashNowMs = 1'700'000'000'000;
constexpr std::uint64_t kCrashBatches = 12;

/// The engine on a disk that fails; the batches are its journal.
struct CrashBench {
  io::FaultyFileSystem disk;
  FakeClock clock{UnixNanos::from_millis({kCrashNowMs})};
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  TsdbOptions options{.least_share_series = 1};
  std::unique_ptr<Tsdb> db;
  std::vector<storage::Batch> journal;  // record i has sequence i + 1

  CrashBench() { options.merge_fan_in = 2; }

  Result<> open() {
    db.reset();
    TT_ASSIGN(db, open_tsdb(disk, "data/tsdb", options, clock, log, metrics));
    return {};
  }

  /// As ingest does it: what is in the journal is applied, and everything from the journal after a crash.
  void put(std::uint64_t sequence) {
    std::vector<storage::contract::Put> puts;
    for (std::uint64_t i = 0; i < 4; ++i) {
      const std::int64_t day = i == 3 ? kDayMs : 0;
      const Labels labels({{"__name__", "m" + std::to_string(i == 0 ? 0 : sequence / 4 * 4 + i)}});
      puts.push_back({labels, kCrashNowMs - day + static_cast<std::int64_t>(sequence),
                      static_cast<double>(sequence) + static_cast<double>(i) / 8});
    }
    journal.push_back(storage::contract::make_batch(*db, {1}, puts));
    ASSERT_TRUE(db->apply({sequence}, journal.back()));
  }

  void replay() {
    for (std::uint64_t s = db->applied().value; s < journal.size(); ++s) {
      ASSERT_TRUE(db->apply({s + 1}, journal[s]));
      db->journaled(journal[s].new_series);
    }
  }

  void work() {
    for (std::uint64_t s = journal.size() + 1; s <= kCrashBatches; ++s) {
      put(s);
      if (s % 2 == 0) (void)db->checkpoint();
      if (s % 5 == 0) (void)db->maintenance();
    }
  }

  void check() {
    const auto oracle = storage::make_memory_metric_store();
    for (std::uint64_t s = 0; s < journal.size(); ++s) ASSERT_TRUE(oracle->apply({s + 1}, journal[s]));
    ASSERT_EQ(must_read(*db, {{1}}), must_read(*oracle, {{1}}));
    ASSERT_EQ(db->stats().quarantined, 0U);
    ASSERT_EQ(metrics.counter("telltale_tsdb_unknown_series_samples_total", "").value(), 0U);
  }

  /// After a crash: opens, replays, goes on, and checks in between.
  void recover(Sequence promised) {
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message();
    ASSERT_GE(db->applied(), promised);
    ASSERT_NO_FATAL_FAILURE(replay());
    ASSERT_NO_FATAL_FAILURE(check());
    ASSERT_NO_FATAL_FAILURE(work());
    for (int round = 0; round < 2; ++round) {
      ASSERT_TRUE(db->checkpoint());
      ASSERT_TRUE(db->maintenance());
      ASSERT_NO_FATAL_FAILURE(check());
      ASSERT_TRUE(db->verify()->empty());
      ASSERT_TRUE(open());
      ASSERT_EQ(db->applied().value, kCrashBatches);
    }
  }
};

TEST(TsdbCrash, EverySampleIsThereWhereverThePowerGoes) {
  const std::uint64_t seed = std::random_device{}();
  for (std::uint64_t k = 1;; ++k) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " call " + std::to_string(k));
    CrashBench bench;
    bench.disk.power_off_at(k);
    if (bench.open()) bench.work();
    const bool last = !bench.disk.powered_off();
    const Sequence promised = bench.db ? bench.db->durable() : Sequence{};
    bench.db.reset();
    bench.disk.crash(k % 4 == 0 ? std::nullopt : std::optional(seed + k));
    ASSERT_NO_FATAL_FAILURE(bench.recover(promised));
    if (last) break;
  }
}

TEST(TsdbCrash, FailedCallsBeforeItDoNotMatter) {
  const std::uint64_t seed = std::random_device{}();
  Rng rng(seed);
  for (int run = 0; run < 300; ++run) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " run " + std::to_string(run));
    CrashBench bench;
    ASSERT_TRUE(bench.open());
    const std::uint64_t begin = bench.disk.calls();
    // Close together: what a failed call left half-done is what the crash must meet.
    const std::uint64_t fault = begin + 1 + rng.below(250);
    bench.disk.fail_at(fault, rng.chance(0.5) ? ErrorKind::io : ErrorKind::disk_full);
    if (rng.chance(0.3)) bench.disk.fail_at(fault + 1 + rng.below(20));
    bench.disk.power_off_at(fault + 1 + rng.below(60));
    bench.work();
    const Sequence promised = bench.db->durable();
    bench.db.reset();
    bench.disk.crash(rng.next());
    ASSERT_NO_FATAL_FAILURE(bench.recover(promised));
  }
}

}  // namespace
}  // namespace telltale::tsdb
