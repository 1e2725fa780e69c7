// The records against their contract, on a disk that loses what was not synced.
#include "metadb/metadb.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/connection.hpp"
#include "metadb/migrations.hpp"

namespace telltale::metadb {
namespace {

struct House {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  Result<std::unique_ptr<MetaDb>> open(io::FileSystem& fs) {
    return open_metadb(fs, "data/meta", clock, log, metrics);
  }
};

#define ASSERT_OK(expr)                                    \
  do {                                                     \
    const auto& ok_result = (expr);                        \
    ASSERT_TRUE(ok_result) << ok_result.error().message(); \
  } while (false)

storage::Issue sample_issue(std::string title) {
  storage::Issue issue;
  issue.project = {1};
  issue.title = std::move(title);
  issue.first_seen = issue.last_seen = UnixNanos::from_seconds(1'000);
  return issue;
}

TEST(MetaDb, KeepsProjectsKeysAndTokensAcrossReopening) {
  io::FaultyFileSystem disk;
  House house;
  {
    auto db = house.open(disk);
    ASSERT_OK(db);
    ASSERT_OK((*db)->projects().add({{0}, "shop", "Shop", {5}}));
    EXPECT_EQ((*db)->projects().add({{0}, "shop", "Other", {5}}).error().kind(), ErrorKind::conflict);
    ASSERT_OK((*db)->dsn_keys().add({"abc", {1}, true, {5}}));
    EXPECT_EQ((*db)->dsn_keys().add({"abd", {9}, true, {5}}).error().kind(), ErrorKind::not_found);
    storage::ApiToken token;
    token.name = "ci";
    token.hash = std::string("\0\xff\x01 hash", 8);
    token.expires = UnixNanos{77};
    ASSERT_OK((*db)->tokens().add(token));
  }
  disk.crash();
  auto db = house.open(disk);
  ASSERT_OK(db);
  EXPECT_EQ((*db)->projects().find_by_slug("shop")->id.value, 1u);
  EXPECT_EQ((*db)->dsn_keys().get("abc")->project.value, 1u);
  const auto token = (*db)->tokens().find_by_hash(std::string("\0\xff\x01 hash", 8));
  ASSERT_OK(token);
  EXPECT_EQ(token->name, "ci");
  EXPECT_EQ(token->expires, UnixNanos{77});
  EXPECT_FALSE(token->last_used);
  EXPECT_EQ((*db)->tokens().find_by_name("cj").error().kind(), ErrorKind::not_found);
  ASSERT_OK((*db)->verify());
}

TEST(MetaDb, ASlugThatAnotherProjectHadBeforeStillGivesShortIds) {
  io::FaultyFileSystem disk;
  House house;
  auto db = house.open(disk);
  ASSERT_OK(db);
  auto& issues = (*db)->issues();
  ASSERT_OK((*db)->projects().add({{1}, "shop", "Shop", {5}}));
  for (int i = 0; i < 3; ++i) ASSERT_OK(issues.add(sample_issue("old")));
  ASSERT_OK((*db)->projects().update({{1}, "shop-old", "Shop", {5}}));
  ASSERT_OK((*db)->projects().add({{2}, "shop", "Shop", {6}}));
  auto issue = sample_issue("new");
  issue.project = {2};
  const auto added = issues.add(issue);
  ASSERT_OK(added);
  EXPECT_EQ(added->short_id, "SHOP-4");
  EXPECT_EQ(issues.find_by_short_id("SHOP-4")->project, ProjectId{2});
  EXPECT_EQ(issues.find_by_short_id("SHOP-1")->project, ProjectId{1});
}

TEST(MetaDb, SearchesAndMergesIssues) {
  io::FaultyFileSystem disk;
  House house;
  auto db = house.open(disk);
  ASSERT_OK(db);
  auto& issues = (*db)->issues();
  ASSERT_OK((*db)->projects().add({{1}, "shop", "Shop", {5}}));
  auto a = issues.add(sample_issue("ValueError: 50% off"));
  auto b = issues.add(sample_issue("KeyError: basket"));
  ASSERT_OK(a);
  ASSERT_OK(b);
  EXPECT_EQ(a->short_id, "SHOP-1");
  EXPECT_EQ(issues.find_by_short_id("shop-2")->id, b->id);

  storage::IssueQuery query;
  EXPECT_TRUE(issues.search(query)->empty()) << "no project, no issue";
  query.projects = {{1}};
  EXPECT_EQ(*issues.count(query), 2u);
  query.text = "50% O";
  ASSERT_EQ(issues.search(query)->size(), 1u);
  query.text = "5_%";
  EXPECT_TRUE(issues.search(query)->empty()) << "wildcards are plain characters";

  ASSERT_OK(issues.bind_hash({1}, "h1", a->id));
  ASSERT_OK(issues.bind_hash({1}, "h2", b->id));
  ASSERT_OK(issues.bind_hash({1}, "h2", a->id));
  EXPECT_EQ(**issues.find_by_hash({1}, "h2"), b->id) << "a bound hash stays";
  EXPECT_FALSE(*issues.find_by_hash({2}, "h1")) << "hashes are a project's own";
  for (const auto id : {a->id, b->id}) {
    ASSERT_OK(issues.add_hour_count(id, UnixNanos::from_seconds(3'700), 2));
    ASSERT_OK(issues.add_release(
        id, {"1.0", UnixNanos::from_seconds(id.value), UnixNanos::from_seconds(id.value), 1}));
    EXPECT_TRUE(*issues.add_user(id, "ann"));
  }
  ASSERT_OK(issues.merge(a->id, b->id));
  EXPECT_EQ(*issues.hashes(a->id), (std::vector<std::string>{"h1", "h2"}));
  const auto hours = issues.hour_counts(a->id, {});
  ASSERT_EQ(hours->size(), 1u);
  EXPECT_EQ((*hours)[0].hour, UnixNanos::from_seconds(3'600));
  EXPECT_EQ((*hours)[0].count, 4u);
  EXPECT_EQ(issues.get(a->id)->user_count, 1u);
  EXPECT_EQ(issues.releases(a->id)->at(0).count, 2u);
  EXPECT_EQ(issues.get(b->id)->id, a->id) << "the old number and the old name lead to the issue";
  EXPECT_EQ(issues.find_by_short_id("SHOP-2")->id, a->id);
  EXPECT_EQ(issues.merge(b->id, a->id).error().kind(), ErrorKind::invalid_argument);
  query.text.clear();
  EXPECT_EQ(*issues.count(query), 1u);
  ASSERT_EQ(issues.parts(b->id)->size(), 2u);

  ASSERT_OK(issues.unmerge(b->id));
  EXPECT_EQ(*issues.hashes(b->id), (std::vector<std::string>{"h2"}));
  for (const auto id : {a->id, b->id}) {
    EXPECT_EQ(issues.hour_counts(id, {})->at(0).count, 2u);
    EXPECT_EQ(issues.get(id)->user_count, 0u) << "as the row said before";
    EXPECT_EQ(issues.get(id)->parts, 1u);
  }
  EXPECT_EQ(issues.unmerge(b->id).error().kind(), ErrorKind::invalid_argument);
}

// Few are found by what narrows them and sorted, many are walked in their order: the same issues either way.
TEST(MetaDb, SearchesThousandsOfIssuesAsOneByOne) {
  const std::uint64_t seed = 20'261'127;
  Rng rng(seed);
  io::FaultyFileSystem disk;
  House house;
  auto db = house.open(disk);
  ASSERT_OK(db);
  auto& issues = (*db)->issues();
  std::map<std::int64_t, std::set<std::string>> releases;
  constexpr std::size_t kIssues = 6'500;
  const auto fill = [&]() -> Result<> {
    for (std::size_t i = 0; i < kIssues; ++i) {
      storage::Issue issue = sample_issue("E" + std::to_string(i));
      issue.level = rng.below(30) == 0 ? Level::fatal : Level::error;
      issue.priority = rng.below(2) == 0 ? storage::IssuePriority::high : storage::IssuePriority::low;
      issue.event_count = rng.below(1'000);
      issue.last_seen = UnixNanos::from_seconds(static_cast<std::int64_t>(1'000 + rng.below(5'000)));
      TT_ASSIGN(const auto added, issues.add(issue));
      for (const char* release : {"common", "rare"}) {
        if (rng.below(20) == 0 || (release[0] == 'r' && rng.below(20) > 0)) continue;
        TT_TRY(issues.add_release(added.id, {release, {1}, {2}, 1}));
        releases[added.id.value].insert(release);
      }
    }
    for (int i = 0; i < 60; ++i) {
      const auto into = static_cast<std::int64_t>(1 + rng.below(kIssues));
      const auto from = static_cast<std::int64_t>(1 + rng.below(kIssues));
      TT_ASSIGN(const auto a, issues.get({into}));
      TT_ASSIGN(const auto b, issues.get({from}));
      if (a.id == b.id) continue;
      TT_TRY(issues.merge(a.id, b.id));
      releases[a.id.value].insert(releases[b.id.value].begin(), releases[b.id.value].end());
    }
    return {};
  };
  ASSERT_OK((*db)->transaction(fill));
  storage::IssueQuery every;
  every.projects = {{1}};
  every.limit = kIssues;
  const auto all = issues.search(every);
  ASSERT_OK(all);
  for (int round = 0; round < 60; ++round) {
    storage::IssueQuery query;
    query.projects = {{1}};
    query.limit = 1 + rng.below(60);
    query.offset = rng.below(30);
    query.sort = rng.below(2) == 0 ? storage::IssueSort::last_seen : storage::IssueSort::events;
    const std::uint64_t release = rng.below(3);
    if (release > 0) query.release = release == 1 ? "common" : "rare";
    if (rng.below(3) == 0) query.priorities = {storage::IssuePriority::high};
    std::optional<Level> level;
    if (rng.below(2) == 0) level = rng.below(2) == 0 ? Level::fatal : Level::error;
    if (level && rng.below(2) == 0) {
      query.levels = {*level};
    } else if (level) {
      query.where =
          storage::IssueCondition::number(storage::IssueCondition::Op::in_numbers, storage::IssueField::level,
                                          {static_cast<std::int64_t>(*level)});
    }
    if (rng.below(3) == 0) query.seen.from = UnixNanos::from_seconds(5'900);
    std::vector<storage::Issue> expected;
    for (const storage::Issue& issue : *all) {
      if (level && issue.level != *level) continue;
      if (!query.priorities.empty() && issue.priority != query.priorities.front()) continue;
      if (!query.release.empty() && releases[issue.id.value].count(query.release) == 0) continue;
      if (issue.last_seen < query.seen.from) continue;
      expected.push_back(issue);
    }
    EXPECT_EQ(*issues.count(query), expected.size()) << "round " << round;
    std::sort(expected.begin(), expected.end(), [&](const auto& a, const auto& b) {
      const auto rank = [&](const auto& i) {
        return query.sort == storage::IssueSort::events ? static_cast<std::int64_t>(i.event_count)
                                                        : i.last_seen.ns;
      };
      return rank(a) != rank(b) ? rank(a) > rank(b) : a.id.value > b.id.value;
    });
    const auto found = issues.search(query);
    ASSERT_OK(found);
    std::vector<std::int64_t> ids;
    for (const auto& issue : *found) ids.push_back(issue.id.value);
    std::vector<std::int64_t> wanted;
    for (std::size_t i = query.offset; i < std::min(expected.size(), query.offset + query.limit); ++i)
      wanted.push_back(expected[i].id.value);
    EXPECT_EQ(ids, wanted) << "round " << round;
  }
}

// Issues of a database from before they had parts, priorities and archives.
TEST(MetaDb, OldIssuesLiveOn) {
  io::FaultyFileSystem disk;
  House house;
  ASSERT_OK(disk.make_dirs("data/meta"));
  {
    Vfs vfs(disk, house.clock);
    auto raw = Connection::open(vfs, "data/meta/meta.db");
    ASSERT_OK(raw);
    ASSERT_OK(migrate(**raw, 3));
    ASSERT_OK((*raw)->execute(
        "INSERT INTO issues VALUES (1, 1, 'SHOP-1', 'T', 'c', 'E', 5, 'python', 1, 2, 10, 20, 'a', 'b', 7, "
        "2, 15, "
        "'', '', '');"
        "INSERT INTO issues VALUES (2, 1, 'SHOP-2', 'U', 'c', 'E', 4, 'python', 3, 0, 10, 30, 'b', 'b', 1, "
        "0, 25, "
        "'', 'ann', '');"
        "INSERT INTO issue_hashes VALUES (1, 'h1', 1); INSERT INTO issue_hashes VALUES (1, 'h2', 2);"
        "INSERT INTO issue_users VALUES (1, 'u1'); INSERT INTO issue_users VALUES (1, 'u2');"
        "INSERT INTO issue_releases VALUES (1, 'a', 10, 12, 3); INSERT INTO issue_releases VALUES (1, 'b', "
        "13, 20, 4);"
        "INSERT INTO issue_releases VALUES (2, 'b', 30, 30, 1)"));
  }
  auto db = house.open(disk);
  ASSERT_OK(db);
  auto& issues = (*db)->issues();
  const auto open = issues.get({1});
  ASSERT_OK(open);
  EXPECT_EQ(open->priority, storage::IssuePriority::high);
  EXPECT_EQ(open->substatus_since.ns, 15);
  EXPECT_EQ(open->parts, 1u);
  EXPECT_EQ(open->user_count, 2u);
  const auto ignored = issues.get({2});
  EXPECT_EQ(ignored->substatus, storage::IssueSubstatus::forever);
  EXPECT_EQ(ignored->archive, storage::IssueArchive());
  EXPECT_EQ(ignored->priority, storage::IssuePriority::medium);
  EXPECT_EQ(issues.release_met({1}, "b")->value().ns, 13) << "the earliest of all issues";
  EXPECT_EQ(*issues.releases_met({1}, 10), (std::vector<std::string>{"b", "a"}));
  ASSERT_OK(issues.merge({1}, {2}));
  EXPECT_EQ(issues.get({2})->event_count, 8u);
}

TEST(MetaDb, RollsBackAndNests) {
  io::FaultyFileSystem disk;
  House house;
  auto db = house.open(disk);
  ASSERT_OK(db);
  auto& settings = (*db)->settings();
  auto done = (*db)->transaction([&]() -> Result<> {
    TT_TRY(settings.put("a/1", "x"));
    auto inner = (*db)->transaction([&]() -> Result<> {
      TT_TRY(settings.put("a/2", "y"));
      return fail(ErrorKind::execution, "inner");
    });
    EXPECT_FALSE(inner);
    return {};
  });
  ASSERT_OK(done);
  EXPECT_EQ(settings.list("a/")->size(), 1u);
  auto outer = (*db)->transaction([&]() -> Result<> {
    TT_TRY(settings.put("a/3", "z"));
    return fail(ErrorKind::execution, "outer");
  });
  EXPECT_EQ(outer.error().message(), "outer");
  EXPECT_FALSE(*settings.get("a/3"));
  ASSERT_OK(settings.put("b", ""));
  EXPECT_EQ(**settings.get("b"), "");
}

TEST(MetaDb, BackupIsAWholeDatabase) {
  io::FaultyFileSystem disk;
  House house;
  auto db = house.open(disk);
  ASSERT_OK(db);
  ASSERT_OK((*db)->settings().put("k", std::string(100'000, 'v')));
  ASSERT_OK(disk.make_dirs("copy"));
  ASSERT_OK((*db)->backup("copy/meta.db"));
  ASSERT_OK((*db)->settings().put("k", "newer"));
  ASSERT_OK((*db)->backup("copy/second.db"));
  db->reset();
  auto copy = open_metadb(disk, "copy", house.clock, house.log, house.metrics);
  ASSERT_OK(copy);
  EXPECT_EQ((**(*copy)->settings().get("k")).size(), 100'000u);
  ASSERT_OK((*copy)->verify());
}

TEST(MetaDb, RefusesNewerSchemasAndOtherFiles) {
  io::FaultyFileSystem disk;
  House house;
  ASSERT_OK(house.open(disk));
  {
    Vfs vfs(disk, house.clock);
    auto raw = Connection::open(vfs, "data/meta/meta.db");
    ASSERT_OK(raw);
    ASSERT_OK(migrate(**raw));  // nothing left to do
    ASSERT_OK((*raw)->execute("PRAGMA user_version = 99"));
  }
  const auto newer = house.open(disk);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind(), ErrorKind::unsupported);

  io::FaultyFileSystem other;
  ASSERT_OK(other.make_dirs("data/meta"));
  ASSERT_OK(io::publish_file(other, "data/meta/meta.db", std::string(8192, 'x')));
  const auto garbage = house.open(other);
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().kind(), ErrorKind::corruption) << garbage.error().message();
}

TEST(MetaDb, FullDiskIsAnErrorThatPasses) {
  io::FaultyFileSystem disk;
  House house;
  auto db = house.open(disk);
  ASSERT_OK(db);
  disk.set_capacity(disk.used_bytes() + 20'000);
  Result<> last;
  for (int i = 0; i < 100 && last; ++i)
    last = (*db)->settings().put("k" + std::to_string(i), std::string(3'000, 'v'));
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().kind(), ErrorKind::disk_full) << last.error().message();
  EXPECT_TRUE(*(*db)->settings().get("k0")) << "reading goes on";
  disk.set_capacity(std::nullopt);
  ASSERT_OK((*db)->settings().put("after", "v"));
  ASSERT_OK((*db)->verify());
}

/// Each step writes its number under two keys and as the applied sequence, some steps deferred. Returns the
/// last step that was answered as durable, and the last that was begun.
struct Progress {
  std::uint64_t durable = 0;
  std::uint64_t begun = 0;
};
Progress run_steps(House& house, io::FileSystem& disk) {
  Progress progress;
  auto db = house.open(disk);
  if (!db) return progress;
  for (std::uint64_t step = 1; step <= 12; ++step) {
    const bool deferred = step % 3 != 0;
    progress.begun = step;
    auto done = (*db)->transaction(
        [&]() -> Result<> {
          TT_TRY((*db)->settings().put("one", std::to_string(step) + std::string(2'000, '.')));
          TT_TRY((*db)->settings().put("two", std::to_string(step)));
          return (*db)->applied().put("s", {step});
        },
        deferred ? storage::Durability::deferred : storage::Durability::full);
    if (!done) return progress;
    if (!deferred) progress.durable = step;
    if (step == 6 && !(*db)->compact_log()) return progress;
  }
  // A full commit without a change of its own still covers the deferred ones before it.
  if ((*db)->transaction([] { return Result<>(); }, storage::Durability::full)) progress.durable = 12;
  return progress;
}

TEST(MetaDb, SurvivesPowerLossAtEveryCall) {
  House house;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    for (std::uint64_t k = 1;; ++k) {
      SCOPED_TRACE("power off at call " + std::to_string(k) + ", seed " + std::to_string(seed));
      io::FaultyFileSystem disk;
      disk.power_off_at(k);
      const Progress progress = run_steps(house, disk);
      const bool last = !disk.powered_off();
      disk.crash(seed == 0 ? std::nullopt : std::optional<std::uint64_t>(seed * 1'000'003 + k));
      auto db = house.open(disk);
      ASSERT_OK(db);
      ASSERT_OK((*db)->verify());
      const auto applied = (*db)->applied().get("s");
      ASSERT_OK(applied);
      EXPECT_GE(applied->value, progress.durable);
      EXPECT_LE(applied->value, progress.begun);
      const auto two = (*db)->settings().get("two");
      ASSERT_OK(two);
      EXPECT_EQ(two->value_or("0"), std::to_string(applied->value)) << "sequence and effect are one";
      const auto one = (*db)->settings().get("one");
      EXPECT_EQ(std::strtoull(one->value_or("0").c_str(), nullptr, 10), applied->value);
      if (HasFailure()) return;
      if (last) break;
    }
  }
}

TEST(MetaDb, AFailedCallNeverBreaksTheDatabase) {
  House house;
  for (std::uint64_t k = 1;; ++k) {
    SCOPED_TRACE("call " + std::to_string(k) + " fails");
    io::FaultyFileSystem disk;
    disk.fail_at(k);
    const Progress progress = run_steps(house, disk);
    if (disk.calls() < k) break;
    auto db = house.open(disk);
    ASSERT_OK(db);
    ASSERT_OK((*db)->verify());
    EXPECT_GE((*db)->applied().get("s")->value, progress.durable);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace telltale::metadb
