// Readers beside the writer, checkpoints, merges, deletes and retention, all at once. Each series' values
// rise by one a sample, so a reader can tell by itself that it saw one state: no sample is missing in the
// middle, none is there twice, and what a later reader sees is no less. Meant for the thread sanitizer, and
// green without it.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "storage/metric_store_contract.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::tsdb {
namespace {

using storage::contract::make_batch;
using storage::contract::Put;

constexpr std::int64_t kBusyNowMs = 1'700'000'000'000;
constexpr std::int64_t kOldMs = kBusyNowMs - 4 * 86'400'000;
constexpr int kBusySeries = 40;
constexpr std::uint64_t kBusyBatches = 250;     // at least …
constexpr std::uint64_t kMostBatches = 20'000;  // … and until the others had their turns, at most
constexpr int kBusyRounds = 30;

struct BusyStore {
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  FakeClock clock{UnixNanos::from_millis({kBusyNowMs})};
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<Tsdb> db;
  std::atomic<std::uint64_t> written{0};
  std::atomic<bool> done{false};
  std::atomic<int> rounds{0};  // of checkpoint and maintenance
  std::atomic<int> reads{0};

  BusyStore() {
    TsdbOptions options;
    options.merge_fan_in = 2;
    options.block_cache_bytes = 16 << 10;  // blocks come and go
    db = *open_tsdb(*fs, "data/tsdb", options, clock, log, metrics);
  }

  static Labels labels(int series) {
    return Labels(
        {{"__name__", "busy"}, {"n", std::to_string(series)}, {"even", series % 2 == 0 ? "y" : "n"}});
  }

  void write() {
    const auto busy = [&](std::uint64_t b) {
      return b < kBusyBatches || (b < kMostBatches && (rounds < kBusyRounds || reads < kBusyRounds));
    };
    for (std::uint64_t b = 0; busy(b); ++b) {
      std::vector<Put> puts;
      for (int s = 0; s < kBusySeries; ++s)
        puts.push_back({labels(s), kBusyNowMs + static_cast<std::int64_t>(b) * 1000, static_cast<double>(b)});
      // New series come and go beside the steady ones; of old days, so that a rule takes them out of their
      // parts.
      puts.push_back({Labels({{"__name__", "fleeting"}, {"n", std::to_string(b)}}), kOldMs, 1});
      puts.push_back({labels(1), kOldMs, 1});
      EXPECT_TRUE(db->apply({b + 1}, make_batch(*db, {1}, puts)));
      written = b + 1;
    }
    done = true;
  }

  void keep_up() {
    for (int round = 0; !done; rounds = ++round) {
      EXPECT_TRUE(db->checkpoint());
      EXPECT_TRUE(db->maintenance());
      const auto fleeting = storage::contract::matcher(storage::MatchOp::eq, "__name__", "fleeting");
      MetricRetention rules;
      rules.rules = {
          {ProjectId{1 + static_cast<std::uint32_t>(round % 2)}, {fleeting}, std::chrono::hours(48)}};
      db->set_retention(rules);
      SystemClock system;
      WorkContext context(system, {});
      if (round % 3 == 0) {
        EXPECT_TRUE(db->delete_samples({{{1}}, {{0}, {INT64_MAX}}, {fleeting}, 0}, context));
      }
    }
  }

  void read() {
    SystemClock system;
    const auto even = storage::contract::matcher(storage::MatchOp::eq, "even", "y");
    while (!done) {
      WorkContext context(system, {});
      const std::uint64_t least = written;
      const storage::MillisRange all{{0}, {INT64_MAX}};
      const auto cursor = db->select({{{1}}, all, {even}, {}}, context);
      ASSERT_TRUE(cursor) << cursor.error().message();
      storage::SeriesView view;
      std::size_t series = 0;
      for (;;) {
        const auto more = (*cursor)->next(view);
        ASSERT_TRUE(more) << more.error().message();
        if (!*more) break;
        ++series;
        ASSERT_GE(view.values.size(), least);
        for (std::size_t i = 0; i < view.values.size(); ++i)
          ASSERT_EQ(view.values[i], static_cast<double>(i));
      }
      if (least > 0) {
        ASSERT_EQ(series, kBusySeries / 2);
        ASSERT_EQ(db->label_values("n", {{{1}}, all, {even}, 0}, context)->size(), kBusySeries / 2);
        ASSERT_EQ(db->label_values("even", {{{1}}, all, {}, 0}, context)->size(), 2U);
        ASSERT_EQ(db->cardinality({{{1}}, all, {even}, 5}, context)->series, std::uint64_t{kBusySeries / 2});
      }
      (void)db->stats();
      (void)db->series_use({1});
      (void)db->wants_checkpoint();
      ++reads;
      const auto backup = db->backup_files();
      for (const auto& file : backup.files) ASSERT_TRUE(*fs->exists("data/tsdb/" + file)) << file;
    }
  }
};

TEST(TsdbConcurrency, ReadersSeeOneStateBesideWritesCheckpointsMergesAndDeletes) {
  BusyStore store;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { store.keep_up(); });
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { store.read(); });
  store.write();
  for (auto& thread : threads) thread.join();
  EXPECT_GE(store.rounds, kBusyRounds);
  EXPECT_GE(store.reads, kBusyRounds);
  EXPECT_TRUE(store.db->verify()->empty());
}

}  // namespace
}  // namespace telltale::tsdb
