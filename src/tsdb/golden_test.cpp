// A folder written by each format version stays readable: tests/golden/tsdb-v<N> was made by the writer of
// its time (this test with TELLTALE_WRITE_GOLDEN set to a folder), out of samples that are made here again.
// Never change golden_samples(); a new version gets a folder of its own.
#include <cmath>
#include <cstdlib>
#include <numeric>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "model/histogram.hpp"
#include "storage/memory_metric_store.hpp"
#include "storage/metric_store_contract.hpp"
#include "tsdb/part_block.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::tsdb {
namespace {

constexpr std::uint64_t kGoldenBatches = 3;

/// Two days of five kinds of numbers, the second batch partly late.
std::vector<storage::contract::Put> golden_samples(std::uint64_t batch) {
  Rng rng(batch);
  std::vector<storage::contract::Put> out;
  for (std::int64_t series = 0; series < 6; ++series) {
    const Labels labels(
        {{"__name__", "golden_" + std::to_string(series)}, {"job", series % 2 == 0 ? "a" : "b"}});
    double counter = 0;
    for (std::int64_t i = 0; i < 200; ++i) {
      const std::int64_t ms = 1'700'000'000'000 + static_cast<std::int64_t>(batch) * 40'000'000 +
                              i * 300'000 + static_cast<std::int64_t>(rng.below(3));
      counter += static_cast<double>(rng.below(300));
      const double noise = rng.unit();
      const double value = series == 0   ? counter
                           : series == 1 ? static_cast<double>(rng.below(100'000)) / 100
                           : series == 2 ? noise
                           : series == 3 ? 42
                           : i == 100    ? stale_nan()
                           : i == 50     ? std::nan("")
                                         : -counter / 8;
      out.push_back({labels, ms, value});
    }
  }
  return out;
}

/// Since version 2: histograms, exponential ones and then some with bounds of their own, with start times.
std::vector<Sample> golden_histograms() {
  std::vector<Sample> out;
  for (std::int64_t i = 0; i < 40; ++i) {
    Histogram h;
    const auto n = static_cast<double>(i);
    h.reset_hint = i == 0 ? ResetHint::yes : ResetHint::no;
    h.integer = i < 20;
    h.schema = i < 20 ? 3 : kCustomSchema;
    if (i < 20) {
      h.zero_threshold = 0.001;
      h.zero_count = n;
      h.negative_spans = {{2, 1}};
      h.negative = {1};
    } else {
      h.custom_values = {0.5, 5};
    }
    h.positive_spans = {{0, 2}};
    h.positive = {n, 3 * n};
    h.sum = n / 8;
    h.count = 4 * n + h.zero_count + (i < 20 ? 1 : 0);
    out.push_back({{1'700'100'000'000 + i * 15'000}, h.sum, {1'700'099'000'000}, {}});
    out.back().histogram = std::make_shared<const Histogram>(std::move(h));
  }
  return out;
}
const Labels& golden_histogram_labels() {
  static const Labels labels(std::vector<Label>{{"__name__", "golden_histogram"}});
  return labels;
}

/// Since version 3: chunks long enough for a summary, with and without a sum, one that rises and one that
/// does not.
std::vector<storage::contract::Put> golden_long() {
  Rng rng(3);
  std::vector<storage::contract::Put> out;
  for (std::int64_t series = 0; series < 4; ++series) {
    const Labels labels(std::vector<Label>{{"__name__", "golden_long_" + std::to_string(series)}});
    double counter = 0;
    for (std::int64_t i = 0; i < 1500; ++i) {
      const double whole = static_cast<double>(rng.below(500));
      counter += whole;
      const double value = series == 0 ? counter : series == 1 ? whole - 250 : series == 2 ? whole / 8 : 7;
      out.push_back({labels, 1'700'190'000'000 + i * 15'000, value});
    }
  }
  return out;
}

void expect_golden_summaries(storage::MetricStore& store) {
  SystemClock clock;
  WorkContext context(clock, {});
  for (const auto& [function, series] :
       {std::pair{"max_over_time", "2"}, {"sum_over_time", "1"}, {"rate", "0"}}) {
    SCOPED_TRACE(function);
    const auto name =
        *storage::LabelMatcher::make(storage::MatchOp::eq, "__name__", std::string("golden_long_") + series);
    storage::SelectHints hints{0, INT64_MAX, function, false, storage::Windows{INT64_MAX, 0, 1}};
    auto cursor = store.select({{{1}}, {{0}, {INT64_MAX}}, {name}, hints}, context);
    ASSERT_TRUE(cursor);
    storage::SeriesView view;
    ASSERT_TRUE(*(*cursor)->next(view));
    EXPECT_EQ(std::accumulate(view.weights.begin(), view.weights.end(), 0U), 1500U);
    EXPECT_LE(view.times_ms.size(), 4U);
  }
}

void write_golden(storage::MetricStore& store, int version) {
  for (std::uint64_t batch = 1; batch <= kGoldenBatches; ++batch) {
    ASSERT_TRUE(store.apply({batch}, storage::contract::make_batch(store, {1}, golden_samples(batch))));
    ASSERT_TRUE(store.checkpoint());
  }
  if (version < 2) return;
  storage::Batch batch;
  batch.project = {1};
  const auto id = store.resolve({1}, golden_histogram_labels(), batch.new_series);
  ASSERT_TRUE(id);
  for (Sample& s : golden_histograms()) batch.samples.push_back({*id, std::move(s)});
  store.journaled(batch.new_series);
  ASSERT_TRUE(store.apply({kGoldenBatches + 1}, batch));
  ASSERT_TRUE(store.checkpoint());
  if (version < 3) return;
  ASSERT_TRUE(store.apply({kGoldenBatches + 2}, storage::contract::make_batch(store, {1}, golden_long())));
  ASSERT_TRUE(store.checkpoint());
}

void expect_golden_histograms(storage::MetricStore& store) {
  SystemClock clock;
  WorkContext context(clock, {});
  const auto name = *storage::LabelMatcher::make(storage::MatchOp::eq, "__name__", "golden_histogram");
  auto cursor = store.select({{{1}}, {{0}, {INT64_MAX}}, {name}, {}}, context);
  ASSERT_TRUE(cursor);
  storage::SeriesView view;
  ASSERT_TRUE(*(*cursor)->next(view));
  const auto expected = golden_histograms();
  ASSERT_EQ(view.histograms.size(), expected.size());
  ASSERT_EQ(view.start_times_ms.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(view.times_ms[i], expected[i].time.ms);
    EXPECT_EQ(view.start_times_ms[i], expected[i].start.ms);
    ASSERT_NE(view.histograms[i], nullptr);
    EXPECT_TRUE(view.histograms[i]->same_bits(*expected[i].histogram));
  }
}

class TsdbGolden : public testing::TestWithParam<int> {};

TEST_P(TsdbGolden, IsReadAsItWasWritten) {
  const std::string from = TELLTALE_SOURCE_DIR "/tests/golden/tsdb-v" + std::to_string(GetParam());
  auto disk = io::make_posix_file_system();
  auto copy = io::make_memory_file_system();
  ASSERT_TRUE(copy->make_dirs("tsdb"));
  const auto files = disk->list(from);
  ASSERT_TRUE(files) << files.error().message();
  for (const auto& f : *files)
    ASSERT_TRUE(io::publish_file(*copy, "tsdb/" + f.name, *io::read_file(*disk, from + "/" + f.name)));
  FakeClock clock{UnixNanos::from_millis({1'700'300'000'000})};
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  TsdbOptions options;
  options.merge_fan_in = 2;
  auto db = open_tsdb(*copy, "tsdb", options, clock, log, metrics);
  ASSERT_TRUE(db) << db.error().message();
  const auto expected = storage::make_memory_metric_store();
  ASSERT_NO_FATAL_FAILURE(write_golden(*expected, GetParam()));
  EXPECT_EQ(storage::contract::must_read(**db, {{1}}), storage::contract::must_read(*expected, {{1}}));
  EXPECT_TRUE((*db)->verify()->empty());
  if (GetParam() >= 2) expect_golden_histograms(**db);
  if (GetParam() >= 3) expect_golden_summaries(**db);
  // A merge writes it in the present format.
  ASSERT_TRUE((*db)->maintenance());
  EXPECT_EQ(storage::contract::must_read(**db, {{1}}), storage::contract::must_read(*expected, {{1}}));
}
INSTANTIATE_TEST_SUITE_P(Versions, TsdbGolden, testing::Values(1, 2, 3));

TEST(TsdbGoldenWriter, WritesWhenAsked) {
  const char* dir = std::getenv("TELLTALE_WRITE_GOLDEN");
  if (dir == nullptr) GTEST_SKIP() << "TELLTALE_WRITE_GOLDEN is not set";
  FakeClock clock{UnixNanos::from_millis({1'700'300'000'000})};
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  auto disk = io::make_posix_file_system();
  auto db = open_tsdb(*disk, dir, {}, clock, log, metrics);
  ASSERT_TRUE(db) << db.error().message();
  write_golden(**db, 3);
}

/// For fuzz/targets/tsdb_files.cpp.
TEST(TsdbGoldenWriter, WritesFuzzSeedsWhenAsked) {
  const char* dir = std::getenv("TELLTALE_WRITE_FUZZ_SEEDS");
  if (dir == nullptr) GTEST_SKIP() << "TELLTALE_WRITE_FUZZ_SEEDS is not set";
  auto disk = io::make_posix_file_system();
  SampleRun run;
  for (const Sample& s : golden_histograms()) run.push(s);
  SampleRun floats;
  for (const auto& put : golden_samples(1))
    if (put.labels.get("__name__") == "golden_1") floats.push({{put.ms}, put.value, {}, nullptr});
  BlockBuilder block;
  block.add(SeriesId{3}, floats.slice());
  block.add(SeriesId{4}, floats.slice());
  SampleRun longer;
  for (const auto& put : golden_long())
    if (put.labels.get("__name__") == "golden_long_1" && longer.size() < kMaxColumnValues)
      longer.push({{put.ms}, put.value, {}, nullptr});
  block.add(SeriesId{5}, longer.slice());
  block.add(SeriesId{9}, run.slice().part(0, chunk_length(run.slice())));
  ASSERT_TRUE(io::publish_file(*disk, std::string(dir) + "/block", std::string("\2\0", 2) + block.take()));
  ByteWriter column;
  encode_doubles(std::span(floats.values).first(100), column);
  ASSERT_TRUE(io::publish_file(*disk, std::string(dir) + "/column", "\1c" + std::string(column.view())));
}

}  // namespace
}  // namespace telltale::tsdb
