#include "ingest/pipeline.hpp"

#include <atomic>

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

}  // namespace
}  // namespace telltale::ingest
