// Rules against a naive evaluator: on random rows and rules, with restarts, merges and changes of the rules,
// what is left after each day is what the history of every row says.
#include <random>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "eventdb/eventdb.hpp"
#include "eventdb/part_format.hpp"
#include "io/faulty_file_system.hpp"

namespace telltale::eventdb {
namespace {

using storage::EventFilter;
using storage::FilterOp;

constexpr Nanos kDay = std::chrono::hours(24);

struct RetentionRig {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  io::FaultyFileSystem disk;
  EventDbOptions options;
  std::unique_ptr<EventDb> db;
  std::uint64_t sequence = 0;

  void reopen() {
    db.reset();
    auto opened = open_eventdb(disk, "data/events", options, clock, log, metrics);
    ASSERT_TRUE(opened) << opened.error().message();
    db = *std::move(opened);
  }
  void write(std::vector<EventRow> rows, bool to_parts = true) {
    storage::Batch batch;
    batch.logs = std::move(rows);
    ASSERT_TRUE(db->apply(Sequence{++sequence}, batch));
    if (to_parts) {
      ASSERT_TRUE(db->checkpoint());
    }
  }
  std::vector<std::string> messages(Table table = Table::logs) {
    EXPECT_TRUE(db->maintenance());
    storage::EventQuery q;
    q.table = table;
    q.projects = {ProjectId{1}, ProjectId{2}, ProjectId{3}};
    WorkContext context(clock, WorkLimits{});
    std::vector<std::string> out;
    const auto rows = storage::collect(*db, q, context);
    EXPECT_TRUE(rows);
    for (const EventRow& row : *rows) out.push_back(row.message);
    std::sort(out.begin(), out.end());
    return out;
  }
};

RetentionRule rule_for(std::uint32_t id, EventFilter filter, Nanos keep, ProjectId project = {}) {
  return {id, Table::logs, project, std::move(filter), keep};
}

EventFilter service_is(const char* name) { return EventFilter::spelled(FilterOp::eq, "service", name); }

EventRow retained_row(const RetentionRig& rig, std::uint32_t project, const char* service, Level level,
                      std::string message) {
  EventRow row;
  row.project.value = project;
  row.time = rig.clock.now();
  row.ids.service = service;
  row.ids.level = level;
  row.message = std::move(message);
  return row;
}

TEST(EventDbRules, TheClassStandsInTheName) {
  for (const RetentionClass kept :
       {RetentionClass{}, RetentionClass{ProjectId{2}, 0}, RetentionClass{ProjectId{}, 0xc0ffee},
        RetentionClass{ProjectId{77}, 0xffffffff}}) {
    const std::string name = part_name(Table::errors, 20'000, kept, 17);
    EXPECT_EQ(retention_class_of(name), kept) << name;
  }
  EXPECT_EQ(part_name(Table::logs, 20'461, {ProjectId{2}, 0xc0ffee}, 17),
            "logs-20260108-p2-r00c0ffee-17.part");
}

TEST(EventDbRules, TheFirstThatMatchesDecidesThenTheProjectThenTheTable) {
  RetentionRig rig;
  rig.options.retention.tables[Table::logs] = 30 * kDay;
  rig.options.retention.projects[{Table::logs, ProjectId{2}}] = 7 * kDay;
  rig.options.retention.rules = {
      rule_for(
          1, EventFilter::all_of({service_is("nginx"), EventFilter::spelled(FilterOp::eq, "level", "debug")}),
          1 * kDay),
      rule_for(2, service_is("nginx"), 60 * kDay, ProjectId{2}),
      rule_for(3, EventFilter::spelled(FilterOp::eq, "team_name", "billing"), 90 * kDay)};
  rig.reopen();
  EventRow billing = retained_row(rig, 1, "pay", Level::debug, "1 billing");
  billing.set("team.name", std::string("billing"));
  rig.write({retained_row(rig, 1, "nginx", Level::debug, "1 nginx debug"),
             retained_row(rig, 1, "nginx", Level::info, "1 nginx info"),
             retained_row(rig, 2, "nginx", Level::debug, "2 nginx debug"),
             retained_row(rig, 2, "nginx", Level::info, "2 nginx info"),
             retained_row(rig, 2, "shop", Level::info, "2 shop"), billing});
  EXPECT_EQ(rig.db->stats().parts, 6u);
  using Left = std::vector<std::string>;
  EXPECT_EQ(rig.messages().size(), 6u);
  rig.clock.advance(2 * kDay);
  EXPECT_EQ(rig.messages(), (Left{"1 billing", "1 nginx info", "2 nginx info", "2 shop"}));
  rig.clock.advance(6 * kDay);
  EXPECT_EQ(rig.messages(), (Left{"1 billing", "1 nginx info", "2 nginx info"}));
  rig.reopen();
  rig.clock.advance(23 * kDay);
  EXPECT_EQ(rig.messages(), (Left{"1 billing", "2 nginx info"}));
  // A changed time holds for what is there; without its rule a row follows its project, then the table.
  EventRetention next = rig.options.retention;
  next.rules[1].keep = 400 * kDay;
  next.rules.pop_back();
  rig.db->set_retention(next);
  EXPECT_EQ(rig.messages(), Left{"2 nginx info"});
  rig.clock.advance(300 * kDay);
  EXPECT_EQ(rig.messages(), Left{"2 nginx info"});
  next.rules.clear();
  rig.db->set_retention(next);
  EXPECT_EQ(rig.messages(), Left{});
}

TEST(EventDbRules, OfAnotherTableAreNotAsked) {
  RetentionRig rig;
  rig.options.retention.tables = {{Table::logs, 30 * kDay}, {Table::spans, 30 * kDay}};
  rig.options.retention.rules = {rule_for(9, service_is("a"), 1 * kDay)};
  rig.options.retention.rules[0].table = Table::spans;
  rig.reopen();
  storage::Batch batch;
  batch.logs = {retained_row(rig, 1, "a", Level::info, "line")};
  batch.spans = {retained_row(rig, 1, "a", Level::info, "span")};
  ASSERT_TRUE(rig.db->apply(Sequence{1}, batch));
  ASSERT_TRUE(rig.db->checkpoint());
  rig.clock.advance(2 * kDay);
  EXPECT_EQ(rig.messages(), std::vector<std::string>{"line"});
  EXPECT_EQ(rig.messages(Table::spans), std::vector<std::string>{});
}

// ---- random histories

struct Remembered {
  EventRow row;
  ProjectId project_class;
  std::uint32_t rule = 0;
  bool in_part = false;
};

RetentionRule random_rule(Rng& rng) {
  static constexpr const char* kServices[] = {"a", "b", "c"};
  EventFilter filter;
  switch (rng.below(4)) {
    case 0:
      filter = service_is(kServices[rng.below(3)]);
      break;
    case 1:
      filter = EventFilter::all_of({service_is(kServices[rng.below(3)]),
                                    EventFilter::spelled(FilterOp::regex, "level", "debug|info")});
      break;
    case 2:
      filter = {FilterOp::none, {}, {}, {EventFilter::spelled(FilterOp::eq, "team", "t1")}, {}, false};
      break;
    default:
      filter = EventFilter::spelled(FilterOp::regex, "team", "^t[12]$");
  }
  const ProjectId project{static_cast<std::uint32_t>(rng.below(3))};
  return rule_for(static_cast<std::uint32_t>(1 + rng.below(1'000'000)), std::move(filter),
                  static_cast<std::int64_t>(1 + rng.below(20)) * kDay, project);
}

EventRow random_kept_row(const RetentionRig& rig, Rng& rng, int number) {
  static constexpr const char* kServices[] = {"a", "b", "c", ""};
  EventRow row = retained_row(rig, static_cast<std::uint32_t>(1 + rng.below(3)), kServices[rng.below(4)],
                              rng.chance(0.5) ? Level::debug : Level::error, std::to_string(number));
  row.time.ns -= static_cast<std::int64_t>(rng.below(3 * 86'400)) * 1'000'000'000;
  if (rng.chance(0.6))
    row.set(rng.chance(0.5) ? "team" : "te.am", "t" + std::to_string(rng.below(4)),
            static_cast<AttrKind>(rng.below(3)));
  return row;
}

class NaiveRetention {
 public:
  void add(const EventRow& row) { rows_.push_back({row, {}, 0, false}); }
  void to_parts(const EventRetention& kept) {
    for (Remembered& r : rows_) {
      if (r.in_part) continue;
      r.in_part = true;
      if (kept.projects.contains({Table::logs, r.row.project})) r.project_class = r.row.project;
      for (const RetentionRule& rule : kept.rules) {
        if (rule.project != ProjectId{} && rule.project != r.row.project) continue;
        if (!storage::CompiledFilter::compile(rule.filter)->matches(r.row)) continue;
        r.rule = rule.id;
        break;
      }
    }
  }
  std::vector<std::string> left(const EventRetention& kept, UnixNanos now) {
    std::erase_if(rows_, [&](const Remembered& r) {
      Nanos keep = kept.tables.at(Table::logs);
      if (const auto own = kept.projects.find({Table::logs, r.project_class}); own != kept.projects.end())
        keep = own->second;
      for (const RetentionRule& rule : kept.rules)
        if (rule.id == r.rule) keep = rule.keep;
      return r.in_part && UnixNanos::from_seconds((day_of(r.row.time) + 1) * 86'400) <= now - keep;
    });
    std::vector<std::string> out;
    for (const Remembered& r : rows_) out.push_back(r.row.message);
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::vector<Remembered> rows_;
};

TEST(EventDbRules, AgreeWithAHistoryOfEveryRow) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int run = 0; run < 8; ++run) {
    RetentionRig rig;
    NaiveRetention naive;
    rig.options.chunk_rows = 32;
    rig.options.retention.tables[Table::logs] = 10 * kDay;
    for (int i = 0; i < 3; ++i) rig.options.retention.rules.push_back(random_rule(rng));
    rig.reopen();
    int number = 0;
    for (int day = 0; day < 30; ++day) {
      for (std::uint64_t part = 0; part < 1 + rng.below(5); ++part) {
        std::vector<EventRow> rows;
        for (std::uint64_t i = 0; i < 1 + rng.below(60); ++i)
          rows.push_back(random_kept_row(rig, rng, ++number));
        for (const EventRow& row : rows) naive.add(row);
        const bool to_parts = rng.chance(0.8);
        rig.write(std::move(rows), to_parts);
        if (to_parts) naive.to_parts(rig.options.retention);
      }
      EventRetention& kept = rig.options.retention;
      if (rng.chance(0.3) && !kept.rules.empty()) kept.rules.erase(kept.rules.begin());
      if (rng.chance(0.3)) kept.rules.push_back(random_rule(rng));
      if (rng.chance(0.3) && !kept.rules.empty()) kept.rules.back().keep = 3 * kDay;
      if (rng.chance(0.2)) kept.projects[{Table::logs, ProjectId{2}}] = 15 * kDay;
      if (rng.chance(0.2)) kept.projects.clear();
      rig.db->set_retention(kept);
      if (rng.chance(0.2)) {
        ASSERT_TRUE(rig.db->checkpoint());
        naive.to_parts(kept);
        rig.reopen();
      }
      rig.clock.advance(std::chrono::hours(1 + rng.below(40)));
      ASSERT_EQ(rig.messages(), naive.left(kept, rig.clock.now())) << "run " << run << " day " << day;
    }
    EXPECT_TRUE(rig.db->verify()->damaged.empty());
  }
}

}  // namespace
}  // namespace telltale::eventdb
