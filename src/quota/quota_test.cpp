// Limits against a naive count, filters by tables of examples, bodies in a flood, and the count of it all
// across power loss.
#include <map>

#include <gtest/gtest.h>

#include "base/quota_limits.hpp"
#include "base/rng.hpp"
#include "io/faulty_file_system.hpp"
#include "metadb/metadb.hpp"
#include "quota/categories.hpp"
#include "quota/intake.hpp"
#include "quota/usage.hpp"

namespace telltale::quota {
namespace {

using storage::UsageKind;

const Id128 kKey{1, 2};
const UnixNanos kStart = UnixNanos::from_seconds(1'700'000'020);  // 40 s into a minute

TEST(Limiter, GrantsWhatIsLeftAndSaysWhenTheWindowEnds) {
  Limiter limiter;
  EXPECT_EQ(limiter.take(kKey, "error", 5, kStart).granted, 5u) << "no limit";
  limiter.set(kKey, {{"error", 7, 60}});
  EXPECT_EQ(limiter.take(kKey, "error", 5, kStart).granted, 5u);
  const auto grant = limiter.take(kKey, "error", 5, kStart);
  EXPECT_EQ(grant.granted, 2u);
  EXPECT_EQ(grant.retry_after_s, 20);
  EXPECT_EQ(grant.reason, "7 in 60 s");
  EXPECT_EQ(limiter.take(kKey, "transaction", 5, kStart).granted, 5u) << "another category";
  EXPECT_EQ(limiter.take({9, 9}, "error", 5, kStart).granted, 5u) << "another key";
  EXPECT_EQ(limiter.take(kKey, "error", 5, kStart - std::chrono::hours(1)).granted, 0u)
      << "a clock that steps back";
  EXPECT_EQ(limiter.take(kKey, "error", 9, kStart + std::chrono::seconds(20)).granted, 7u)
      << "the next window";
}

TEST(Limiter, SeveralLimitsHoldTogetherAndTheLongestIsToldOf) {
  Limiter limiter;
  limiter.set(kKey, {{"error", 3, 60}, {"error", 4, 3600}, {std::string(kAllCategories), 5, 86'400}});
  EXPECT_EQ(limiter.take(kKey, "error", 10, kStart).granted, 3u);
  const UnixNanos next = kStart + std::chrono::seconds(30);
  const auto grant = limiter.take(kKey, "error", 10, next);
  EXPECT_EQ(grant.granted, 1u);
  EXPECT_TRUE(grant.all_categories) << grant.reason;
  EXPECT_EQ(limiter.take(kKey, "session", 10, next).granted, 1u);
  EXPECT_EQ(limiter.take(kKey, "session", 1, next).granted, 0u);
  limiter.give_back(kKey, "session", 1, next);
  EXPECT_EQ(limiter.take(kKey, "session", 1, next).granted, 1u);
}

TEST(Limiter, AChangeOfOneLimitLeavesTheOthersCounting) {
  Limiter limiter;
  limiter.set(kKey, {{"error", 3, 60}});
  EXPECT_EQ(limiter.take(kKey, "error", 3, kStart).granted, 3u);
  limiter.set(kKey, {{"error", 5, 60}, {"session", 1, 60}});
  EXPECT_EQ(limiter.take(kKey, "error", 9, kStart).granted, 2u);
  limiter.set(kKey, {});
  EXPECT_EQ(limiter.take(kKey, "error", 9, kStart).granted, 9u);
}

TEST(Limiter, IsNeverOverdrawn) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Limiter limiter;
    const KeyLimits limits{{"error", 1 + rng.below(20), 10},
                           {std::string(kAllCategories), 1 + rng.below(40), 60}};
    limiter.set(kKey, limits);
    std::map<std::pair<std::size_t, std::int64_t>, std::uint64_t> used;
    std::int64_t second = 1'700'000'000;
    for (int i = 0; i < 300; ++i) {
      second += static_cast<std::int64_t>(rng.below(3));
      const bool error = rng.below(2) == 0;
      const std::uint64_t wanted = 1 + rng.below(6);
      std::uint64_t left = wanted;
      for (std::size_t l = 0; l < 2; ++l) {
        if (l == 0 && !error) continue;
        const std::uint64_t& n = used[{l, second / limits[l].window_seconds}];
        left = std::min(left, limits[l].events - std::min(limits[l].events, n));
      }
      const auto grant =
          limiter.take(kKey, error ? "error" : "session", wanted, UnixNanos::from_seconds(second));
      ASSERT_EQ(grant.granted, left);
      ASSERT_EQ(grant.retry_after_s > 0, left < wanted);
      for (std::size_t l = error ? 0 : 1; l < 2; ++l)
        used[{l, second / limits[l].window_seconds}] += grant.granted;
    }
  }
}

Filters filters(std::string_view json) {
  auto settings = parse_filter_settings(json);
  EXPECT_TRUE(settings) << settings.error().message();
  return *Filters::compile(*settings);
}

TEST(Filters, StrikeWhatTheyName) {
  const auto all =
      filters(R"({"releases":["shop@0.*"],"error_messages":["*timed out*","KeyError: 'id'"],)"
              R"("expected_types":["NotFound","*Http404"],"expected_statuses":["404","4?9"],)"
              R"("transactions":["GET /internal/*"],"addresses":["203.0.113.0/24","2001:db8::1"],)"
              R"("health_checks":true,"browser_extensions":true,"localhost":true})");
  const auto error = [&](FilterFacts facts) { return all.strikes(facts); };
  EXPECT_EQ(error({.release = "SHOP@0.9"}), "release");
  EXPECT_EQ(error({.release = "shop@1.0"}), "");
  EXPECT_EQ(error({.message = "the call timed out."}), "error_message");
  EXPECT_EQ(error({.exceptions = {{"KeyError", "'id'"}}}), "error_message");
  EXPECT_EQ(error({.exceptions = {{"django.Http404", "x"}}}), "expected_error");
  EXPECT_EQ(error({.exceptions = {{"NotFound", "x"}, {"ValueError", "x"}}}), "") << "only the cause";
  EXPECT_EQ(error({.status = "404"}), "expected_error");
  EXPECT_EQ(error({.status = "419"}), "expected_error");
  EXPECT_EQ(error({.status = "500"}), "");
  EXPECT_EQ(error({.user_address = "203.0.113.77"}), "ip_address");
  EXPECT_EQ(error({.sender_address = "2001:db8:0::1"}), "ip_address");
  EXPECT_EQ(error({.user_address = "[ip]", .sender_address = "203.0.114.1"}), "");
  EXPECT_EQ(error({.url = "http://localhost:8000/x"}), "localhost");
  EXPECT_EQ(error({.user_address = "::1"}), "localhost");
  EXPECT_EQ(error({.url = "https://localhost.example/x"}), "");
  EXPECT_EQ(error({.sources = {"https://a.example/x.js", "moz-extension://1234/y.js"}}), "browser_extension");
  EXPECT_EQ(error({.transaction = true, .name = "GET /healthz"}), "health_check");
  EXPECT_EQ(error({.transaction = true, .name = "GET /internal/stats"}), "health_check");
  EXPECT_EQ(error({.transaction = true, .name = "GET /checkout"}), "");
  EXPECT_EQ(error({.transaction = true, .name = "x", .release = "shop@0.1"}), "release");
  EXPECT_EQ(error({.name = "GET /healthz"}), "") << "an error in a health check is an error";
}

TEST(Filters, KnowAgents) {
  for (const char* crawler :
       {"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "facebookexternalhit/1.1"})
    EXPECT_TRUE(is_web_crawler(crawler)) << crawler;
  const char* const modern[] = {
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
      "Safari/537.36",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
      "Safari/605.1.15",
      "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
      "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile "
      "Safari/537.36",
      "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 "
      "Edg/130.0",
      "curl/8.1",
      ""};
  for (const char* agent : modern) {
    EXPECT_FALSE(is_web_crawler(agent)) << agent;
    EXPECT_FALSE(is_legacy_browser(agent)) << agent;
  }
  for (const char* old :
       {"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)",
        "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/52.0",
        "Mozilla/5.0 (Linux; U; Android 4.0.3) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Safari",
        "Mozilla/5.0 (iPhone) AppleWebKit/600 (KHTML, like Gecko) Version/8.0 Mobile Safari/600",
        "Opera/9.80 (Windows NT 6.1) Presto/2.12"})
    EXPECT_TRUE(is_legacy_browser(old)) << old;
  for (const char* name : {"/health", "GET /api/health_check/", "app.views.healthz", "/live", "ping"})
    EXPECT_TRUE(is_health_check(name)) << name;
  for (const char* name : {"/healthcare", "/orders/status-page", "checkout", ""})
    EXPECT_FALSE(is_health_check(name)) << name;
}

TEST(BodySampler, KeepsTheFirstOfEachGroupAndASampleBeyondTheBudget) {
  BodySampler sampler;
  const ProjectId project{1};
  EXPECT_TRUE(sampler.keeps(project, "a", kStart)) << "all are kept unless a project says so";
  sampler.set(project, {BodyMode::fixed, 10});
  std::uint64_t kept = 0;
  for (int i = 0; i < 1'000; ++i) kept += sampler.keeps(project, "a", kStart) ? 1 : 0;
  EXPECT_EQ(kept, 10 + (990 + limits::kSpikeSampleEvery - 1) / limits::kSpikeSampleEvery);
  for (std::uint64_t i = 0; i < limits::kSpikeGroupBodies; ++i)
    EXPECT_TRUE(sampler.keeps(project, "new", kStart));
  EXPECT_TRUE(sampler.keeps(project, "a", kStart + std::chrono::minutes(1))) << "the next minute";
  sampler.set(project, {BodyMode::automatic, 0});
  EXPECT_EQ(sampler.budget(project), limits::kLeastSpikeBodies);
  sampler.set_usual(project, 1'000);
  EXPECT_EQ(sampler.budget(project), 1'000 * limits::kSpikeFactor);
}

struct UsageRig {
  io::FaultyFileSystem disk;
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  std::unique_ptr<metadb::MetaDb> db;
  std::unique_ptr<UsageStore> store;

  Result<> open() {
    store.reset();
    db.reset();
    TT_ASSIGN(db, metadb::open_metadb(disk, "data", clock, log, metrics));
    TT_ASSIGN(store, UsageStore::open(*db, clock, log));
    return {};
  }
  storage::Batch batch(std::vector<storage::UsageCount> usage) const {
    storage::Batch b;
    b.project = {1};
    b.received = clock.now();
    b.items.usage = std::move(usage);
    return b;
  }
  std::map<std::string, std::uint64_t> totals(Nanos step = Nanos(0), bool by_reason = true) const {
    std::map<std::string, std::uint64_t> out;
    storage::UsageQuery query;
    query.project = {1};
    query.step = step;
    query.by_reason = by_reason;
    const auto list = store->list(query);
    EXPECT_TRUE(list);
    for (const auto& u : *list)
      out[std::string(storage::name_of(u.count.kind)) + "/" + u.count.category + "/" + u.count.reason] +=
          u.count.quantity;
    return out;
  }
};

TEST(Usage, CountsOnceOverCheckpointsReplaysAndPowerLoss) {
  UsageRig rig;
  ASSERT_TRUE(rig.open());
  const std::vector<storage::Batch> batches = {
      rig.batch({{UsageKind::accepted, "error", "", kKey, 1}}),
      rig.batch({{UsageKind::rate_limited, "error", "1 in 60 s", kKey, 99},
                 {UsageKind::accepted, "session", "", kKey, 2}}),
      rig.batch(
          {{UsageKind::accepted, "error", "", kKey, 1}, {UsageKind::accepted, "error", "", Id128{3, 4}, 5}}),
  };
  const std::map<std::string, std::uint64_t> wanted = {
      {"accepted/error/", 7}, {"accepted/session/", 2}, {"rate_limited/error/1 in 60 s", 99}};
  ASSERT_TRUE(rig.store->apply({1}, batches[0]));
  ASSERT_TRUE(rig.store->apply({1}, batches[0])) << "the same again";
  ASSERT_TRUE(rig.store->checkpoint());
  ASSERT_TRUE(rig.store->apply({2}, batches[1]));
  ASSERT_TRUE(rig.store->apply({3}, batches[2]));
  EXPECT_EQ(rig.totals(), wanted);
  rig.disk.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.store->applied().value, 1u);
  EXPECT_EQ(rig.totals(), (std::map<std::string, std::uint64_t>{{"accepted/error/", 1}}));
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(rig.store->apply({i + 1}, batches[i]));
  EXPECT_EQ(rig.totals(), wanted);
  ASSERT_TRUE(rig.store->checkpoint());
  EXPECT_EQ(rig.totals(), wanted);
  EXPECT_EQ(rig.totals(storage::kUsageBucket, false).at("rate_limited/error/"), 99u);
  rig.clock.set_wall(rig.clock.now() + std::chrono::hours(24 * (limits::kUsageDays + 1)));
  ASSERT_TRUE(rig.store->prune());
  EXPECT_TRUE(rig.totals().empty());
}

TEST(Usage, WhatIsUsualIsTheRateOfTheWeekButTheLastHour) {
  UsageRig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.db->projects().add({{1}, "shop", "Shop", rig.clock.now()}));
  BodySampler bodies;
  bodies.set({1}, {BodyMode::automatic, 0});
  std::uint64_t sequence = 0;
  for (int i = 0; i < 12; ++i) {  // two hours of 1,000 a minute, then a spike
    ASSERT_TRUE(
        rig.store->apply({++sequence}, rig.batch({{UsageKind::accepted, "error", "", kKey, 10'000}})));
    rig.clock.set_wall(rig.clock.now() + storage::kUsageBucket);
  }
  ASSERT_TRUE(
      rig.store->apply({++sequence}, rig.batch({{UsageKind::accepted, "error", "", kKey, 9'000'000}})));
  rig.clock.set_wall(rig.clock.now() + std::chrono::minutes(30));
  ASSERT_TRUE(rig.store->refresh(bodies));
  const auto budget = bodies.budget({1});
  EXPECT_GE(budget, 900 * limits::kSpikeFactor);
  EXPECT_LE(budget, 1'100 * limits::kSpikeFactor);
}

TEST(Intake, SettingsSurviveAndComeIntoForceTogether) {
  UsageRig rig;
  ASSERT_TRUE(rig.open());
  Intake intake;
  EXPECT_EQ(intake.filters({1}), nullptr);
  const auto settings =
      parse_intake_settings(R"({"filters":{"web_crawlers":true},"bodies":{"mode":"fixed","per_minute":3}})");
  ASSERT_TRUE(settings) << settings.error().message();
  ASSERT_TRUE(intake.change(*rig.db, {1}, *settings));
  ASSERT_TRUE(intake.change_limits(*rig.db, kKey, {{"error", 3, 60}}));
  Intake again;
  ASSERT_TRUE(again.load(*rig.db));
  EXPECT_EQ(again.settings({1}), *settings);
  EXPECT_EQ(again.limiter().limits(kKey), intake.limiter().limits(kKey));
  ASSERT_NE(again.filters({1}), nullptr);
  ASSERT_TRUE(again.change(*rig.db, {1}, {}));
  EXPECT_EQ(again.filters({1}), nullptr) << "nothing that could strike";
}

}  // namespace
}  // namespace telltale::quota
