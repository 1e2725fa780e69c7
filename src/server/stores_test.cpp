// Durability, proved on the whole way in: envelopes, lines, spans and samples go through ingest, journal and
// stores on a disk that loses its power at call k, for many k (each k when TELLTALE_SOAK is set), fills up,
// or fails to sync.
#include "server/stores.hpp"

#include <cstdlib>
#include <random>

#include "base/rng.hpp"
#include "base/upkeep_limits.hpp"
#include "server/stores_rig.hpp"

namespace telltale::server {
namespace {

using rig::check;
using rig::Client;
using rig::Rig;
using rig::Unanswered;

using rig::kProject;

constexpr int kRequests = 60;
constexpr std::uint64_t kStride = 120;  // of the power's sweep, on average half of it
constexpr std::uint64_t kFaultRuns = 12;

bool soak() { return std::getenv("TELLTALE_SOAK") != nullptr; }

/// Requests from..to with retries, checkpoints and maintenance between them; returns how many were refused.
int work(Rig& rig, Client& client, int from, int to) {
  int refused = 0;
  for (int n = from; n < to; ++n) {
    refused += client.send(rig, n) ? 0 : 1;
    if (n % 7 == 6) client.send(rig, n / 5 / 2 * 5);  // an event again
    if (n % 6 == 5) (void)rig.stores->pipeline().checkpoint(true);
    if (n % 11 == 10) (void)rig.stores->maintain();
  }
  return refused;
}

std::uint64_t seed_of_run() {
  const char* given = std::getenv("TELLTALE_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

std::string trace_of(std::uint64_t seed, std::uint64_t k) {
  return "TELLTALE_SEED=" + std::to_string(seed) + " k=" + std::to_string(k);
}

/// The disk works again: all that the client remembers is there, and goes on being there.
void recover_and_check(Rig& rig, Client& client) {
  auto opened = rig.open();
  ASSERT_TRUE(opened) << opened.error().message();
  check(rig, client.book(), Unanswered::may_be_there);
  client.resend(rig, kRequests);
  check(rig, client.book(), Unanswered::may_be_there);
  auto done = rig.stores->pipeline().checkpoint(true);
  EXPECT_TRUE(done) << done.error().message();
  done = rig.stores->maintain();
  EXPECT_TRUE(done) << done.error().message();
  const auto damage = rig.stores->verify();
  ASSERT_TRUE(damage) << damage.error().message();
  EXPECT_EQ(*damage, std::vector<std::string>{});
  rig.close();
  opened = rig.open();
  ASSERT_TRUE(opened) << opened.error().message();
  check(rig, client.book(), Unanswered::may_be_there);
}

/// The power goes at call k and, sometimes, once more while the server recovers. False: the work ended first.
bool power_cut(std::uint64_t seed, std::uint64_t k) {
  Rig rig;
  Client client;
  rig.disk.power_off_at(k);
  const int refused = rig.open() ? work(rig, client, 0, kRequests) : kRequests;
  const bool cut = rig.disk.powered_off();
  EXPECT_TRUE(cut || refused == 0);
  rig.close();
  Rng rng(seed + k);
  rig.disk.crash(rng.chance(0.2) ? std::nullopt : std::optional(rng.next()));
  if (rng.chance(0.3)) {
    rig.disk.power_off_at(rig.disk.calls() + 1 + rng.below(150));
    (void)rig.open();
    rig.close();
    rig.disk.crash(rng.next());
  }
  recover_and_check(rig, client);
  return cut;
}

TEST(StoresCrash, WhatWasAcknowledgedIsThereOnceWhereverThePowerGoes) {
  const std::uint64_t seed = seed_of_run();
  Rng rng(seed);
  for (std::uint64_t k = 1;; k += soak() ? 1 : 1 + rng.below(kStride)) {
    SCOPED_TRACE(trace_of(seed, k));
    const bool cut = power_cut(seed, k);
    if (::testing::Test::HasFailure() || !cut) break;
  }
}

// A call that fails once, and a sync that loses its bytes as on Linux, must not cost what is acknowledged
// before, meanwhile or afterwards; and what is refused stays away.
TEST(StoresCrash, SingleFailuresCostAtMostTheirRequests) {
  const std::uint64_t seed = seed_of_run();
  Rng rng(seed);
  for (std::uint64_t run = 0; run < (soak() ? 1000 : kFaultRuns); ++run) {
    SCOPED_TRACE(trace_of(seed, run));
    Rig rig;
    Client client;
    ASSERT_TRUE(rig.open());
    const std::uint64_t base = rig.disk.calls();
    for (std::uint64_t faults = 1 + rng.below(4); faults > 0; --faults)
      rig.disk.fail_at(base + 1 + rng.below(900), rng.chance(0.7) ? ErrorKind::io : ErrorKind::disk_full);
    if (rng.chance(0.5)) rig.disk.fail_syncs(1);
    work(rig, client, 0, kRequests);
    rig.disk.cancel_failures();  // the checks themselves read
    check(rig, client.book(), Unanswered::must_be_absent);
    client.resend(rig, kRequests / 2);
    check(rig, client.book(), Unanswered::must_be_absent);
    (void)rig.stores->pipeline().checkpoint(true);
    work(rig, client, kRequests, kRequests + 5);
    // The server ends without a word, or in good order.
    if (rng.chance(0.5)) rig.disk.power_off_at(0);
    rig.close();
    rig.disk.crash(rng.next());
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().message();
    check(rig, client.book(), Unanswered::must_be_absent);
    if (::testing::Test::HasFailure()) break;
  }
}

TEST(StoresDiskFull, WritesAreRefusedReadsGoOnAndSpaceBringsWritesBack) {
  Rig rig;
  Client client;
  ASSERT_TRUE(rig.open());
  ASSERT_EQ(work(rig, client, 0, 20), 0);
  ASSERT_TRUE(rig.settle());
  // Or what the journal and merges leave behind would make room later.
  ASSERT_TRUE(rig.stores->pipeline().checkpoint(true));
  ASSERT_TRUE(rig.stores->maintain());
  rig.disk.set_capacity(rig.disk.used_bytes() + 1500);
  ASSERT_GT(work(rig, client, 20, kRequests), 0);
  rig.disk.set_capacity(rig.disk.used_bytes());  // released segments may have made room
  const auto refused = rig.stores->pipeline().write_samples(
      kProject, rig.clock.now(), {{Labels({{"__name__", std::string(2000, 'x')}}), {}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::disk_full) << refused.error().message();
  rig::check_rows(rig, client.book(), Unanswered::must_be_absent);
  rig.disk.set_capacity(std::nullopt);
  check(rig, client.book(), Unanswered::must_be_absent);
  client.resend(rig, kRequests);
  const auto done = rig.stores->pipeline().checkpoint(true);
  EXPECT_TRUE(done) << done.error().message();
  check(rig, client.book(), Unanswered::must_be_absent);
  rig.disk.power_off_at(0);
  rig.close();
  rig.disk.crash();
  ASSERT_TRUE(rig.open());
  check(rig, client.book(), Unanswered::must_be_absent);
}

TEST(StoresBackup, ARestoredServerHoldsWhatWasThereAtTheBackup) {
  Rig rig;
  Client client;
  ASSERT_TRUE(rig.open());
  ASSERT_EQ(work(rig, client, 0, 40), 0);
  const auto saved = rig.stores->backup("safe/monday");
  ASSERT_TRUE(saved) << saved.error().message();
  const rig::Book then = client.book();
  ASSERT_EQ(work(rig, client, 40, kRequests), 0);
  const auto again = rig.stores->backup("safe/monday");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind(), ErrorKind::conflict);
  rig.disk.power_off_at(0);
  rig.close();
  rig.disk.crash();  // a backup is durable when it returns
  const auto restored = restore(rig.disk, "safe/monday", "restored");
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_EQ(*restored, *saved);
  EXPECT_FALSE(restore(rig.disk, "safe/monday", "restored"));
  rig.config.server.data_dir = "restored";
  rig.disk.crash();
  ASSERT_TRUE(rig.open());
  check(rig, then, Unanswered::must_be_absent);
  // Clients that send again: nothing that the backup held counts twice, the rest is new.
  client.resend(rig, 40);
  ASSERT_EQ(work(rig, client, 40, kRequests), 0);
  rig.close();
  ASSERT_TRUE(rig.open());
  check(rig, client.book(), Unanswered::must_be_absent);
}

TEST(StoresSnapshot, IsABackupInTheDataFolderWholeOrNotAtAll) {
  const std::uint64_t seed = seed_of_run();
  Rng rng(seed);
  bool whole = false;
  for (std::uint64_t k = 0; !whole; k += 1 + rng.below(soak() ? 4 : 60)) {
    SCOPED_TRACE(trace_of(seed, k));
    Rig rig;
    Client client;
    ASSERT_TRUE(rig.open());
    ASSERT_EQ(work(rig, client, 0, 12), 0);
    const rig::Book then = client.book();
    rig.disk.power_off_at(rig.disk.calls() + 1 + k);
    const auto made = rig.stores->snapshot("monday");
    rig.close();
    rig.disk.crash(k % 2 == 0 ? std::nullopt : std::optional(seed + k));
    ASSERT_TRUE(rig.open());
    const bool there = *rig.disk.exists("data/snapshots/monday");
    EXPECT_FALSE(*rig.disk.exists("data/snapshots/monday.partial"));
    whole = made.has_value();
    if (whole) {
      EXPECT_TRUE(there) << "it is durable when it returns";
      EXPECT_EQ(rig.stores->snapshot("monday").error().kind(), ErrorKind::conflict);
    }
    rig.close();
    if (!there) continue;
    ASSERT_TRUE(restore(rig.disk, "data/snapshots/monday", "restored"));
    rig.config.server.data_dir = "restored";
    ASSERT_TRUE(rig.open());
    check(rig, then, Unanswered::must_be_absent);
    EXPECT_TRUE(rig.stores->verify()->empty());
  }
}

TEST(StoresSnapshot, ThereIsALimitAndAFullDiskLeavesNothing) {
  Rig rig;
  Client client;
  ASSERT_TRUE(rig.open());
  ASSERT_EQ(work(rig, client, 0, 12), 0);
  rig.disk.fail_at(rig.disk.calls() + 60, ErrorKind::disk_full);
  EXPECT_FALSE(rig.stores->snapshot("first"));
  EXPECT_TRUE(rig.disk.list("data/snapshots")->empty());
  for (std::size_t i = 0; i < limits::kMaxSnapshots; ++i)
    ASSERT_TRUE(rig.stores->snapshot("s" + std::to_string(i)));
  const auto over = rig.stores->snapshot("more");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind(), ErrorKind::resource_exhausted);
}

/// Of the stores that keep files of their own, as they are now.
std::vector<std::string> store_files(Rig& rig) {
  std::vector<std::string> files;
  for (const std::string dir : {"data/tsdb", "data/eventdb", "data/journal"}) {
    const auto listed = *rig.disk.list(dir);
    for (const auto& f : listed) {
      if (!f.is_dir && f.size > 0) files.push_back(io::join_path(dir, f.name));
    }
  }
  return files;
}

// Which batches a checkpoint meets is a matter of time, and so are the files' names: each run looks anew.
TEST(StoresVerify, AFlippedBitInAnyFileIsFound) {
  std::size_t count = 6;
  for (std::size_t i = 0; i < count; ++i) {
    Rig rig;
    Client client;
    ASSERT_TRUE(rig.open());
    ASSERT_EQ(work(rig, client, 0, 20), 0);
    ASSERT_TRUE(rig.settle());
    ASSERT_TRUE(rig.stores->pipeline().checkpoint(true));
    ASSERT_TRUE(rig.stores->verify()->empty());
    const auto files = store_files(rig);
    ASSERT_GE(files.size(), 6U);
    count = std::max(count, files.size());
    const std::string& file = files[i % files.size()];
    SCOPED_TRACE(file);
    ASSERT_TRUE(rig.disk.flip_bit(file, io::read_file(rig.disk, file)->size() / 2, 3));
    const auto damage = rig.stores->verify();
    ASSERT_TRUE(damage) << damage.error().message();
    EXPECT_EQ(damage->size(), 1U);
  }
}

}  // namespace
}  // namespace telltale::server
