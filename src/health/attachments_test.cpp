// Files of events under a fake clock and on a disk that forgets: whole or not at all, found again after a
// power cut, once, and gone with what they belong to.
#include "health/attachments.hpp"

#include <gtest/gtest.h>

#include "base/attachment_limits.hpp"
#include "base/hash.hpp"
#include "base/rng.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::health {
namespace {

constexpr ProjectId kOne{1};

struct AttachmentRig {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<Attachments> store;
  std::uint64_t sequence = 0;

  AttachmentRig() { clock.set_wall(*parse_rfc3339("2026-01-08T09:30:00Z")); }
  Result<> open() {
    store.reset();
    db.reset();
    TT_ASSIGN(db, metadb::open_metadb(disk, "data/meta", clock, log, metrics));
    TT_ASSIGN(store, Attachments::open(*db, disk, "data/attachments", clock, log, metrics));
    return {};
  }
  storage::AttachmentItem item(std::uint64_t event, std::string name) {
    storage::AttachmentItem out;
    out.event_id = {event, 1};
    out.kind = "event.attachment";
    out.name = std::move(name);
    return out;
  }
  storage::Batch batch(const storage::AttachmentItem& item) {
    storage::Batch out;
    out.project = kOne;
    out.received = clock.now();
    out.items.attachments.push_back(item);
    return out;
  }
  /// Kept and taken in.
  Result<> send(std::uint64_t event, std::string name, std::string_view bytes) {
    auto made = item(event, std::move(name));
    TT_TRY(store->keep(kOne, made, bytes));
    return store->apply({++sequence}, batch(made));
  }
  std::vector<storage::Attachment> list() {
    storage::AttachmentQuery query;
    query.projects = {kOne};
    return *db->attachments().list(query);
  }
  std::string read(const storage::Attachment& attachment) {
    const auto reader = store->read(attachment);
    std::string out;
    for (std::size_t n = 0; reader && n < (*reader)->pieces(); ++n)
      out += (*reader)->piece(n).value_or("damaged");
    return out;
  }
  std::size_t files() { return disk.list("data/attachments")->size(); }
};

std::string noise(std::size_t bytes) {
  std::string out;
  for (std::uint64_t i = 0; out.size() < bytes; ++i) out += hash128(std::to_string(i)).hex();
  out.resize(bytes);
  return out;
}

TEST(Attachments, KeepTheirBytes) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  const std::size_t piece = limits::kAttachmentPieceBytes;
  std::uint64_t event = 0;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, piece - 1, piece, piece + 1, 3 * piece + 17}) {
    for (const std::string& bytes : {std::string(size, 'x'), secure_random(size)}) {
      ASSERT_TRUE(rig.send(++event, "f", bytes));
      const auto kept = rig.list().front();
      EXPECT_EQ(kept.item.size, size);
      EXPECT_TRUE(rig.read(kept) == bytes) << size;
      if (size > piece && bytes[0] == 'x') {
        EXPECT_LT(kept.item.stored, size / 100);
      }
    }
  }
  EXPECT_EQ(rig.store->verify()->size(), 0U);
}

TEST(Attachments, WhatIsSentAgainIsThereOnce) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.send(1, "a", "bytes"));
  ASSERT_TRUE(rig.send(1, "a", "bytes"));
  EXPECT_EQ(rig.list().size(), 1U);
  EXPECT_EQ(rig.files(), 1U);
  ASSERT_TRUE(rig.send(1, "a", "other bytes"));
  ASSERT_TRUE(rig.send(2, "a", "bytes"));
  EXPECT_EQ(rig.list().size(), 3U);
  EXPECT_EQ(rig.files(), 3U);
}

TEST(Attachments, SurviveAPowerCutOnceTheyAreAcknowledged) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  auto kept = rig.item(1, "kept");
  ASSERT_TRUE(rig.store->keep(kOne, kept, noise(100'000)));  // and journaled
  auto lost = rig.item(2, "lost");
  ASSERT_TRUE(rig.store->keep(kOne, lost, noise(1'000)));  // and not
  rig.disk.crash();
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.store->apply({1}, rig.batch(kept)));  // replayed
  ASSERT_TRUE(rig.store->start());
  ASSERT_EQ(rig.list().size(), 1U);
  EXPECT_EQ(rig.read(rig.list()[0]), noise(100'000));
  EXPECT_EQ(rig.files(), 1U);
  ASSERT_TRUE(rig.store->checkpoint());
  rig.disk.crash();
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.store->start());
  EXPECT_EQ(rig.read(rig.list()[0]), noise(100'000));
}

TEST(Attachments, AreWholeOrNotKeptWheneverThePowerGoes) {
  const std::string bytes = noise(limits::kAttachmentPieceBytes + 5'000);
  bool last = false;
  std::uint64_t kept_rounds = 0;
  for (std::uint64_t call = 1; !last; ++call) {
    SCOPED_TRACE("power goes at call " + std::to_string(call));
    AttachmentRig rig;
    ASSERT_TRUE(rig.open());
    auto item = rig.item(1, "kept");
    rig.disk.power_off_at(call);
    const bool acknowledged = rig.store->keep(kOne, item, bytes).has_value();
    last = !rig.disk.powered_off();
    rig.disk.crash(call);
    ASSERT_TRUE(rig.open());
    // Only what was kept is journaled, and so replayed.
    if (acknowledged) {
      ASSERT_TRUE(rig.store->apply({1}, rig.batch(item)));
    }
    ASSERT_TRUE(rig.store->start());
    EXPECT_EQ(rig.list().size(), acknowledged ? 1U : 0U);
    EXPECT_EQ(rig.files(), acknowledged ? 1U : 0U) << "nothing else stays";
    if (acknowledged) {
      EXPECT_EQ(rig.read(rig.list()[0]), bytes);
    }
    kept_rounds += acknowledged;
  }
  EXPECT_GE(kept_rounds, 1U);
}

TEST(Attachments, ABatchThatWasNotCommittedLeavesNothing) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  auto item = rig.item(1, "a");
  ASSERT_TRUE(rig.store->keep(kOne, item, "bytes"));
  rig.store->drop(item);
  EXPECT_EQ(rig.files(), 0U);
}

TEST(Attachments, OfOneEventAreLimited) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  for (std::size_t i = 0; i < limits::kMaxEventAttachments; ++i)
    ASSERT_TRUE(rig.send(1, std::to_string(i), "bytes"));
  auto item = rig.item(1, "one more");
  const auto refused = rig.store->keep(kOne, item, "bytes");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(rig.files(), limits::kMaxEventAttachments);
  EXPECT_TRUE(rig.send(2, "another's", "bytes"));
}

TEST(Attachments, GoWhenTheirProjectKeepsErrorsNoLonger) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.db->projects().add({kOne, "one", "One", rig.clock.now()}));
  ASSERT_TRUE(rig.send(1, "old", "old"));
  rig.clock.advance(std::chrono::hours(50));
  ASSERT_TRUE(rig.send(2, "new", "new"));
  const auto two_days = [](ProjectId) -> Nanos { return std::chrono::hours(48); };
  ASSERT_TRUE(rig.store->prune([](ProjectId) { return Nanos(0); }));  // for ever
  EXPECT_EQ(rig.list().size(), 2U);
  ASSERT_TRUE(rig.store->prune(two_days));
  ASSERT_EQ(rig.list().size(), 1U);
  EXPECT_EQ(rig.list()[0].item.name, "new");
  EXPECT_EQ(rig.files(), 1U);
}

TEST(Attachments, GoWithTheirEvents) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  for (const std::uint64_t event : {1, 2, 3}) ASSERT_TRUE(rig.send(event, "f", std::to_string(event)));
  EXPECT_EQ(*rig.store->forget(kOne, {Id128{1, 1}, Id128{3, 1}, Id128{9, 9}, Id128{}}), 2U);
  ASSERT_EQ(rig.list().size(), 1U);
  EXPECT_EQ(rig.read(rig.list()[0]), "2");
  EXPECT_EQ(*rig.store->forget(ProjectId{2}, {Id128{2, 1}}), 0U);
}

TEST(Attachments, DamageIsNamedAndNotServed) {
  AttachmentRig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.send(1, "f", noise(5'000)));
  const auto kept = rig.list()[0];
  const std::string path = "data/attachments/" + kept.item.blob.hex() + ".blob";
  {
    const auto file = *rig.disk.open(path, io::OpenMode::write_existing);
    ASSERT_TRUE(file->write(100, "?"));
  }
  EXPECT_FALSE((*rig.store->read(kept))->piece(0));
  const auto damage = rig.store->verify();
  ASSERT_EQ(damage->size(), 1U);
  EXPECT_NE(damage->front().find(kept.item.blob.hex()), std::string::npos);
}

}  // namespace
}  // namespace telltale::health
