// A book of records with issues in it, events that come and a clock of our own: what tests of the life of
// issues are played in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "errors/issue_changes.hpp"
#include "errors/issue_clock.hpp"
#include "errors/issue_store.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::errors {

struct IssueHouse {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<IssueStore> store;
  std::unique_ptr<IssueClock> ticks;
  std::vector<IssueEvent> heard;
  std::uint64_t sequence = 0;

  IssueHouse() {
    clock.advance(std::chrono::hours(24 * 20'000) + std::chrono::minutes(7));
    open();
  }
  void open() {
    ticks.reset();
    store.reset();
    db.reset();
    db = std::move(metadb::open_metadb(disk, "data", clock, log, metrics)).value();
    store = std::move(IssueStore::open(*db, log, metrics)).value();
    store->set_listener([this](const IssueEvent& e) { heard.push_back(e); });
    store->set_live(true);
    ticks = std::make_unique<IssueClock>(*db, clock, log,
                                         [this](const std::vector<IssueEvent>& e) { store->announce(e); });
  }
  EventRow row(std::string hashes, std::string user = "", std::string release = "") const {
    EventRow out;
    out.project = {1};
    out.time = out.received = clock.now();
    out.message = "E: " + hashes;
    out.ids.level = Level::error;
    out.ids.user_id = std::move(user);
    out.ids.release = std::move(release);
    out.set(std::string(attr::kGroupHashes), std::move(hashes));
    return out;
  }
  static storage::Batch batch(std::vector<EventRow> rows) {
    storage::Batch out;
    out.project = {1};
    out.errors = std::move(rows);
    return out;
  }
  void send(std::string hashes, int times = 1, std::string user = "", std::string release = "") {
    std::vector<EventRow> rows(static_cast<std::size_t>(times),
                               row(std::move(hashes), std::move(user), std::move(release)));
    ASSERT_TRUE(store->apply({++sequence}, batch(std::move(rows))));
  }
  storage::IssueId id(std::string_view hash) { return db->issues().find_by_hash({1}, hash)->value(); }
  storage::Issue issue(std::string_view hash) { return db->issues().get(id(hash)).value(); }
  void tick() { ASSERT_TRUE(ticks->tick()); }
  void update(std::string_view hash, const IssueUpdate& change) {
    const auto done = update_issue(*db, clock, {7, "ada"}, id(hash), change);
    ASSERT_TRUE(done) << done.error().message();
  }
  std::vector<std::string> activity(std::string_view hash) {
    std::vector<std::string> out;
    const auto list = db->issue_activity().list(id(hash), 0, 100).value();
    for (auto it = list.rbegin(); it != list.rend(); ++it)
      out.push_back(std::string(to_string(it->action)) + (it->detail.empty() ? "" : " " + it->detail));
    return out;
  }
};

}  // namespace telltale::errors
