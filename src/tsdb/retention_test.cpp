// How long series stay by rules, projects and the whole store: against a plain oracle under random histories
// and rules, over crashes; and how many new ones there may be.
#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "io/faulty_file_system.hpp"
#include "storage/memory_metric_store.hpp"
#include "storage/metric_store_contract.hpp"
#include "tsdb/part.hpp"
#include "tsdb/tsdb.hpp"

namespace telltale::tsdb {
namespace {

using storage::contract::make_batch;
using storage::contract::must_read;
using storage::contract::Put;
using storage::contract::Snapshot;

constexpr std::int64_t kKeptNowMs = 1'700'000'000'000;
constexpr std::chrono::hours kOneDay{24};

Labels metric(std::string name, std::string env = "") {
  return Labels({{"__name__", std::move(name)}, {"env", std::move(env)}});
}

/// An engine whose records are kept, on a disk that may fail.
struct KeepBench {
  io::FaultyFileSystem disk;
  FakeClock clock{UnixNanos::from_millis({kKeptNowMs})};
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  TsdbOptions options;
  std::unique_ptr<Tsdb> db;
  std::vector<storage::Batch> journal;  // record i has sequence i + 1

  KeepBench() { options.merge_fan_in = 2; }

  Result<> open() {
    db.reset();
    TT_ASSIGN(db, open_tsdb(disk, "data/tsdb", options, clock, log, metrics));
    for (std::uint64_t s = db->applied().value; s < journal.size(); ++s) {
      TT_TRY(db->apply({s + 1}, journal[s]));
      db->journaled(journal[s].new_series);
    }
    return {};
  }
  void put(ProjectId project, const std::vector<Put>& puts) {
    journal.push_back(make_batch(*db, project, puts));
    ASSERT_TRUE(db->apply({journal.size()}, journal.back()));
  }
  std::int64_t now() const { return clock.now().to_millis().ms; }
};

/// The naive one: goes through the rules for each series.
std::int64_t time_to_keep(const MetricRetention& rules, ProjectId project, const Labels& labels) {
  Nanos keep = rules.keep;
  if (const auto own = rules.projects.find(project); own != rules.projects.end()) keep = own->second;
  for (const auto& rule : rules.rules) {
    if (rule.project.value != 0 && rule.project != project) continue;
    if (!storage::matches_all(rule.matchers, labels)) continue;
    keep = rule.keep;
    break;
  }
  return std::chrono::duration_cast<Millis>(keep).count();
}

/// Nothing that is within its time is missing or other than it was; with `swept`, nothing is there whose
/// whole day is past its time.
void expect_kept(Tsdb& db, storage::MetricStore& oracle, const MetricRetention& rules, std::int64_t now,
                 bool swept) {
  for (const ProjectId project : {ProjectId{1}, ProjectId{2}}) {
    const Snapshot all = must_read(oracle, {project});
    std::map<Labels, std::map<std::int64_t, std::uint64_t>> left;
    for (const auto& [labels, points] : must_read(db, {project})) {
      for (const auto& [time, bits] : points) left[labels][time] = bits;
    }
    for (const auto& [labels, points] : all) {
      const std::int64_t oldest = now - time_to_keep(rules, project, labels);
      auto& of_series = left[labels];
      for (const auto& [time, bits] : points) {
        const auto found = of_series.find(time);
        const bool there = found != of_series.end();
        const std::string what = labels.to_string() + " at " + std::to_string(time);
        if (there) {
          ASSERT_EQ(found->second, bits) << what;
          of_series.erase(found);
        }
        if (time >= oldest) {
          ASSERT_TRUE(there) << what << " is lost";
        }
        const std::int64_t day_end = (day_of(time) + 1) * kDayMs;
        if (swept && day_end <= oldest) {
          ASSERT_FALSE(there) << what << " is past its time";
        }
      }
      ASSERT_TRUE(of_series.empty()) << labels.to_string() << " has samples that nobody wrote";
    }
  }
}

constexpr std::int64_t kSameTimesMs = kDayMs / 3;

MetricRetention random_rules(Rng& rng) {
  static const std::pair<const char*, const char*> kChoices[] = {
      {"__name__", "m1"}, {"__name__", "m[12]"}, {"env", "e1"}, {"env", ""}, {"env", "e[02]|"}, {"zone", ""}};
  const auto days = [&] { return kOneDay * static_cast<int>(1 + rng.below(12)); };
  MetricRetention out;
  out.keep = days();
  if (rng.chance(0.4)) out.projects[ProjectId{2}] = days();
  for (auto n = rng.below(4); n > 0; --n) {
    MetricRetention::Rule rule{ProjectId{static_cast<std::uint32_t>(rng.below(3))}, {}, days()};
    for (auto m = 1 + rng.below(2); m > 0; --m) {
      const auto& [name, value] = kChoices[rng.below(std::size(kChoices))];
      rule.matchers.push_back(
          *storage::LabelMatcher::make(static_cast<storage::MatchOp>(rng.below(4)), name, value));
    }
    out.rules.push_back(std::move(rule));
  }
  return out;
}

TEST(TsdbRetention, RandomHistoriesUnderRandomRulesKeepWhatANaiveReadingKeeps) {
  const std::uint64_t first = std::random_device{}();
  for (std::uint64_t seed = first; seed < first + 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    KeepBench bench;
    bench.options.retention = random_rules(rng);
    MetricRetention rules = bench.options.retention;
    ASSERT_TRUE(bench.open());
    const auto oracle = storage::make_memory_metric_store();
    for (int step = 0; step < 80; ++step) {
      std::vector<Put> puts;
      for (auto n = rng.below(12); n > 0; --n) {
        const std::int64_t back = rng.chance(0.2) ? static_cast<std::int64_t>(rng.below(3 * kDayMs)) : 0;
        std::int64_t ms = bench.now() - back - static_cast<std::int64_t>(rng.below(1000));
        if (rng.chance(0.4)) ms = ms / kSameTimesMs * kSameTimesMs;  // written over what is there
        puts.push_back({metric("m" + std::to_string(rng.below(4)),
                               rng.chance(0.4) ? "" : "e" + std::to_string(rng.below(3))),
                        ms, rng.unit()});
      }
      ASSERT_NO_FATAL_FAILURE(bench.put(ProjectId{1 + static_cast<std::uint32_t>(rng.below(2))}, puts));
      ASSERT_TRUE(oracle->apply({bench.journal.size()}, bench.journal.back()));
      bench.clock.advance(std::chrono::minutes(rng.below(12 * 60)));
      if (rng.chance(0.1)) {
        // What longer rules would have kept may be gone already; a shorter store cannot bring it back.
        for (auto& rule : rules.rules) rule.keep = std::max<Nanos>(kOneDay, rule.keep - kOneDay);
        bench.db->set_retention(rules);
        bench.options.retention = rules;
      }
      const bool saved = rng.chance(0.3);
      if (saved) {
        ASSERT_TRUE(bench.db->checkpoint());
      }
      const bool maintained = rng.chance(0.3);
      if (maintained) {
        ASSERT_TRUE(bench.db->maintenance());
      }
      if (rng.chance(0.1)) {
        ASSERT_TRUE(bench.open());
      }
      ASSERT_NO_FATAL_FAILURE(expect_kept(*bench.db, *oracle, rules, bench.now(), saved && maintained));
    }
    EXPECT_TRUE(bench.db->verify()->empty());
  }
}

storage::LabelMatcher debug_only() {
  return *storage::LabelMatcher::make(storage::MatchOp::re, "__name__", "debug_.*");
}

TEST(TsdbRetention, TheFirstRuleThenTheProjectThenTheStoreSayHowLong) {
  KeepBench bench;
  auto& rules = bench.options.retention;
  rules.keep = 10 * kOneDay;
  rules.projects[ProjectId{2}] = 5 * kOneDay;
  const auto prod = *storage::LabelMatcher::make(storage::MatchOp::eq, "env", "prod");
  rules.rules = {{ProjectId{}, {debug_only(), prod}, 20 * kOneDay},
                 {ProjectId{}, {debug_only()}, 2 * kOneDay}};
  ASSERT_TRUE(bench.open());
  for (const ProjectId project : {ProjectId{1}, ProjectId{2}}) {
    std::vector<Put> puts;
    for (const char* name : {"debug_a", "served"}) {
      for (const char* env : {"", "prod"}) puts.push_back({metric(name, env), kKeptNowMs, 1});
    }
    ASSERT_NO_FATAL_FAILURE(bench.put(project, puts));
  }
  ASSERT_TRUE(bench.db->checkpoint());
  const auto left = [&](std::uint32_t project) {
    EXPECT_TRUE(bench.db->maintenance());
    std::set<std::string> out;
    for (const auto& [labels, points] : must_read(*bench.db, {{project}}))
      out.insert(std::string(labels.get("__name__")) + " " + std::string(labels.get("env")));
    return out;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(left(1).size(), 4U);
  bench.clock.advance(3 * kOneDay);
  EXPECT_EQ(left(1), (Names{"debug_a prod", "served ", "served prod"}));
  EXPECT_EQ(left(2), (Names{"debug_a prod", "served ", "served prod"}));
  bench.clock.advance(3 * kOneDay);
  EXPECT_EQ(left(1).size(), 3U);
  EXPECT_EQ(left(2), (Names{"debug_a prod"}));
  EXPECT_EQ(bench.db->stats().series, 4U) << "series without samples drop out";
  bench.clock.advance(5 * kOneDay);
  EXPECT_EQ(left(1), (Names{"debug_a prod"}));
  bench.clock.advance(10 * kOneDay);
  EXPECT_TRUE(left(1).empty() && left(2).empty());
  EXPECT_TRUE(bench.db->stats().parts.empty());
  EXPECT_EQ(bench.db->stats().series, 0U);
  EXPECT_EQ(bench.metrics.counter("telltale_tsdb_expired_samples_total", "").value(), 8U);
}

TEST(TsdbRetention, APartIsWrittenAnewOnceForATimeAndNotForNothing) {
  KeepBench bench;
  bench.options.retention.rules = {{ProjectId{}, {debug_only()}, 2 * kOneDay}};
  ASSERT_TRUE(bench.open());
  ASSERT_NO_FATAL_FAILURE(
      bench.put({1}, {{metric("debug_a"), kKeptNowMs, 1}, {metric("served"), kKeptNowMs, 2}}));
  ASSERT_TRUE(bench.db->checkpoint());
  const std::string before = bench.db->stats().parts[0].file;
  bench.clock.advance(kOneDay);
  ASSERT_TRUE(bench.db->maintenance());
  EXPECT_EQ(bench.db->stats().parts[0].file, before);
  bench.clock.advance(2 * kOneDay);
  ASSERT_TRUE(bench.db->maintenance());
  const std::string after = bench.db->stats().parts[0].file;
  EXPECT_NE(after, before);
  EXPECT_EQ(bench.db->stats().parts[0].samples, 1U);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bench.db->maintenance());
  EXPECT_EQ(bench.db->stats().parts[0].file, after);
  // A rule that matches nothing there rewrites nothing; one that is new holds for what is there.
  MetricRetention rules = bench.options.retention;
  rules.rules.push_back({ProjectId{2}, {}, kOneDay});
  bench.db->set_retention(rules);
  ASSERT_TRUE(bench.db->maintenance());
  EXPECT_EQ(bench.db->stats().parts[0].file, after);
  rules.rules.push_back({ProjectId{1}, {}, kOneDay});
  bench.db->set_retention(rules);
  ASSERT_TRUE(bench.db->maintenance());
  EXPECT_TRUE(bench.db->stats().parts.empty());
}

/// Batches over some days, with rules that drop a part of each; stops when the power is off.
void live_some_days(KeepBench& bench, storage::MetricStore& oracle) {
  for (std::uint64_t day = 0; day < 5; ++day) {
    bench.put({1}, {{metric("debug_" + std::to_string(day)), bench.now(), static_cast<double>(day)},
                    {metric("served"), bench.now() + 1, 1.5},
                    {metric("debug_all"), bench.now() - 2 * kDayMs, 2.5}});
    ASSERT_TRUE(oracle.apply({bench.journal.size()}, bench.journal.back()));
    (void)bench.db->checkpoint();
    bench.clock.advance(kOneDay);
    (void)bench.db->maintenance();
  }
}

TEST(TsdbRetentionCrash, OnlyWhatIsPastItsTimeGoesWhereverThePowerGoes) {
  const std::uint64_t seed = std::random_device{}();
  for (std::uint64_t k = 1;; ++k) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " call " + std::to_string(k));
    KeepBench bench;
    bench.options.retention.rules = {{ProjectId{}, {debug_only()}, 2 * kOneDay}};
    const auto oracle = storage::make_memory_metric_store();
    bench.disk.power_off_at(k);
    if (bench.open()) live_some_days(bench, *oracle);
    const bool last = !bench.disk.powered_off();
    bench.db.reset();
    bench.disk.crash(k % 4 == 0 ? std::nullopt : std::optional(seed + k));
    const auto opened = bench.open();
    ASSERT_TRUE(opened) << opened.error().message();
    const auto& rules = bench.options.retention;
    ASSERT_NO_FATAL_FAILURE(expect_kept(*bench.db, *oracle, rules, bench.now(), false));
    ASSERT_TRUE(bench.db->checkpoint());
    ASSERT_TRUE(bench.db->maintenance());
    ASSERT_NO_FATAL_FAILURE(expect_kept(*bench.db, *oracle, rules, bench.now(), true));
    ASSERT_TRUE(bench.db->verify()->empty());
    ASSERT_EQ(bench.db->stats().quarantined, 0U);
    if (last) break;
  }
}

TEST(TsdbSeriesLimits, NewSeriesAreLimitedByTheHourAndKnownOnesGoOn) {
  KeepBench bench;
  bench.options.series = {10, 3};
  ASSERT_TRUE(bench.open());
  std::vector<storage::SeriesDef> defs;
  const auto resolve = [&](std::uint32_t project, const std::string& name) {
    return bench.db->resolve({project}, metric(name), defs);
  };
  const auto refused = [&](const char* limit) {
    return bench.metrics.counter("telltale_tsdb_refused_series_total", "", {{"limit", limit}}).value();
  };
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(resolve(1, name));
  const auto over = resolve(1, "d");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(over.error().message(),
            "project 1 has reached its limit of 3 new series an hour (metrics.max_new_series_per_hour)");
  EXPECT_TRUE(resolve(1, "b")) << "a series that is there goes on";
  EXPECT_TRUE(resolve(2, "d")) << "another project has limits of its own";
  EXPECT_EQ(bench.db->series_use({1}).series, 3U);
  EXPECT_EQ(bench.db->series_use({1}).new_this_hour, 3U);
  EXPECT_EQ(refused("metrics.max_new_series_per_hour"), 1U);
  bench.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(bench.db->series_use({1}).new_this_hour, 0U);
  for (const char* name : {"d", "e", "f"}) ASSERT_TRUE(resolve(1, name));
  EXPECT_FALSE(resolve(1, "g"));
  bench.db->set_series_limits({6, 100});
  const auto full = resolve(1, "g");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().message(), "project 1 has reached its limit of 6 series (metrics.max_series)");
  EXPECT_EQ(refused("metrics.max_series"), 1U);
  bench.db->set_series_limits({7, 100});
  EXPECT_TRUE(resolve(1, "g"));
  EXPECT_EQ(bench.metrics.counter("telltale_tsdb_new_series_total", "").value(), 8U);
}

}  // namespace
}  // namespace telltale::tsdb
