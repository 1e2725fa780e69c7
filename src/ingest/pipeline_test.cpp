#include "ingest/pipeline.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "io/faulty_file_system.hpp"
#include "storage/memory_metric_store.hpp"

namespace telltale::ingest {
namespace {

// A store that never asks to be made durable, as one with a young head does not.
class PatientStore : public storage::DerivedStore {
 public:
  std::string_view name() const override { return "patient"; }
  Result<> apply(Sequence sequence, const storage::Batch&) override {
    applied_ = sequence.value;
    return {};
  }
  Sequence applied() const override { return {applied_.load()}; }
  Sequence durable() const override { return {durable_.load()}; }
  Result<> checkpoint() override {
    durable_ = applied_.load();
    return {};
  }
  bool wants_checkpoint() const override { return false; }

 private:
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> durable_{0};
};

TEST(Pipeline, AJournalThatGrewTooLargeMakesTheSlowestStoreDurable) {
  constexpr std::uint64_t kReplayBytes = 20'000;
  io::FaultyFileSystem fs;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  io::JournalOptions options;
  options.segment_bytes = 2'000;
  auto journal = io::Journal::open(fs, "/journal", options, clock, log, metrics);
  ASSERT_TRUE(journal.has_value());
  PatientStore store;
  const auto metric_store = storage::make_memory_metric_store();
  Pipeline pipeline(
      **journal, {&store}, *metric_store, [] { return true; }, clock, log, metrics, kReplayBytes);
  pipeline.start();

  std::uint64_t largest = 0;
  Sequence last;
  for (int i = 0; i < 2'000; ++i) {
    storage::Batch batch;
    batch.project = ProjectId{1};
    batch.logs.emplace_back().message = "line " + std::to_string(i);
    const auto committed = pipeline.commit(std::move(batch));
    ASSERT_TRUE(committed.has_value());
    last = committed->sequence;
    ASSERT_TRUE(pipeline.wait_applied(last, std::chrono::seconds(10)));
    largest = std::max(largest, (*journal)->bytes());
    ASSERT_TRUE(pipeline.checkpoint(false).has_value());
  }
  EXPECT_GT(largest, kReplayBytes);  // below it, nobody was hurried
  EXPECT_LT(largest, kReplayBytes + 2 * options.segment_bytes);
  EXPECT_LT(store.durable(), last);
  (*journal)->stop();
  pipeline.stop();
  EXPECT_EQ(store.durable(), last);
}

/// A pipeline over one store.
template <class Store>
struct Running {
  Running() { pipeline.start(); }
  void stop() {
    journal->stop();
    pipeline.stop();
  }

  io::FaultyFileSystem fs;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<io::Journal> journal = io::Journal::open(fs, "/journal", {}, clock, log, metrics).value();
  Store store;
  std::unique_ptr<storage::MetricStore> metric_store = storage::make_memory_metric_store();
  Pipeline pipeline{*journal, {&store}, *metric_store, [] { return true; }, clock, log, metrics};
};

// Takes errors at once, metrics' samples whenever, and nothing else.
class ChoosyStore final : public PatientStore {
 public:
  storage::Urgency urgency(const storage::Batch& batch) const override {
    if (!batch.errors.empty()) return storage::Urgency::now;
    return batch.samples.empty() ? storage::Urgency::none : storage::Urgency::soon;
  }
  Result<> apply(Sequence sequence, const storage::Batch& batch) override {
    errors += batch.errors.size();
    samples += batch.samples.size();
    logs += batch.logs.size();
    return PatientStore::apply(sequence, batch);
  }
  std::atomic<std::size_t> errors{0};
  std::atomic<std::size_t> samples{0};
  std::atomic<std::size_t> logs{0};
};

TEST(Pipeline, AStoreIsShownWhatItWantsAndReachesEverySequence) {
  Running<ChoosyStore> rig;
  auto& store = rig.store;
  auto& pipeline = rig.pipeline;
  Sequence last;
  for (int i = 0; i < 300; ++i) {  // more than one commit of the store takes
    storage::Batch batch;
    batch.project = ProjectId{1};
    if (i % 3 == 0) batch.logs.emplace_back().message = "line";
    if (i % 3 == 1) batch.samples.push_back({SeriesId{1}, {UnixMillis{i}, 1.0}});
    if (i % 60 == 2) batch.errors.emplace_back().message = "error";
    if (batch.empty()) batch.logs.emplace_back().message = "line";
    const auto committed = pipeline.commit(std::move(batch));
    ASSERT_TRUE(committed.has_value());
    last = committed->sequence;
  }
  // Whoever waits does not wait for the moment in which counts gather, nor for the next batch that is wanted.
  ASSERT_TRUE(pipeline.wait_applied(last, std::chrono::seconds(10)));
  EXPECT_EQ(store.applied(), last);
  EXPECT_EQ(store.errors, 5U);
  EXPECT_EQ(store.samples, 100U);
  EXPECT_EQ(store.logs, 0U);
  storage::Batch unwanted;
  unwanted.project = ProjectId{1};
  unwanted.logs.emplace_back().message = "last line";
  const auto committed = pipeline.commit(std::move(unwanted));
  ASSERT_TRUE(committed.has_value());
  rig.stop();
  EXPECT_EQ(store.durable(), committed->sequence);
}

// Cannot take one batch, and would take every other.
class FullStore final : public PatientStore {
 public:
  Result<> apply(Sequence sequence, const storage::Batch& batch) override {
    if (!batch.logs.empty() && batch.logs.front().message == "stuck") {
      ++tries;
      return fail(ErrorKind::disk_full, "full");
    }
    return PatientStore::apply(sequence, batch);
  }
  std::atomic<int> tries{0};
};

TEST(Pipeline, AStoreThatIsStuckAtTheEndSkipsNothing) {
  Running<FullStore> rig;
  auto& store = rig.store;
  auto& pipeline = rig.pipeline;
  std::vector<Sequence> sequences;
  for (const char* line : {"fine", "stuck", "fine", "fine"}) {
    storage::Batch batch;
    batch.project = ProjectId{1};
    batch.logs.emplace_back().message = line;
    const auto committed = pipeline.commit(std::move(batch));
    ASSERT_TRUE(committed.has_value());
    sequences.push_back(committed->sequence);
  }
  while (store.tries == 0) std::this_thread::yield();
  rig.stop();
  EXPECT_EQ(store.durable(), sequences[0]) << "what is behind it comes again with it, from the journal";
}

}  // namespace
}  // namespace telltale::ingest
