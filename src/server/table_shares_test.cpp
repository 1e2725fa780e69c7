#include "server/table_shares.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "server/stores_rig.hpp"

namespace telltale::server {
namespace {

using rig::kProject;

class TableSharesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(rig.open());
    guard = std::make_unique<io::DiskGuard>(rig.disk, "data", io::DiskGuardOptions{.ballast_bytes = 1024},
                                            rig.log, *rig.metrics);
  }

  /// One part of `rows` rows that do not compress, of the day `days_ago`.
  void write(Table table, int days_ago, int rows) {
    storage::Batch batch;
    batch.project = kProject;
    for (int i = 0; i < rows; ++i) {
      EventRow row;
      row.project = kProject;
      row.time = rig.clock.now() - std::chrono::hours(24 * days_ago);
      for (int word = 0; word < 20; ++word) row.message += fmt::format("{:016x}", random.next());
      batch.rows(table).push_back(std::move(row));
    }
    ASSERT_TRUE(rig.stores->pipeline().commit(std::move(batch)));
    ASSERT_TRUE(rig.settle());
    ASSERT_TRUE(rig.stores->pipeline().checkpoint(true));
  }

  std::map<Table, std::uint64_t> bytes() { return rig.stores->events().stats().disk_bytes; }
  /// A budget of which the logs may take `logs_bytes`.
  void enforce(std::uint64_t logs_bytes) {
    guard->set_limits(0, logs_bytes * 100 / limits::kLogsBudgetPercent);
    enforce_table_shares(*guard, rig.stores->metrics(), rig.stores->events());
  }
  /// The days of the table's rows, oldest first, as days ago.
  std::vector<int> days(Table table) {
    storage::EventQuery query;
    query.table = table;
    query.projects = {kProject};
    query.order = storage::Order::oldest_first;
    WorkContext context(rig.clock, {});
    std::vector<int> out;
    const auto found = storage::collect(rig.stores->events(), query, context);
    EXPECT_TRUE(found);
    for (const auto& row : *found) {
      const auto ago = static_cast<int>((rig.clock.now() - row.time) / std::chrono::hours(24));
      if (out.empty() || out.back() != ago) out.push_back(ago);
    }
    return out;
  }

  rig::Rig rig;
  Rng random{4711};
  std::unique_ptr<io::DiskGuard> guard;
};

TEST_F(TableSharesTest, AFloodOfLogsCostsOnlyTheOldestLogs) {
  for (int ago = 5; ago >= 0; --ago) write(Table::logs, ago, 300);
  write(Table::spans, 9, 20);
  write(Table::errors, 9, 20);
  const auto before = bytes();
  const std::uint64_t day = before.at(Table::logs) / 6;
  enforce(before.at(Table::logs) + day);
  EXPECT_EQ(days(Table::logs), (std::vector<int>{5, 4, 3, 2, 1, 0})) << "within its share";
  enforce(day * 7 / 2);
  EXPECT_EQ(days(Table::logs), (std::vector<int>{2, 1, 0})) << "as few days as make it fit";
  EXPECT_LE(bytes().at(Table::logs), day * 7 / 2);
  enforce(1000);
  EXPECT_EQ(days(Table::logs), std::vector<int>{0}) << "the newest day stays, whatever the budget";
}

TEST_F(TableSharesTest, EachTableIsHeldToItsOwnShare) {
  for (int ago = 3; ago >= 0; --ago) {
    write(Table::logs, ago, 100);
    write(Table::spans, ago, 300);
  }
  // Logs fit exactly; spans have half of their share and three times their bytes.
  enforce(bytes().at(Table::logs) + 1000);
  EXPECT_EQ(days(Table::logs).size(), 4u);
  EXPECT_LT(days(Table::spans).size(), 4u);
  EXPECT_EQ(days(Table::spans).back(), 0);
}

}  // namespace
}  // namespace telltale::server
