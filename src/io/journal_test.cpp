// The journal against a model of what was acknowledged: every acknowledged record is there, once and in
// order, whatever call the crash hits; records that were not acknowledged may or may not be.
#include "io/journal.hpp"

#include <atomic>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "io/faulty_file_system.hpp"

namespace telltale::io {
namespace {

struct Bench {
  FaultyFileSystem fs;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  JournalOptions options;

  Bench() { options.segment_bytes = 300; }
  Result<std::unique_ptr<Journal>> open() { return Journal::open(fs, "/j", options, clock, log, metrics); }
};

std::map<std::uint64_t, std::string> contents(Journal& journal, Sequence after = {}) {
  std::map<std::uint64_t, std::string> out;
  std::uint64_t last = after.value;
  const auto done = journal.replay(after, [&](Sequence s, std::string_view payload) -> Result<> {
    EXPECT_GT(s.value, last);
    last = s.value;
    out[s.value] = payload;
    return {};
  });
  EXPECT_TRUE(done);
  return out;
}

std::string segment_path(Bench& b, std::size_t index) {
  std::vector<std::string> names;
  const auto files = *b.fs.list("/j");
  for (const auto& file : files) {
    if (file.name.ends_with(".seg")) names.push_back("/j/" + file.name);
  }
  return names.at(index);
}

TEST(Journal, AppendsReplaysReleasesAndReopens) {
  Bench b;
  {
    auto journal = *b.open();
    EXPECT_EQ(journal->oldest().value, 1u);
    std::vector<std::uint64_t> sunk;
    journal->set_sink([&](Sequence s, const Attachment&) { sunk.push_back(s.value); });
    for (std::uint64_t i = 1; i <= 30; ++i) {
      EXPECT_EQ(journal->append("record " + std::to_string(i), {}, nullptr)->value, i);
      EXPECT_EQ(sunk.size(), i);
    }
    EXPECT_EQ(contents(*journal, {20}).size(), 10u);
    ASSERT_TRUE(journal->release({15}));
    EXPECT_LE(journal->oldest().value, 16u);
    EXPECT_GT(journal->oldest().value, 1u);
    ASSERT_TRUE(journal->release({30}));
    journal->stop();
    EXPECT_EQ(journal->append("x", {}, nullptr).error().kind(), ErrorKind::unavailable);
  }
  b.fs.crash();
  auto journal = *b.open();
  EXPECT_EQ(journal->durable().value, 30u);
  EXPECT_EQ(journal->append("next", {}, nullptr)->value, 31u);
}

TEST(Journal, AcknowledgedRecordsSurviveACrashAtAnyCall) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    bool done = false;
    for (std::uint64_t k = 1; !done; ++k) {
      Bench b;
      std::map<std::uint64_t, std::string> acknowledged;
      std::uint64_t released = 0;
      b.fs.power_off_at(k);
      if (auto journal = b.open()) {
        for (int i = 0; i < 14; ++i) {
          const Id128 id{1, static_cast<std::uint64_t>(i) + 1};
          const std::string payload =
              "payload " + std::to_string(i) + std::string(static_cast<std::size_t>(i * 7), '.');
          EXPECT_EQ((*journal)->admit(id), Journal::Admission::fresh);
          const auto sequence = (*journal)->append(payload, {&id, 1}, nullptr);
          if (sequence) acknowledged[sequence->value] = payload;
          if (i == 9) {
            released = 6;
            (void)(*journal)->release({released});
          }
        }
      }
      done = !b.fs.powered_off();
      b.fs.crash(seed == 0 ? std::nullopt : std::optional(seed * 7919 + k));
      auto journal = b.open();
      ASSERT_TRUE(journal) << journal.error().message() << " seed " << seed << " k " << k;
      const auto found = contents(**journal);
      for (const auto& [sequence, payload] : acknowledged) {
        if (sequence > released) {
          ASSERT_TRUE(found.contains(sequence)) << "lost " << sequence << " seed " << seed << " k " << k;
          EXPECT_EQ(found.at(sequence), payload);
        }
        const Id128 id{1, sequence};
        EXPECT_EQ((*journal)->admit(id), Journal::Admission::duplicate)
            << sequence << " seed " << seed << " k " << k;
      }
      const auto next = (*journal)->append("after", {}, nullptr);
      ASSERT_TRUE(next);
      EXPECT_GT(next->value, acknowledged.empty() ? 0 : acknowledged.rbegin()->first);
    }
  }
}

TEST(Journal, UsableAfterAnySingleFailedCall) {
  for (std::uint64_t k = 1; k < 60; ++k) {
    Bench b;
    auto journal = *b.open();
    b.fs.fail_at(b.fs.calls() + k, k % 2 ? ErrorKind::io : ErrorKind::disk_full);
    std::map<std::uint64_t, std::string> acknowledged;
    for (int i = 0; i < 14; ++i) {
      const std::string payload = std::string(40, 'p') + std::to_string(i);
      const auto sequence = journal->append(payload, {}, nullptr);
      if (sequence) acknowledged[sequence->value] = payload;
    }
    b.fs.cancel_failures();
    EXPECT_GE(acknowledged.size(), 12u) << k;
    EXPECT_EQ(contents(*journal), acknowledged) << k;
    journal.reset();
    b.fs.crash(k);
    EXPECT_EQ(contents(**b.open()), acknowledged) << k;
  }
}

TEST(Journal, FullDiskRefusesThenGoesOn) {
  Bench b;
  auto journal = *b.open();
  ASSERT_TRUE(journal->append("before", {}, nullptr));
  b.fs.set_capacity(b.fs.used_bytes() + 10);
  const Id128 id{5, 5};
  EXPECT_EQ(journal->admit(id), Journal::Admission::fresh);
  EXPECT_EQ(journal->append(std::string(100, 'x'), {&id, 1}, nullptr).error().kind(), ErrorKind::disk_full);
  b.fs.set_capacity(std::nullopt);
  EXPECT_EQ(journal->admit(id), Journal::Admission::fresh);
  EXPECT_EQ(journal->append("after", {&id, 1}, nullptr)->value, 2u);
  journal.reset();
  b.fs.crash();
  EXPECT_EQ(contents(**b.open()), (std::map<std::uint64_t, std::string>{{1, "before"}, {2, "after"}}));
}

TEST(Journal, AFullDiskIsToldOfOnceAndItsEndToo) {
  Bench b;
  std::vector<std::string> lines;
  Logger log{b.clock, LogLevel::info, [&](std::string_view line) { lines.emplace_back(line); }};
  auto journal = *Journal::open(b.fs, "/j", b.options, b.clock, log, b.metrics);
  b.fs.set_capacity(b.fs.used_bytes() + 10);
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(journal->append(std::string(100, 'x'), {}, nullptr));
  b.fs.set_capacity(std::nullopt);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(journal->append("after", {}, nullptr));
  journal->stop();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("cannot be made durable"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("durable again\",\"failed_groups\":9"), std::string::npos) << lines[1];
}

std::size_t ids_files(Bench& b) {
  const auto files = *b.fs.list("/j");
  return static_cast<std::size_t>(
      std::count_if(files.begin(), files.end(), [](const auto& f) { return f.name.ends_with(".ids"); }));
}

TEST(Journal, ClientIdsOfReleasedSegmentsGoWhenTheirWindowHasPassed) {
  Bench b;
  const auto fill = [&](Journal& journal, std::uint64_t from) {
    for (std::uint64_t i = from; i < from + 10; ++i) {
      const Id128 id{7, i};
      EXPECT_EQ(journal.admit(id), Journal::Admission::fresh);
      ASSERT_TRUE(journal.append(std::string(60, '.'), {&id, 1}, nullptr));
    }
    ASSERT_TRUE(journal.release(journal.durable()));
  };
  auto journal = *b.open();
  fill(*journal, 1);
  const std::size_t first = ids_files(b);
  ASSERT_GT(first, 0u);
  b.clock.advance(std::chrono::minutes(40));
  ASSERT_TRUE(journal->release({1}));
  EXPECT_EQ(ids_files(b), first) << "still in the window";
  EXPECT_EQ(journal->admit({7, 1}), Journal::Admission::duplicate);
  fill(*journal, 101);
  const std::size_t both = ids_files(b);
  ASSERT_GT(both, first);
  b.clock.advance(std::chrono::minutes(30));
  ASSERT_TRUE(journal->release({1}));
  EXPECT_EQ(ids_files(b), both - first) << "the newer ones stay";
  EXPECT_EQ(journal->admit({7, 101}), Journal::Admission::duplicate);
  // Those of an earlier run, too.
  journal.reset();
  journal = *b.open();
  EXPECT_EQ(journal->admit({7, 101}), Journal::Admission::duplicate);
  b.clock.advance(std::chrono::minutes(61));
  ASSERT_TRUE(journal->release({1}));
  EXPECT_EQ(ids_files(b), 0u);
  const auto calls = b.fs.calls();
  ASSERT_TRUE(journal->release({1}));
  EXPECT_EQ(b.fs.calls(), calls) << "nothing to release, nothing to sync";
}

TEST(Journal, FlippedBitCostsOneRecordAndIsNeverServed) {
  for (std::uint64_t offset = 0; offset < 200; offset += 3) {
    Bench b;
    {
      auto journal = *b.open();
      for (int i = 0; i < 20; ++i) ASSERT_TRUE(journal->append("record " + std::to_string(i), {}, nullptr));
    }
    ASSERT_TRUE(b.fs.flip_bit(segment_path(b, 0), offset, offset % 8));
    auto journal = *b.open();
    const auto found = contents(*journal);
    EXPECT_GE(found.size(), 19u) << offset;
    for (const auto& [sequence, payload] : found)
      EXPECT_EQ(payload, "record " + std::to_string(sequence - 1));
    EXPECT_EQ(journal->append("more", {}, nullptr)->value, 21u);
    ASSERT_TRUE(journal->release({20}));
    bool kept_aside = false;
    const auto files = *b.fs.list("/j");
    for (const auto& file : files) kept_aside |= file.name.ends_with(".damaged");
    EXPECT_TRUE(kept_aside) << offset;
  }
}

TEST(Journal, TornTailIsDropped) {
  Bench b;
  b.options.segment_bytes = 1 << 20;
  { ASSERT_TRUE((*b.open())->append("whole", {}, nullptr)); }
  const std::string path = segment_path(b, 0);
  {
    const auto file = *b.fs.open(path, OpenMode::write_existing);
    ASSERT_TRUE(file->write(*file->size(), "half a rec"));
  }
  auto journal = *b.open();
  EXPECT_EQ(contents(*journal).size(), 1u);
  EXPECT_EQ(journal->append("second", {}, nullptr)->value, 2u);
  EXPECT_EQ(contents(*journal).size(), 2u);
}

TEST(Journal, IdsOutliveTheirSegmentAndExpire) {
  Bench b;
  const Id128 id{7, 7};
  {
    auto journal = *b.open();
    EXPECT_EQ(journal->admit(id), Journal::Admission::fresh);
    journal->forget(id);
    EXPECT_EQ(journal->admit(id), Journal::Admission::fresh);
    ASSERT_TRUE(journal->append(std::string(400, 'x'), {&id, 1}, nullptr));
    EXPECT_EQ(journal->admit(id), Journal::Admission::duplicate);
    ASSERT_TRUE(journal->append("in the next segment", {}, nullptr));
    ASSERT_TRUE(journal->release({1}));
    EXPECT_EQ(journal->oldest().value, 2u);
  }
  b.fs.crash();
  EXPECT_EQ((*b.open())->admit(id), Journal::Admission::duplicate);
  b.clock.advance(std::chrono::hours(2));
  EXPECT_EQ((*b.open())->admit(id), Journal::Admission::fresh);
}

TEST(Journal, ConcurrentAppendsOfTheSameIdsCountOnce) {
  Bench b;
  b.options.segment_bytes = 20'000;
  auto journal = *b.open();
  std::atomic<std::uint64_t> last_sunk{0};
  journal->set_sink(
      [&](Sequence s, const Attachment&) { EXPECT_EQ(last_sunk.exchange(s.value) + 1, s.value); });
  std::atomic<int> appended{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 1; i <= 300; ++i) {
        const Id128 id{9, i};
        if (journal->admit(id) == Journal::Admission::duplicate) continue;
        const auto sequence = journal->append("id " + std::to_string(i), {&id, 1}, nullptr);
        ASSERT_TRUE(sequence);
        EXPECT_GE(last_sunk.load(), sequence->value);
        ++appended;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(appended.load(), 300);
  EXPECT_EQ(contents(*journal).size(), 300u);
}

}  // namespace
}  // namespace telltale::io
