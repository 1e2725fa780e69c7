// What every book of records keeps of users and sessions. An implementation's test instantiates it:
//   INSTANTIATE_TYPED_TEST_SUITE_P(MetaDb, UsersContract, MetaDbMaker);
// where the maker has `storage::RecordStore& store()` and `storage::RecordStore& reopened()`.
#pragma once

#include <gtest/gtest.h>

#include "storage/records.hpp"

namespace telltale::storage {

template <class Maker>
class UsersContract : public testing::Test {
 protected:
  static User user(std::string email) {
    User u;
    u.email = std::move(email);
    u.name = "Ada \"L\" \xE2\x98\x83";
    u.role = Role::editor;
    u.password = "$argon2id$…";
    u.created = {5};
    return u;
  }
  static Session session(std::int64_t of, std::string hash, std::int64_t seen = 10) {
    return {0, std::move(hash), of, {1}, {seen}, {100}, "::1", "agent"};
  }
  Maker maker;
};
TYPED_TEST_SUITE_P(UsersContract);

TYPED_TEST_P(UsersContract, KeepsUsers) {
  auto& users = this->maker.store().users();
  const auto id = users.add(this->user("ada@example.com"));
  ASSERT_TRUE(id) << id.error().message();
  const auto again = users.add(this->user("ada@example.com"));
  EXPECT_EQ(again.error().kind(), ErrorKind::conflict);
  EXPECT_NE(again.error().message().find("email"), std::string::npos);
  const auto other = users.add(this->user("bob@example.com"));
  auto bob = users.get(*other);
  ASSERT_TRUE(bob);
  bob->email = "ada@example.com";
  EXPECT_EQ(users.update(*bob).error().kind(), ErrorKind::conflict);
  bob->email = "bobby@example.com";
  bob->role = Role::admin;
  bob->disabled = true;
  bob->last_login = UnixNanos{77};
  ASSERT_TRUE(users.update(*bob));

  auto& kept = this->maker.reopened().users();
  const auto ada = kept.find_by_email("ada@example.com");
  ASSERT_TRUE(ada);
  EXPECT_EQ(ada->id, *id);
  EXPECT_EQ(ada->name, this->user("").name);
  EXPECT_EQ(ada->role, Role::editor);
  EXPECT_EQ(ada->password, "$argon2id$…");
  EXPECT_EQ(ada->created, UnixNanos{5});
  EXPECT_FALSE(ada->last_login || ada->disabled);
  const auto all = kept.list();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->back().email, "bobby@example.com");
  EXPECT_TRUE(all->back().disabled);
  EXPECT_EQ(all->back().last_login, UnixNanos{77});
  EXPECT_EQ(kept.find_by_email("bob@example.com").error().kind(), ErrorKind::not_found);
  EXPECT_EQ(kept.get(99).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(kept.remove(99).error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(kept.remove(*other));
  EXPECT_GT(*kept.add(this->user("new@example.com")), *other) << "an id is never given twice";
}

TYPED_TEST_P(UsersContract, KeepsSessions) {
  auto& store = this->maker.store();
  const auto ada = store.users().add(this->user("ada@example.com"));
  const auto bob = store.users().add(this->user("bob@example.com"));
  const std::string hash("\0\xff hash", 7);
  const auto first = store.sessions().add(this->session(*ada, hash));
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(store.sessions().add(this->session(*ada, hash)).error().kind(), ErrorKind::conflict);
  EXPECT_EQ(store.sessions().add(this->session(99, "x")).error().kind(), ErrorKind::not_found);
  const auto second = store.sessions().add(this->session(*ada, "second"));
  const auto third = store.sessions().add(this->session(*bob, "third", 20));
  ASSERT_TRUE(store.sessions().touch(*first, {42}));

  auto& kept = this->maker.reopened();
  const auto found = kept.sessions().find_by_hash(hash);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, *first);
  EXPECT_EQ(found->user, *ada);
  EXPECT_EQ(found->created, UnixNanos{1});
  EXPECT_EQ(found->last_seen, UnixNanos{42});
  EXPECT_EQ(found->expires, UnixNanos{100});
  EXPECT_EQ(found->address + found->user_agent, "::1agent");
  const auto list = kept.sessions().list(*ada);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(list->front().id, *second);

  EXPECT_EQ(*kept.sessions().prune({50}, {15}), 1u) << "the second was idle";
  EXPECT_EQ(kept.sessions().find_by_hash("second").error().kind(), ErrorKind::not_found);
  const auto fourth = kept.sessions().add(this->session(*ada, "fourth"));
  EXPECT_EQ(*kept.sessions().remove_of(*ada, *fourth), 1u);
  EXPECT_FALSE(kept.sessions().find_by_hash(hash));
  ASSERT_TRUE(kept.sessions().remove(*fourth));
  EXPECT_EQ(kept.sessions().remove(*fourth).error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(kept.sessions().find_by_hash("third"));
  ASSERT_TRUE(kept.users().remove(*bob));
  EXPECT_FALSE(kept.sessions().find_by_hash("third")) << "sessions go with their user";
  EXPECT_TRUE(third);
  EXPECT_EQ(*kept.sessions().prune({100}, {0}), 0u);
}

REGISTER_TYPED_TEST_SUITE_P(UsersContract, KeepsUsers, KeepsSessions);

}  // namespace telltale::storage
