// Log metrics over batches as the journal hands them, with a clock of our own; restarts and crashes are a new
// LogMetrics over the same records and the batches behind its sequence.
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "io/file_system.hpp"
#include "logmetrics/log_metrics.hpp"
#include "metadb/metadb.hpp"

namespace telltale::logmetrics {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Rig {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry registry;
  std::unique_ptr<io::FileSystem> fs = io::make_memory_file_system();
  std::unique_ptr<metadb::MetaDb> records = *metadb::open_metadb(*fs, "meta", clock, log, registry);
  std::vector<std::pair<Sequence, storage::Batch>> journal;
  std::map<std::string, std::map<std::int64_t, double>> written;  // series → time → value
  bool disk_full = false;
  std::unique_ptr<LogMetrics> metrics;

  Rig() { restart(); }

  /// Whatever was not kept is gone; the journal is replayed.
  void restart() {
    metrics.reset();
    metrics = *LogMetrics::open(*records, clock, log, registry);
    for (const auto& [sequence, batch] : journal) ASSERT_TRUE(metrics->apply(sequence, batch));
    metrics->set_sink([this](ProjectId project, const Samples& samples) -> Result<> {
      if (disk_full) return fail(ErrorKind::disk_full, "full");
      for (const auto& [labels, sample] : samples) {
        // In front of the text of the labels, so that another project's are told apart.
        written[(project.value == 1 ? "" : fmt::format("{}:", project.value)) + labels.to_string()]
               [sample.time.ms] = sample.value;
      }
      return {};
    });
  }
  std::int64_t make(const std::string& json, ProjectId project = ProjectId{1}) {
    auto d = parse_definition(json);
    EXPECT_TRUE(d) << d.error().message();
    auto made = metrics->add(project, *d);
    EXPECT_TRUE(made) << made.error().message();
    return made->id;
  }
  EventRow row(const std::string& line, std::vector<std::pair<std::string, std::string>> labels = {},
               Nanos age = Nanos(0)) const {
    EventRow out;
    out.time = clock.now() - age;
    out.message = line;
    for (auto& [name, value] : labels) out.set(name, value, AttrKind::label);
    return out;
  }
  void push(std::vector<EventRow> rows, ProjectId project = ProjectId{1}) {
    storage::Batch batch;
    batch.project = project;
    batch.received = clock.now();
    batch.logs = std::move(rows);
    const Sequence sequence{journal.size() + 1};
    ASSERT_TRUE(metrics->apply(sequence, batch));
    journal.emplace_back(sequence, std::move(batch));
  }
  void pass(Nanos time = seconds(15)) {
    clock.advance(time);
    metrics->tick();
  }
  double last(const std::string& series) const {
    const auto found = written.find(series);
    return found == written.end() ? -1 : found->second.rbegin()->second;
  }
};

constexpr const char* kErrors =
    R"({"name":"errors_total","kind":"counter","query":"{app=\"shop\"} |= \"error\"","by":["route"]})";

TEST(LogMetrics, ACounterCountsByLabelsFromAZeroOn) {
  Rig rig;
  rig.push({rig.row("error before", {{"app", "shop"}, {"route", "/a"}})});
  const std::int64_t id = rig.make(kErrors);
  rig.pass();
  EXPECT_TRUE(rig.written.empty());
  const auto began = rig.clock.now().to_millis();
  rig.push({rig.row("error 1", {{"app", "shop"}, {"route", "/a"}}), rig.row("fine", {{"app", "shop"}}),
            rig.row("error 2", {{"app", "shop"}, {"route", "/b"}}), rig.row("error", {{"app", "other"}}),
            rig.row("error 3", {{"app", "shop"}, {"route", "/a"}})});
  rig.pass();
  const std::string a = R"(errors_total{route="/a"})";
  EXPECT_EQ(rig.last(a), 2);
  EXPECT_EQ(rig.last(R"(errors_total{route="/b"})"), 1);
  EXPECT_EQ(rig.written.size(), 2U);
  ASSERT_EQ(rig.written[a].size(), 2U);
  EXPECT_EQ(rig.written[a].begin()->first, began.ms - 1);
  EXPECT_EQ(rig.written[a].begin()->second, 0) << "so that rate() sees the first lines";
  rig.metrics->tick();
  rig.pass(seconds(1));
  EXPECT_EQ(rig.written[a].size(), 2U) << "one sample an interval";
  rig.pass();
  EXPECT_EQ(rig.written[a].size(), 3U) << "also when nothing came";
  EXPECT_EQ(rig.last(a), 2);
  const auto status = rig.metrics->get(id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->counts.counted, 3U);
  EXPECT_EQ(status->series, 2U);
  EXPECT_TRUE(status->last_match);
}

TEST(LogMetrics, AHistogramHasClassicBuckets) {
  Rig rig;
  rig.make(
      R"({"name":"took","kind":"histogram","query":"{} | json","field":"ms","buckets":[1,10,100],"by":["app"]})");
  for (const char* ms : {"0.5", "1", "7", "50", "1000", "\"no number\"", "\"NaN\""})
    rig.push({rig.row(fmt::format("{{\"ms\":{}}}", ms), {{"app", "a"}})});
  rig.push({rig.row("not JSON", {{"app", "a"}}), rig.row("{}", {{"app", "a"}})});
  rig.pass();
  const auto bucket = [&](const char* le) {
    return rig.last(fmt::format("took_bucket{{app=\"a\", le=\"{}\"}}", le));
  };
  EXPECT_EQ(bucket("1"), 2);
  EXPECT_EQ(bucket("10"), 3);
  EXPECT_EQ(bucket("100"), 4);
  EXPECT_EQ(bucket("+Inf"), 5);
  EXPECT_EQ(rig.last(R"(took_count{app="a"})"), 5);
  EXPECT_EQ(rig.last(R"(took_sum{app="a"})"), 1058.5);
  EXPECT_EQ(rig.metrics->list({ProjectId{1}})[0].counts.unusable, 4U);
}

TEST(LogMetrics, DurationsAreSeconds) {
  Rig rig;
  rig.make(
      R"({"name":"d","kind":"histogram","query":"{} | logfmt","field":"took","conversion":"duration","buckets":[0.1]})");
  rig.push({rig.row("took=50ms"), rig.row("took=1m30s")});
  rig.pass();
  EXPECT_EQ(rig.last("d_sum"), 90.05);
  EXPECT_EQ(rig.last(R"(d_bucket{le="0.1"})"), 1);
}

TEST(LogMetrics, ADistinctCountGoesByItsWindow) {
  Rig rig;
  rig.make(R"({"name":"users","kind":"distinct","query":"{} | logfmt","field":"user","window":"24h"})");
  rig.push({rig.row("user=ada"), rig.row("user=bob"), rig.row("user=ada"),
            rig.row("user=late", {}, hours(20)), rig.row("user=old", {}, hours(25))});
  rig.pass();
  EXPECT_EQ(rig.last("users"), 3);
  EXPECT_EQ(rig.written["users"].size(), 1U) << "a gauge does not begin with a zero";
  rig.clock.advance(hours(5));
  rig.push({rig.row("user=eve")});
  rig.pass();
  EXPECT_EQ(rig.last("users"), 3) << "ada, bob, eve: the one of 25 hours ago has left the window";
  rig.restart();
  rig.pass();
  EXPECT_EQ(rig.last("users"), 3);
  rig.clock.advance(hours(25));
  rig.pass();
  EXPECT_EQ(rig.last("users"), 0);
  EXPECT_EQ(rig.metrics->list({ProjectId{1}})[0].counts.late, 1U);
}

TEST(LogMetrics, LateRowsCountWithinTheAllowance) {
  Rig rig;
  const std::int64_t id = rig.make(R"({"name":"n","kind":"counter","query":"{}"})");
  rig.metrics->set_max_late(minutes(10));
  rig.push({rig.row("a", {}, minutes(10)), rig.row("b", {}, minutes(10) + seconds(1)),
            rig.row("c", {}, -minutes(5))});
  rig.pass();
  EXPECT_EQ(rig.last("n"), 2);
  EXPECT_EQ(rig.metrics->get(id)->counts.late, 1U);
}

TEST(LogMetrics, ProjectsAreApart) {
  Rig rig;
  const std::int64_t one = rig.make(R"({"name":"n","kind":"counter","query":"{}"})");
  const std::int64_t two = rig.make(R"({"name":"n","kind":"counter","query":"{}"})", ProjectId{2});
  rig.push({rig.row("a"), rig.row("b")});
  rig.push({rig.row("a")}, ProjectId{2});
  rig.push({rig.row("a")}, ProjectId{3});
  rig.pass();
  EXPECT_EQ(rig.last("n"), 2);
  EXPECT_EQ(rig.last("2:n"), 1);
  EXPECT_EQ(rig.written.size(), 2U);
  EXPECT_EQ(rig.metrics->list({ProjectId{2}}).size(), 1U);
  EXPECT_NE(one, two);
}

TEST(LogMetrics, SeriesOverTheLimitAreCountedAndTold) {
  Rig rig;
  const std::int64_t id =
      rig.make(R"({"name":"u","kind":"distinct","query":"{} | logfmt","field":"v","by":["k"]})");
  for (std::size_t i = 0; i < limits::kMaxLogMetricDistinct + 7; ++i)
    rig.push({rig.row(fmt::format("k={} v=1", i))});
  rig.push({rig.row("k=0 v=2")});
  rig.pass();
  EXPECT_EQ(rig.written.size(), limits::kMaxLogMetricDistinct);
  EXPECT_EQ(rig.last(R"(u{k="0"})"), 2) << "series that are there go on";
  EXPECT_EQ(rig.metrics->get(id)->counts.over_limit, 7U);
  EXPECT_NE(rig.registry.render().find("telltale_log_metric_rows_total{outcome=\"over_limit\"} 7"),
            std::string::npos);
}

TEST(LogMetrics, AMetricThatIsRemovedEndsItsSeries) {
  Rig rig;
  const std::int64_t id = rig.make(kErrors);
  rig.push({rig.row("error", {{"app", "shop"}})});
  rig.pass();
  rig.clock.advance(seconds(1));
  ASSERT_TRUE(rig.metrics->remove(id));
  EXPECT_TRUE(is_stale_nan(rig.last("errors_total")));
  EXPECT_EQ(rig.metrics->remove(id).error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(rig.records->log_metrics().states()->empty());
  ASSERT_TRUE(rig.metrics->checkpoint());
  EXPECT_TRUE(rig.records->log_metrics().states()->empty());
  const std::int64_t again = rig.make(kErrors);
  EXPECT_NE(again, id);
  rig.restart();
  EXPECT_EQ(rig.metrics->get(again)->counts.counted, 0U) << "rows from before it was made do not count";
}

TEST(LogMetrics, ADiskThatIsFullDelaysTheZeroToo) {
  Rig rig;
  rig.make(R"({"name":"n","kind":"counter","query":"{}"})");
  rig.push({rig.row("a")});
  rig.disk_full = true;
  rig.pass();
  rig.disk_full = false;
  rig.pass();
  ASSERT_EQ(rig.written["n"].size(), 2U);
  EXPECT_EQ(rig.written["n"].begin()->second, 0);
}

TEST(LogMetrics, NamesAreTakenOnceInAProject) {
  Rig rig;
  rig.make(R"({"name":"x","kind":"histogram","query":"{}","field":"v"})");
  const auto add = [&](const char* json) { return rig.metrics->add(ProjectId{1}, *parse_definition(json)); };
  EXPECT_EQ(add(R"({"name":"x_count","kind":"counter","query":"{}"})").error().kind(), ErrorKind::conflict);
  EXPECT_TRUE(add(R"({"name":"x","kind":"counter","query":"{}"})").error().kind() == ErrorKind::conflict);
  for (std::size_t i = 1; i < limits::kMaxLogMetrics; ++i)
    rig.make(fmt::format(R"({{"name":"m{}","kind":"counter","query":"{{}}"}})", i));
  EXPECT_EQ(add(R"({"name":"more","kind":"counter","query":"{}"})").error().kind(),
            ErrorKind::resource_exhausted);
}

// Rows, restarts, checkpoints and ticks in any order: counts are those of all rows behind each metric's
// making, and never fall.
TEST(LogMetrics, NothingIsLostAndNothingCountsTwiceOverCrashes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 20; ++round) {
    Rig rig;
    std::map<std::string, double> want;
    std::vector<std::string> names;
    for (int step = 0; step < 120; ++step) {
      switch (below(8)) {
        case 0:
          if (names.size() < 4) {
            names.push_back(fmt::format("m{}", names.size()));
            rig.make(fmt::format(R"({{"name":"{}","kind":"counter","query":"{{}} | logfmt","by":["k"]}})",
                                 names.back()));
          }
          break;
        case 1:
          rig.restart();
          break;
        case 2:
          ASSERT_TRUE(rig.metrics->checkpoint());
          break;
        case 3:
          rig.pass();
          break;
        default: {
          std::vector<EventRow> rows;
          for (unsigned n = below(5); n > 0; --n) {
            const std::string k = std::to_string(below(3));
            rows.push_back(rig.row("k=" + k));
            for (const auto& name : names) want[fmt::format("{}{{k=\"{}\"}}", name, k)] += 1;
          }
          rig.push(std::move(rows));
        }
      }
      rig.clock.advance(seconds(below(4)));
    }
    rig.pass();
    ASSERT_EQ(rig.written.size(), want.size());
    for (const auto& [series, count] : want) {
      EXPECT_EQ(rig.last(series), count) << series;
      double before = 0;
      for (const auto& [time, value] : rig.written[series]) {
        EXPECT_GE(value, before) << series << " at " << time;
        before = value;
      }
      EXPECT_EQ(rig.written[series].begin()->second, 0) << series;
    }
  }
}

TEST(Definition, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "body"},
      {R"({"kind":"counter","query":"{}"})", "name"},
      {R"({"name":"1x","kind":"counter","query":"{}"})", "name"},
      {R"({"name":"up","kind":"counter","query":"{}"})", "name"},
      {R"({"name":"a b","kind":"counter","query":"{}"})", "name"},
      {R"({"name":"x","query":"{}"})", "kind"},
      {R"({"name":"x","kind":"gauge","query":"{}"})", "kind"},
      {R"({"name":"x","kind":"counter"})", "query"},
      {R"({"name":"x","kind":"counter","query":"{"})", "query"},
      {R"j({"name":"x","kind":"counter","query":"rate({a=\"b\"}[5m])"})j", "query"},
      {R"({"name":"x","kind":"counter","query":"{}","field":"f"})", "field"},
      {R"({"name":"x","kind":"histogram","query":"{}"})", "field"},
      {R"({"name":"x","kind":"counter","query":"{}","by":["le"]})", "by"},
      {R"({"name":"x","kind":"counter","query":"{}","by":["a","a"]})", "by"},
      {R"({"name":"x","kind":"counter","query":"{}","by":"a"})", "by"},
      {R"({"name":"x","kind":"counter","query":"{}","by":["a","b","c","d","e","f","g","h","i"]})", "by"},
      {R"({"name":"x","kind":"histogram","query":"{}","field":"f","buckets":[]})", "buckets"},
      {R"({"name":"x","kind":"histogram","query":"{}","field":"f","buckets":[2,1]})", "buckets"},
      {R"({"name":"x","kind":"histogram","query":"{}","field":"f","conversion":"miles"})", "conversion"},
      {R"({"name":"x","kind":"counter","query":"{}","window":"1h"})", "window"},
      {R"({"name":"x","kind":"distinct","query":"{}","field":"f","window":"1s"})", "window"},
      {R"({"name":"x","kind":"counter","query":"{}","color":"red"})", "color"}};
  for (const auto& [json, member] : cases) {
    const auto d = parse_definition(json);
    ASSERT_FALSE(d) << json;
    EXPECT_TRUE(d.error().message().starts_with(member)) << json << ": " << d.error().message();
  }
}

TEST(Definition, ReadsBackWhatItWrites) {
  for (
      const char* json :
      {kErrors,
       R"({"name":"h","kind":"histogram","query":"|= \"x\"","field":"http.ms","conversion":"bytes"})",
       R"({"name":"d","kind":"distinct","query":"{}","field":"user_id","window":"1h30m","description":"who"})"}) {
    const auto first = parse_definition(json);
    ASSERT_TRUE(first) << first.error().message();
    JsonWriter w;
    w.begin_object();
    write_members(w, *first);
    w.end_object();
    const auto again = parse_definition(w.view());
    ASSERT_TRUE(again) << again.error().message();
    JsonWriter v;
    v.begin_object();
    write_members(v, *again);
    v.end_object();
    EXPECT_EQ(w.view(), v.view());
  }
  EXPECT_EQ(example_query(*parse_definition(kErrors)), "sum by (route) (rate(errors_total[5m]))");
}

}  // namespace
}  // namespace telltale::logmetrics
