#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "io/faulty_file_system.hpp"

namespace telltale::eventdb {
namespace {

using storage::EraseRequest;
using storage::EventFilter;
using storage::FilterOp;

constexpr std::int64_t kStart = 1'700'000'000;

struct EraseRig {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  io::FaultyFileSystem disk;
  std::unique_ptr<EventDb> db;

  Result<> reopen() {
    db.reset();
    auto opened = open_eventdb(disk, "data/events", {}, clock, log, metrics);
    if (!opened) return tl::unexpected<Error>(std::move(opened).error());
    db = *std::move(opened);
    return {};
  }
  std::vector<EventRow> rows() {
    WorkContext context(clock, WorkLimits{});
    storage::EventQuery q;
    q.projects = {ProjectId{1}, ProjectId{2}};
    q.with_payload = true;
    q.order = storage::Order::oldest_first;
    return *storage::collect(*db, q, context);
  }
  std::string all_bytes() {
    std::string out;
    const auto files = disk.list("data/events");
    for (const auto& file : *files)
      if (file.name.ends_with(".part") || file.name == "MANIFEST")
        out += *io::read_file(disk, "data/events/" + file.name);
    return out;
  }
};

EventRow erasable_row(Rng& rng) {
  EventRow row;
  row.project.value = static_cast<std::uint32_t>(1 + rng.below(2));
  row.time = UnixNanos::from_seconds(kStart + static_cast<std::int64_t>(rng.below(300'000)));
  row.message = "word" + std::to_string(rng.below(5));
  row.ids.user_id = "u" + std::to_string(rng.below(6));
  if (rng.chance(0.5)) row.set("mail", "p" + std::to_string(rng.below(4)) + "@example.com");
  if (rng.chance(0.2)) row.payload = "{\"x\":\"p" + std::to_string(rng.below(4)) + "@example.com\"}";
  return row;
}

EraseRequest random_request(Rng& rng) {
  EraseRequest request;
  request.projects =
      rng.chance(0.5) ? storage::Projects{ProjectId{1}} : storage::Projects{ProjectId{1}, ProjectId{2}};
  if (rng.chance(0.5)) {
    request.range.from = UnixNanos::from_seconds(kStart + static_cast<std::int64_t>(rng.below(200'000)));
    request.range.to = request.range.from + std::chrono::hours(1 + rng.below(40));
  }
  const std::string mail = "p" + std::to_string(rng.below(4)) + "@example.com";
  switch (rng.below(4)) {
    case 0:
      request.filter = EventFilter::leaf(FilterOp::eq, "user_id", "u" + std::to_string(rng.below(7)));
      break;
    case 1:
      request.filter = storage::filter_of_person({{}, mail, {}, false});
      break;
    case 2:
      request.filter = EventFilter::leaf(FilterOp::regex, "message", "word[01]");
      break;
    default:
      break;  // everything in the range
  }
  if (rng.chance(0.3)) {
    // What no filter says, of every kind of column.
    request.rest = [](const EventRow& row) {
      const auto address = field_text(row, "mail");
      return (row.message.size() + row.payload.size() + row.ids.user_id.back() +
              (address ? address->back() : 0)) %
                 2 ==
             0;
    };
  }
  return request;
}

TEST(EventDbErase, AgreesWithAVectorOfRows) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 6; ++run) {
    EraseRig rig;
    ASSERT_TRUE(rig.reopen());
    for (std::uint64_t sequence = 1; sequence <= 8; ++sequence) {
      storage::Batch batch;
      for (std::uint64_t i = 0; i < 60; ++i) batch.logs.push_back(erasable_row(rng));
      ASSERT_TRUE(rig.db->apply(Sequence{sequence}, batch));
      if (rng.chance(0.5)) {
        ASSERT_TRUE(rig.db->checkpoint());
      }
    }
    ASSERT_TRUE(rig.db->checkpoint());
    std::vector<EventRow> expected = rig.rows();
    for (int i = 0; i < 4; ++i) {
      const EraseRequest request = random_request(rng);
      const auto filter = *storage::CompiledFilter::compile(request.filter);
      const std::size_t before = expected.size();
      std::erase_if(expected, [&](const EventRow& row) {
        return std::find(request.projects.begin(), request.projects.end(), row.project) !=
                   request.projects.end() &&
               request.range.contains(row.time) && filter.matches(row) &&
               (!request.rest || request.rest(row));
      });
      const auto erased = rig.db->erase(request);
      ASSERT_TRUE(erased) << erased.error().message();
      ASSERT_EQ(*erased, before - expected.size());
      ASSERT_EQ(rig.rows(), expected);
      ASSERT_TRUE(rig.db->verify()->damaged.empty());
      if (rng.chance(0.5)) {
        ASSERT_TRUE(rig.reopen());
        ASSERT_EQ(rig.rows(), expected);
      }
    }
  }
}

TEST(EventDbErase, TheirBytesAreGone) {
  EraseRig rig;
  ASSERT_TRUE(rig.reopen());
  storage::Batch batch;
  for (int i = 0; i < 10; ++i) {
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(kStart + i * 86'400);
    row.ids.user_id = i % 2 == 0 ? "somebodyunmistakable" : "another";
    row.message = i % 2 == 0 ? "said somebodyunmistakable" : "said nothing";
    batch.logs.push_back(row);
  }
  ASSERT_TRUE(rig.db->apply(Sequence{1}, batch));
  ASSERT_TRUE(rig.db->checkpoint());
  ASSERT_NE(rig.all_bytes().find("unmistakable"), std::string::npos);
  const auto erased = rig.db->erase(
      {Table::logs, {ProjectId{1}}, {}, EventFilter::leaf(FilterOp::eq, "user_id", "somebodyunmistakable")});
  ASSERT_EQ(*erased, 5u);
  EXPECT_EQ(rig.all_bytes().find("unmistakable"), std::string::npos);
  EXPECT_EQ(rig.rows().size(), 5u);
}

TEST(EventDbErase, RowsAreTakenInAndWrittenWhileItRuns) {
  EraseRig rig;
  ASSERT_TRUE(rig.reopen());
  std::uint64_t sequence = 0;
  const auto write = [&](const char* message) {
    storage::Batch batch;
    for (int i = 0; i < 3; ++i) {
      EventRow row;
      row.project.value = 1;
      row.time = UnixNanos::from_seconds(kStart + i * 86'400);
      row.message = message;
      batch.logs.push_back(row);
    }
    return rig.db->apply(Sequence{++sequence}, batch).has_value() && rig.db->checkpoint().has_value();
  };
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(write("old"));
  const std::size_t parts = rig.db->stats().parts;
  std::size_t told = 0;
  EraseRequest request{
      Table::logs, {ProjectId{1}}, {}, EventFilter::leaf(FilterOp::regex, "message", "old|new")};
  request.progress = [&](const storage::EraseProgress& progress) -> Result<> {
    EXPECT_EQ(progress.done, ++told);
    EXPECT_EQ(progress.parts, parts);
    EXPECT_EQ(progress.rows, told);
    EXPECT_TRUE(write("new"));
    return {};
  };
  const auto erased = rig.db->erase(request);
  ASSERT_TRUE(erased) << erased.error().message();
  EXPECT_EQ(*erased, 18u);
  EXPECT_EQ(told, 18u);
  for (const EventRow& row : rig.rows()) EXPECT_EQ(row.message, "new");
  EXPECT_EQ(rig.rows().size(), 54u) << "accepted after it began";
  const std::size_t unmerged = rig.db->stats().parts;
  ASSERT_TRUE(rig.db->maintenance());
  EXPECT_LT(rig.db->stats().parts, unmerged);
  // A wish to stop is heard between two parts, and merging goes on afterwards.
  request.progress = [](const storage::EraseProgress&) -> Result<> {
    return fail(ErrorKind::unavailable, "stop");
  };
  EXPECT_FALSE(rig.db->erase(request));
  EXPECT_LT(rig.rows().size(), 54u);
  EXPECT_GT(rig.rows().size(), 0u);
}

// Wherever the power goes, what stays is whole, and the same request made again finishes the work.
TEST(EventDbErase, ACrashLeavesNothingHalfDone) {
  for (std::uint64_t k = 1;; ++k) {
    EraseRig rig;
    ASSERT_TRUE(rig.reopen());
    storage::Batch batch;
    for (int i = 0; i < 12; ++i) {
      EventRow row;
      row.project.value = 1;
      row.time = UnixNanos::from_seconds(kStart + (i % 3) * 86'400);
      row.ids.user_id = i % 4 == 0 ? "gone" : "stays" + std::to_string(i);
      batch.logs.push_back(row);
    }
    ASSERT_TRUE(rig.db->apply(Sequence{1}, batch));
    ASSERT_TRUE(rig.db->checkpoint());
    const EraseRequest request{
        Table::logs, {ProjectId{1}}, {}, EventFilter::leaf(FilterOp::eq, "user_id", "gone")};
    rig.disk.power_off_at(rig.disk.calls() + k);
    const auto first = rig.db->erase(request);
    const bool last = !rig.disk.powered_off();
    rig.db.reset();
    rig.disk.crash(k);
    ASSERT_TRUE(rig.reopen()) << "call " << k;
    if (first) {
      EXPECT_EQ(rig.rows().size(), 9u) << "call " << k;
    }
    EXPECT_GE(rig.rows().size(), 9u) << "call " << k;
    ASSERT_TRUE(rig.db->erase(request)) << "call " << k;
    EXPECT_EQ(rig.rows().size(), 9u) << "call " << k;
    if (last) break;
  }
}

}  // namespace
}  // namespace telltale::eventdb
