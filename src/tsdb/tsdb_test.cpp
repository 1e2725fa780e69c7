// The engine against the contract, against the in-memory store under random histories, and against damage.
#include "tsdb/tsdb.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "storage/memory_metric_store.hpp"
#include "storage/metric_store_contract.hpp"
#include "tsdb/part.hpp"

namespace telltale::tsdb {
namespace {

using storage::contract::make_batch;
using storage::contract::must_read;
using storage::contract::Put;

constexpr std::int64_t kNowMs = 1'700'000'000'000;

/// A disk with an engine that can be closed and opened again.
struct Bench {
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  FakeClock clock{UnixNanos::from_millis({kNowMs})};
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  TsdbOptions options{.least_share_series = 1};
  std::unique_ptr<Tsdb> db;

  void reopen() {
    db.reset();
    auto opened = open_tsdb(*fs, "data/tsdb", options, clock, log, metrics);
    ASSERT_TRUE(opened) << opened.error().message();
    db = std::move(*opened);
  }
};

struct TsdbMaker {
  Bench bench;
  std::unique_ptr<storage::MetricStore> make(std::size_t max_series) {
    bench.options.series.max_series = max_series;
    bench.reopen();
    return std::move(bench.db);
  }
};

Labels random_labels(Rng& rng) {
  return Labels({{"__name__", "m" + std::to_string(rng.below(4))},
                 {"job", rng.chance(0.3) ? "" : "j" + std::to_string(rng.below(3))},
                 {"pod", rng.chance(0.5) ? "" : "p" + std::to_string(rng.below(6))}});
}

std::vector<storage::LabelMatcher> random_matchers(Rng& rng) {
  static const std::pair<const char*, const char*> kChoices[] = {
      {"__name__", "m1"}, {"__name__", "m[12]"}, {"job", "j1"}, {"job", ""},
      {"job", "j[02]|"},  {"pod", "p.*"},        {"pod", "p3"}, {"zone", ""}};
  std::vector<storage::LabelMatcher> out;
  for (auto n = rng.below(3); n > 0; --n) {
    const auto& [name, value] = kChoices[rng.below(std::size(kChoices))];
    out.push_back(*storage::LabelMatcher::make(static_cast<storage::MatchOp>(rng.below(4)), name, value));
  }
  return out;
}

std::vector<Put> random_puts(Rng& rng, std::int64_t now) {
  std::vector<Put> puts;
  for (auto n = 1 + rng.below(30); n > 0; --n) {
    const std::int64_t back = rng.chance(0.2) ? static_cast<std::int64_t>(rng.below(3 * kDayMs)) : 0;
    const double value = rng.chance(0.1)   ? stale_nan()
                         : rng.chance(0.5) ? static_cast<double>(rng.below(100))
                                           : rng.unit();
    puts.push_back(
        {random_labels(rng), (now - back) / 1000 * 1000 + static_cast<std::int64_t>(rng.below(5)), value});
  }
  return puts;
}

std::vector<std::string> lines_of(const std::vector<storage::Cardinality::Count>& counts) {
  std::vector<std::string> out;
  for (const auto& c : counts) out.push_back(c.name + "=" + c.value + ": " + std::to_string(c.count));
  return out;
}

void compare(Tsdb& db, storage::MetricStore& oracle, Rng& rng, std::int64_t now) {
  const std::int64_t min = now - static_cast<std::int64_t>(rng.below(4 * kDayMs));
  const std::int64_t max = min + static_cast<std::int64_t>(rng.below(rng.chance(0.5) ? 4 * kDayMs : 2000));
  const storage::Projects projects = rng.chance(0.5) ? storage::Projects{{1}} : storage::Projects{{2}, {1}};
  const auto matchers = random_matchers(rng);
  ASSERT_EQ(must_read(db, projects, matchers, min, max), must_read(oracle, projects, matchers, min, max));
  SystemClock clock;
  WorkContext context(clock, {});
  const storage::LabelQuery q{projects, {{min}, {max}}, matchers, 0};
  ASSERT_EQ(*db.series(q, context), *oracle.series(q, context));
  ASSERT_EQ(*db.label_values("pod", q, context), *oracle.label_values("pod", q, context));
  ASSERT_EQ(*db.label_names(q, context), *oracle.label_names(q, context));
  // The store keeps a label's values in order, and the range in which it saw all of them: asked of ranges
  // inside, around and beside.
  for (int again = 0; again < 4; ++again) {
    const auto shift = [&rng] { return static_cast<std::int64_t>(rng.below(kDayMs)) - kDayMs / 2; };
    const storage::LabelQuery all{projects, {{min + shift()}, {max + shift()}}, {}, rng.below(4)};
    for (const char* const name : {"pod", "job", "none"})
      ASSERT_EQ(*db.label_values(name, all, context), *oracle.label_values(name, all, context)) << name;
  }
  const storage::LabelQuery top{projects, {{min}, {max}}, matchers, 1 + rng.below(4)};
  const auto counts = *db.cardinality(top, context);
  const auto expected = *oracle.cardinality(top, context);
  ASSERT_EQ(counts.series, expected.series);
  ASSERT_EQ(counts.label_pairs, expected.label_pairs);
  ASSERT_EQ(lines_of(counts.series_by_pair), lines_of(expected.series_by_pair));
  ASSERT_EQ(lines_of(counts.values_by_label), lines_of(expected.values_by_label));
}

TEST(Tsdb, RandomHistoriesLookLikeTheInMemoryStore) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Bench bench;
    bench.options.merge_fan_in = 2;
    bench.reopen();
    const auto oracle = storage::make_memory_metric_store();
    std::vector<storage::Batch> journal;  // record i has sequence i + 1
    for (int step = 0; step < 60; ++step) {
      const std::int64_t now = bench.clock.now().to_millis().ms;
      const ProjectId project{1 + static_cast<std::uint32_t>(rng.below(2))};
      journal.push_back(make_batch(*bench.db, project, random_puts(rng, now)));
      const Sequence sequence{journal.size()};
      ASSERT_TRUE(bench.db->apply(sequence, journal.back()));
      ASSERT_TRUE(oracle->apply(sequence, journal.back()));
      bench.clock.advance(std::chrono::minutes(rng.below(60)));
      if (rng.chance(0.3)) {
        ASSERT_TRUE(bench.db->checkpoint());
      }
      if (rng.chance(0.2)) {
        ASSERT_TRUE(bench.db->maintenance());
      }
      if (rng.chance(0.1)) {
        const storage::LabelQuery doomed{{project}, {{now - kDayMs}, {now - 1000}}, random_matchers(rng), 0};
        SystemClock clock;
        WorkContext context(clock, {});
        const auto deleted = bench.db->delete_samples(doomed, context);
        ASSERT_TRUE(deleted) << deleted.error().message();
        ASSERT_EQ(*deleted, *oracle->delete_samples(doomed, context));
      }
      if (rng.chance(0.1)) {
        bench.reopen();
        ASSERT_LE(bench.db->applied(), sequence);
        for (auto s = bench.db->applied().value; s < journal.size(); ++s) {
          ASSERT_TRUE(bench.db->apply({s + 1}, journal[s]));
        }
      }
      ASSERT_NO_FATAL_FAILURE(compare(*bench.db, *oracle, rng, now));
    }
    EXPECT_TRUE(bench.db->verify()->empty());
  }
}

TEST(Tsdb, HistogramsOfManyBucketsMakeBlocksThatCanBeRead) {
  constexpr std::uint32_t kBuckets = 20'000;
  constexpr int kSamples = 460;  // more than 64 MiB in one chunk, if it were one
  Bench bench;
  bench.reopen();
  Rng rng(7);
  std::vector<storage::SeriesDef> defs;
  const SeriesId id = *bench.db->resolve({1}, Labels(std::vector<Label>{{"__name__", "wide"}}), defs);
  storage::Batch batch;
  batch.project = {1};
  batch.new_series = defs;
  for (int i = 0; i < kSamples; ++i) {
    auto h = std::make_shared<Histogram>();
    h->positive_spans = {{0, kBuckets}};
    h->positive.assign(kBuckets, 0);
    for (int k = 0; k < 200; ++k) h->positive[rng.below(kBuckets)] = rng.unit();
    h->count = h->sum = rng.unit();
    batch.samples.push_back({id, {UnixMillis{kNowMs + i}, h->sum, {}, h}});
  }
  ASSERT_TRUE(bench.db->apply({1}, batch));
  const auto written = bench.db->checkpoint();
  ASSERT_TRUE(written) << written.error().message();
  bench.reopen();
  EXPECT_TRUE(bench.db->verify()->empty());
  SystemClock clock;
  WorkContext context(clock, {});
  const auto cursor = *bench.db->select({{{1}}, {{kNowMs}, {kNowMs + kSamples}}, {}, {}}, context);
  storage::SeriesView view;
  ASSERT_TRUE(*cursor->next(view));
  ASSERT_EQ(view.times_ms.size(), static_cast<std::size_t>(kSamples));
  for (std::size_t i = 0; i < view.times_ms.size(); ++i)
    ASSERT_EQ(view.histograms[i]->positive, batch.samples[i].sample.histogram->positive);
}

TEST(Tsdb, RetentionDropsPartsAndThenTheirSeries) {
  Bench bench;
  bench.options.retention.keep = std::chrono::hours(48);
  bench.reopen();
  const Labels a(std::vector<Label>{{"__name__", "a"}});
  ASSERT_TRUE(bench.db->apply({1}, make_batch(*bench.db, {1}, {{a, kNowMs, 1}})));
  ASSERT_TRUE(bench.db->checkpoint());
  bench.clock.advance(std::chrono::hours(100));
  ASSERT_TRUE(bench.db->maintenance());
  EXPECT_TRUE(bench.db->stats().parts.empty());
  EXPECT_EQ(bench.db->stats().series, 0U);
  bench.reopen();
  EXPECT_EQ(bench.db->stats().series, 0U);
  std::vector<storage::SeriesDef> defs;
  EXPECT_GT(bench.db->resolve({1}, a, defs)->value, 1U) << "ids are never reused";
}

TEST(Tsdb, ADamagedPartIsSetAsideAndNeverServed) {
  Bench bench;
  bench.reopen();
  const Labels a(std::vector<Label>{{"__name__", "a"}});
  ASSERT_TRUE(
      bench.db->apply({1}, make_batch(*bench.db, {1}, {{a, kNowMs, 1}, {a, kNowMs - 2 * kDayMs, 2}})));
  ASSERT_TRUE(bench.db->checkpoint());
  const auto parts = bench.db->stats().parts;
  ASSERT_EQ(parts.size(), 2U);
  const std::string file = "data/tsdb/" + parts[0].file;
  const std::string whole = *io::read_file(*bench.fs, file);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    SCOPED_TRACE("byte " + std::to_string(at));
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    Bench other;
    ASSERT_TRUE(other.fs->make_dirs("data/tsdb"));
    const auto files = *bench.fs->list("data/tsdb");
    for (const auto& f : files) {
      const std::string path = "data/tsdb/" + f.name;
      if (f.is_dir) continue;
      ASSERT_TRUE(io::publish_file(*other.fs, path, path == file ? bad : *io::read_file(*bench.fs, path)));
    }
    other.reopen();
    const auto read = storage::contract::read_all(*other.db, {{{1}}, {{0}, {INT64_MAX}}, {}, {}});
    if (!read) {
      EXPECT_EQ(read.error().kind(), ErrorKind::corruption);
      ASSERT_TRUE(other.db->maintenance());
    }
    const auto left = must_read(*other.db, {{1}});
    ASSERT_EQ(left.size(), 1U);
    // Either the change hit a byte that nothing reads, or the part is gone; never other numbers.
    if (left[0].second.size() == 1) {
      EXPECT_EQ(left[0].second, storage::contract::points({{kNowMs, 1}}));
      EXPECT_EQ(other.metrics.counter("telltale_tsdb_quarantined_files_total", "").value(), 1U);
      EXPECT_TRUE(*other.fs->exists("data/tsdb/quarantine/" + parts[0].file));
    } else {
      EXPECT_EQ(left[0].second, storage::contract::points({{kNowMs - 2 * kDayMs, 2}, {kNowMs, 1}}));
    }
  }
}

TEST(Tsdb, ABackupCanBeOpened) {
  Bench bench;
  bench.options.merge_fan_in = 2;
  bench.reopen();
  const Labels a(std::vector<Label>{{"__name__", "a"}});
  ASSERT_TRUE(bench.db->apply({1}, make_batch(*bench.db, {1}, {{a, kNowMs, 1}})));
  ASSERT_TRUE(bench.db->checkpoint());
  ASSERT_TRUE(bench.db->apply({2}, make_batch(*bench.db, {1}, {{a, kNowMs + 1, 2}})));
  ASSERT_TRUE(bench.db->checkpoint());
  const auto backup = bench.db->backup_files();
  ASSERT_TRUE(bench.db->apply({3}, make_batch(*bench.db, {1}, {{a, kNowMs + 2, 3}})));
  ASSERT_TRUE(bench.db->checkpoint());
  ASSERT_TRUE(bench.db->maintenance());
  Bench copy;
  ASSERT_TRUE(copy.fs->make_dirs("data/tsdb"));
  for (const auto& f : backup.files) {
    ASSERT_TRUE(io::publish_file(*copy.fs, "data/tsdb/" + f, *io::read_file(*bench.fs, "data/tsdb/" + f)));
  }
  ASSERT_TRUE(io::publish_file(*copy.fs, "data/tsdb/MANIFEST", backup.manifest));
  copy.reopen();
  EXPECT_EQ(copy.db->applied(), Sequence{2});
  EXPECT_EQ(must_read(*copy.db, {{1}})[0].second, storage::contract::points({{kNowMs, 1}, {kNowMs + 1, 2}}));
}

}  // namespace
}  // namespace telltale::tsdb

namespace telltale::storage::contract {
INSTANTIATE_TYPED_TEST_SUITE_P(Tsdb, MetricStoreContract, telltale::tsdb::TsdbMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Tsdb, HistogramStoreContract, telltale::tsdb::TsdbMaker);
}  // namespace telltale::storage::contract
