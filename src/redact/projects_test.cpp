// Changes of defaults and of a project's policy that meet: neither is lost.
#include "redact/projects.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace telltale::redact {
namespace {

TEST(Redactors, ChangesThatMeetAreBothInForce) {
  constexpr int kChanges = 3;
  auto made = Redactors::create({}, "key");
  ASSERT_TRUE(made);
  Redactors& redactors = **made;
  const ProjectId project{7};
  std::atomic<bool> ended{false};
  std::thread reader([&] {
    for (; !ended; std::this_thread::yield()) EXPECT_NE(redactors.of(project), nullptr);
  });
  std::thread defaults([&] {
    for (int i = 0; i < kChanges; ++i)
      EXPECT_TRUE(redactors.set_defaults({.sensitive_keys = {"badge_" + std::to_string(i)}}));
  });
  for (int i = 0; i < kChanges; ++i) {
    EXPECT_TRUE(redactors.check({.sensitive_keys = {"locker_" + std::to_string(i)}}));
    EXPECT_TRUE(redactors.set_policy(project, {.sensitive_keys = {"locker_" + std::to_string(i)}}));
  }
  defaults.join();
  ended = true;
  reader.join();
  const auto in_force = redactors.of(project);
  EXPECT_TRUE(in_force->is_sensitive_key("badge_2"));
  EXPECT_TRUE(in_force->is_sensitive_key("locker_2"));
  EXPECT_FALSE(in_force->is_sensitive_key("badge_1"));
  EXPECT_FALSE(in_force->is_sensitive_key("locker_1"));
  EXPECT_FALSE(redactors.of(ProjectId{8})->is_sensitive_key("locker_2"));
  EXPECT_FALSE(redactors.set_defaults({.sensitive_keys = {""}}));
  EXPECT_TRUE(redactors.of(ProjectId{8})->is_sensitive_key("badge_2"));
}

}  // namespace
}  // namespace telltale::redact
