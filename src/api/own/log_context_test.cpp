// Lines around a line against the plain definition: all lines of the scope in order, cut at the line.
#include "api/own/log_context.hpp"

#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "storage/memory_event_store.hpp"

namespace telltale::api {
namespace {

constexpr std::int64_t kBase = 1'770'000'000'000'000'000;

TEST(LogContext, RandomLogsWithManyEqualTimes) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 rng(seed);
  FakeClock clock;
  WorkContext context(clock, {});
  for (int round = 0; round < 20; ++round) {
    storage::MemoryEventStore store;
    std::vector<EventRow> all;
    for (Sequence s{1}; s.value <= 10; ++s.value) {
      storage::Batch batch;
      for (std::uint64_t i = rng() % 12; i > 0; --i) {
        EventRow row;
        row.project = ProjectId{1};
        row.time = {kBase + static_cast<std::int64_t>(rng() % 6)};
        row.message = fmt::format("line {}", rng() % 4);
        row.ids.service = rng() % 2 ? "a" : "b";
        row.set("pod", fmt::format("p{}", rng() % 2), AttrKind::label);
        if (rng() % 4 == 0) row.set("more", std::string("x"), AttrKind::label);
        batch.logs.push_back(row);
        all.push_back(row);
      }
      ASSERT_TRUE(store.apply(s, batch));
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    for (std::size_t at = 0; at < all.size(); ++at) {
      ContextQuery query;
      query.projects = {ProjectId{1}};
      query.time = all[at].time;
      query.message = all[at].message;
      query.scope = rng() % 2 ? ContextScope::stream : ContextScope::service;
      query.before = rng() % 8;
      query.after = rng() % 8;
      query.reach = std::chrono::hours(1);
      const auto same = [&](const EventRow& row) {
        if (query.scope == ContextScope::service) return row.ids.service == all[at].ids.service;
        return row.ids.service == all[at].ids.service && row.attributes == all[at].attributes;
      };
      std::vector<EventRow> before;
      std::vector<EventRow> after;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i < at && all[i].time == all[at].time && all[i].message == all[at].message) ++query.place;
        if (i != at && same(all[i])) (i < at ? before : after).push_back(all[i]);
      }
      const bool more_before = before.size() > query.before;
      const bool more_after = after.size() > query.after;
      if (more_before) before.erase(before.begin(), before.end() - static_cast<std::ptrdiff_t>(query.before));
      if (more_after) after.resize(query.after);
      const auto found = log_context(store, query, context);
      ASSERT_TRUE(found) << found.error().message();
      EXPECT_EQ(found->line, all[at]);
      EXPECT_EQ(found->before, before);
      EXPECT_EQ(found->after, after);
      EXPECT_EQ(found->more_before, more_before);
      EXPECT_EQ(found->more_after, more_after);
    }
  }
}

TEST(LogContext, NothingAtThatTime) {
  storage::MemoryEventStore store;
  FakeClock clock;
  WorkContext context(clock, {});
  ContextQuery query;
  query.projects = {ProjectId{1}};
  query.time = {kBase};
  query.reach = std::chrono::hours(1);
  const auto found = log_context(store, query, context);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace telltale::api
