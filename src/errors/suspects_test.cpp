#include "errors/suspects.hpp"

#include <gtest/gtest.h>

#include "base/commit_limits.hpp"

namespace telltale::errors {
namespace {

GroupingFrame frame_of(std::string filename, std::string abs_path = {}, std::string module = {}) {
  GroupingFrame out;
  out.filename = std::move(filename);
  out.abs_path = std::move(abs_path);
  out.module = std::move(module);
  out.in_app = true;
  return out;
}

storage::Commit commit_of(std::string sha, std::string path) {
  storage::Commit out;
  out.sha = std::move(sha);
  out.files.push_back({std::move(path), 'M'});
  return out;
}

TEST(Suspects, AFileIsFoundByTheEndOfItsPath) {
  struct Case {
    GroupingFrame frame;
    std::string path;
    bool same;
  };
  const std::vector<Case> cases = {
      {frame_of("shop/cart.py", "/app/src/shop/cart.py"), "src/shop/cart.py", true},
      {frame_of("shop/cart.py", "/app/shop/cart.py"), "services/web/shop/cart.py", true},
      {frame_of("shop/cart.py"), "src/shop/cart.py", true},
      {frame_of("shop/cart.py"), "src/shop/smart_cart.py", false},
      {frame_of("cart.py", "/app/cart.py"), "shop/smart-cart.py", false},
      {frame_of("cart.py"), "cart.py", true},
      {frame_of("./lib/cart.js"), "lib/cart.js", true},
      {frame_of("app:///dist/cart.js"), "dist/cart.js", true},
      {frame_of("src\\Cart.cs", "C:\\work\\shop\\src\\Cart.cs"), "shop/src/Cart.cs", true},
      {frame_of("Cart.java", "", "com.shop.Cart"), "core/src/main/java/com/shop/Cart.java", true},
      {frame_of("Cart.java", "", "com.shop.Cart"), "core/src/main/java/com/other/Cart.java", false},
      {frame_of("cart.js?v=7"), "web/cart.js", true},
      {frame_of(""), "cart.py", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(is_file_of(c.frame, c.path), c.same) << c.frame.filename << " " << c.path;
}

TEST(Suspects, AreOfTheInnermostFrameOfTheApplication) {
  GroupingInput event;
  event.exceptions.resize(2);
  event.exceptions[0].frames = {frame_of("cause.py")};
  event.exceptions[1].frames = {frame_of("outer.py"), frame_of("inner.py"), frame_of("library.py")};
  event.exceptions[1].frames[2].in_app = false;
  const std::vector<ReleaseCommits> releases = {
      {"2.0", {commit_of("c4", "library.py"), commit_of("c3", "outer.py"), commit_of("c2", "inner.py")}},
      {"2.1", {commit_of("c2", "inner.py"), commit_of("c1", "src/inner.py")}}};
  const auto found = suspect_commits(event, releases);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].commit.sha, "c2");
  EXPECT_EQ(found[0].release, "2.0");
  EXPECT_EQ(found[1].commit.sha, "c1");
  EXPECT_EQ(found[1].path, "src/inner.py");
  event.exceptions[1].frames.erase(event.exceptions[1].frames.begin() + 1);
  ASSERT_EQ(suspect_commits(event, releases).size(), 1U);
  EXPECT_EQ(suspect_commits(event, releases)[0].commit.sha, "c3");
  EXPECT_TRUE(suspect_commits(event, {}).empty());
  EXPECT_TRUE(suspect_commits({}, releases).empty());
}

TEST(Suspects, AreNotMany) {
  GroupingInput event;
  event.exceptions.resize(1);
  event.exceptions[0].frames = {frame_of("a.py")};
  ReleaseCommits release{"1", {}};
  for (int i = 0; i < 50; ++i) release.commits.push_back(commit_of(std::to_string(i), "a.py"));
  EXPECT_EQ(suspect_commits(event, {release}).size(), limits::kMaxSuspects);
}

}  // namespace
}  // namespace telltale::errors
