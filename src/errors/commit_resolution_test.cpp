#include "errors/commit_resolution.hpp"

#include <gtest/gtest.h>

#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::errors {
namespace {

using storage::IssueStatus;

constexpr ProjectId kShop{1};
const std::string kFix = "9f2c1e7a0b1c2d3e4f5061728394a5b6c7d8e9f0";

struct CommitRig {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db =
      std::move(metadb::open_metadb(disk, "data", clock, log, metrics)).value();
  const IssueActor ann{0, "Ann"};

  CommitRig() {
    clock.set_wall(*parse_rfc3339("2026-01-08T09:30:00Z"));
    EXPECT_TRUE(db->projects().add({kShop, "shop", "Shop", clock.now()}));
    EXPECT_TRUE(db->projects().add({{2}, "other", "Other", clock.now()}));
  }
  storage::Issue issue(ProjectId project = kShop) {
    storage::Issue made;
    made.project = project;
    made.title = "E: boom";
    return db->issues().add(made).value();
  }
  storage::Issue now(const storage::Issue& issue) { return db->issues().get(issue.id).value(); }
  Result<> release(const std::string& version, std::vector<storage::Commit> commits) {
    auto known = db->releases().get(kShop, version);
    if (!known) {
      storage::Release made;
      made.project = kShop;
      made.version = version;
      made.created = clock.now();
      TT_TRY(db->releases().add(made));
      known = db->releases().get(kShop, version);
    }
    return set_release_commits(*db, clock, *known, commits);
  }
  static storage::Commit commit(std::string sha, std::string message = "") {
    storage::Commit out;
    out.sha = std::move(sha);
    out.message = std::move(message);
    return out;
  }
};

TEST(ResolvedInACommit, WaitsForTheReleaseThatHasIt) {
  CommitRig rig;
  const auto issue = rig.issue();
  ASSERT_TRUE(resolve_in_commit(*rig.db, rig.clock, rig.ann, issue.id, "9F2C1E7A"));
  EXPECT_EQ(rig.now(issue).status, IssueStatus::unresolved);
  EXPECT_EQ(*awaited_commit(*rig.db, issue), "9f2c1e7a");
  ASSERT_TRUE(rig.release("1.0", {rig.commit("aaaaaaaaaa")}));
  EXPECT_EQ(rig.now(issue).status, IssueStatus::unresolved);
  ASSERT_TRUE(rig.release("1.1", {rig.commit("bbbbbbbbbb"), rig.commit(kFix)}));
  EXPECT_EQ(rig.now(issue).status, IssueStatus::resolved);
  EXPECT_EQ(rig.now(issue).resolved_in, "1.1");
  EXPECT_EQ(*awaited_commit(*rig.db, issue), "");
}

TEST(ResolvedInACommit, IsResolvedAtOnceWhenAReleaseHasIt) {
  CommitRig rig;
  ASSERT_TRUE(rig.release("1.1", {rig.commit(kFix)}));
  const auto issue = rig.issue();
  const auto done = resolve_in_commit(*rig.db, rig.clock, rig.ann, issue.id, kFix.substr(0, 7));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, IssueStatus::resolved);
  EXPECT_EQ(done->resolved_in, "1.1");
}

TEST(ResolvedInACommit, SeveralOrNone) {
  CommitRig rig;
  const auto one = rig.issue();
  const auto two = rig.issue();
  const auto refused = resolve_all_in_commit(*rig.db, rig.clock, rig.ann, {one.id, {999}, two.id}, kFix);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::not_found);
  EXPECT_NE(refused.error().message().find("issue 999"), std::string::npos) << refused.error().message();
  EXPECT_EQ(*awaited_commit(*rig.db, one), "");
  const auto done = resolve_all_in_commit(*rig.db, rig.clock, rig.ann, {one.id, two.id}, kFix);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->size(), 2u);
  EXPECT_EQ(*awaited_commit(*rig.db, one), kFix);
  EXPECT_EQ(*awaited_commit(*rig.db, two), kFix);
}

TEST(ResolvedInACommit, WantsACommit) {
  CommitRig rig;
  const auto issue = rig.issue();
  for (const char* text : {"", "9f2c1e", "main", "9f2c1e7g", "../etc/passwd"}) {
    const auto refused = resolve_in_commit(*rig.db, rig.clock, rig.ann, issue.id, text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
  }
  EXPECT_FALSE(resolve_in_commit(*rig.db, rig.clock, rig.ann, {999}, kFix));
}

TEST(ResolvedByAMessage, OnceAndOnlyInItsProject) {
  CommitRig rig;
  const auto one = rig.issue();
  const auto two = rig.issue();
  const auto other = rig.issue({2});
  const std::string message = "Fix the cart\n\nFixes " + one.short_id + ", " + other.short_id + " and NONE-7";
  ASSERT_TRUE(rig.release("1.0", {rig.commit(kFix, message)}));
  EXPECT_EQ(rig.now(one).resolved_in, "1.0");
  EXPECT_EQ(rig.now(two).status, IssueStatus::unresolved);
  EXPECT_EQ(rig.now(other).status, IssueStatus::unresolved);
  // It came back since; the same build sends its commits again.
  auto back = rig.now(one);
  back.status = IssueStatus::unresolved;
  ASSERT_TRUE(rig.db->issues().update(back));
  ASSERT_TRUE(rig.release("1.0", {rig.commit(kFix, message), rig.commit("cccccccccc")}));
  EXPECT_EQ(rig.now(one).status, IssueStatus::unresolved);
}

TEST(ResolvedByAMessage, NamesWhatItFixes) {
  using Ids = std::vector<std::string>;
  EXPECT_EQ(fixed_issues("fixes SHOP-1F"), Ids{"SHOP-1F"});
  EXPECT_EQ(fixed_issues("Closes shop-1f."), Ids{"SHOP-1F"});
  EXPECT_EQ(fixed_issues("resolved: SHOP-1F, SHOP-2 and MY-SHOP-3"), (Ids{"SHOP-1F", "SHOP-2", "MY-SHOP-3"}));
  EXPECT_EQ(fixed_issues("prefixes SHOP-1F"), Ids{});
  EXPECT_EQ(fixed_issues("see SHOP-1F"), Ids{});
  EXPECT_EQ(fixed_issues("fixes the cart of SHOP-1F"), Ids{});
  EXPECT_EQ(fixed_issues("fixes"), Ids{});
  EXPECT_EQ(fixed_issues("fixes -"), Ids{});
}

}  // namespace
}  // namespace telltale::errors
