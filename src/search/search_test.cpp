// Views over random rows, each compared with the obvious computation over a plain list of them.
#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "base/rng.hpp"
#include "search/facets.hpp"
#include "search/histogram.hpp"
#include "search/service_counts.hpp"
#include "search/where.hpp"
#include "storage/memory_event_store.hpp"

namespace telltale::search {
namespace {

using storage::EventFilter;
using storage::FilterOp;

constexpr std::int64_t kBase = 1'700'000'000;

class SearchTest : public ::testing::Test {
 protected:
  void fill(std::size_t count, std::int64_t seconds) {
    const std::uint64_t seed = std::random_device{}();
    RecordProperty("seed", std::to_string(seed));
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    Rng rng(seed);
    for (std::size_t i = 0; i < count; ++i) {
      EventRow row;
      row.project.value = rng.chance(0.1) ? 2 : 1;
      row.time.ns = kBase * 1'000'000'000 + static_cast<std::int64_t>(rng.below(seconds * 1'000'000'000ULL));
      row.message = "line " + std::to_string(i);
      row.ids.level = static_cast<Level>(rng.below(7));
      if (rng.chance(0.8)) row.ids.service = "s" + std::to_string(rng.below(40));
      if (rng.chance(0.5)) row.set("n", static_cast<std::int64_t>(rng.below(30)));
      if (rng.chance(0.3)) row.set("path", "/p" + std::to_string(rng.below(5)));
      rows_.push_back(std::move(row));
    }
    apply();
  }
  void apply() {
    storage::Batch batch;
    batch.project.value = 1;
    batch.logs = rows_;
    ASSERT_TRUE(store_.apply(Sequence{++sequence_}, batch));
  }
  static TimeRange range(double from, double to) {
    return {{kBase * 1'000'000'000 + static_cast<std::int64_t>(from * 1e9)},
            {kBase * 1'000'000'000 + static_cast<std::int64_t>(to * 1e9)}};
  }
  std::vector<EventRow> matching(TimeRange r, auto&& keep) const {
    std::vector<EventRow> out;
    for (const auto& row : rows_)
      if (row.project.value == 1 && r.contains(row.time) && keep(row)) out.push_back(row);
    return out;
  }

  FakeClock clock_;
  WorkContext context_{clock_, WorkLimits{}};
  storage::MemoryEventStore store_;
  std::vector<EventRow> rows_;
  std::uint64_t sequence_ = 0;
};

TEST(Where, ReadsEveryOperator) {
  EventRow row;
  row.ids.level = Level::warning;
  row.ids.service = "web";
  row.set("n", std::int64_t{5});
  row.set("duration_ns", std::int64_t{250'000'000});
  row.set("path", std::string("/a=b"));
  const std::pair<const char*, bool> cases[] = {
      {"service=web", true},
      {"service!=web", false},
      {"service~^w", true},
      {"service!~^w", false},
      {"n>4", true},
      {"n>=5", true},
      {"n<5", false},
      {"n<=5", true},
      {"n>4.5", true},
      {"host=", true},
      {"host!=", false},
      {"service!=", true},
      {"host!=web", true},
      {"path=/a=b", true},
      {"path~a=b$", true},
      {"level=warning", true},
      {"level>=warning", true},
      {"level>warning", false},
      {"level<ERROR", true},
      {"level<=info", false},
      {"level!=error", true},
      {"absent>1", false},
      {"absent!~x", true},
      {"n=5", true},
      {"duration_ms>=250", true},
      {"duration_ms<250.1", true},
      {"duration_ms>250", false},
      {"duration_ms=250", true},
      {"duration_ms!=250", false},
      {"duration_ms=250.5", false},
  };
  for (const auto& [text, want] : cases) {
    const auto filter = parse_where(text);
    ASSERT_TRUE(filter) << text << ": " << filter.error().message();
    const auto compiled = storage::CompiledFilter::compile(*filter);
    ASSERT_TRUE(compiled) << text;
    EXPECT_EQ(compiled->matches(row), want) << text;
  }
}

TEST(Where, BadOnesNameTheParameterAndTheField) {
  for (const char* text : {"", "service", "=web", "n>many", "path~(", "level>=loud", "duration_ms>long",
                           "duration_ms=nan", "*=x", "a!b"}) {
    const auto filter = parse_where(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().kind(), ErrorKind::invalid_argument);
    EXPECT_TRUE(filter.error().message().starts_with("where: ")) << filter.error().message();
  }
  EXPECT_NE(parse_where("took>fast").error().message().find("took"), std::string::npos);
}

TEST(RoundStep, IsRoundAndSmallEnough) {
  const auto step = [](double seconds, std::size_t buckets) {
    return std::chrono::duration<double>(
               round_step({{0}, {static_cast<std::int64_t>(seconds * 1e9)}}, buckets))
        .count();
  };
  EXPECT_EQ(step(3600, 60), 60);
  EXPECT_EQ(step(3601, 60), 120);
  EXPECT_EQ(step(60, 60), 1);
  EXPECT_EQ(step(1e-9, 60), 0.001);
  EXPECT_EQ(step(30 * 86400, 60), 12 * 3600);
  EXPECT_EQ(step(604800 * 10, 3), 4 * 604800);
}

TEST_F(SearchTest, HistogramEqualsCountingByHand) {
  fill(4000, 3000);
  for (const auto& [from, to, buckets] :
       {std::tuple{0.0, 3000.0, 60}, {13.7, 2222.2, 17}, {100.0, 100.5, 500}, {-5000.0, 9000.0, 3}}) {
    for (const std::string by : {"", "level", "service", "n"}) {
      HistogramQuery query;
      query.projects = {ProjectId{1}};
      query.range = range(from, to);
      query.buckets = static_cast<std::size_t>(buckets);
      query.by = by;
      query.filter = EventFilter::leaf(FilterOp::lt, "n", "20");
      const auto found = histogram(store_, query, context_);
      ASSERT_TRUE(found) << found.error().message();
      ASSERT_LE(found->buckets.size(), query.buckets + 1);
      EXPECT_LE(found->buckets.front(), query.range.from);
      EXPECT_LT(found->buckets.back(), query.range.to);

      const auto rows = matching(query.range, [](const EventRow& r) {
        const AttrValue* n = r.find("n");
        return n != nullptr && std::get<std::int64_t>(*n) < 20;
      });
      EXPECT_EQ(found->total, rows.size());
      std::map<std::string, std::vector<std::uint64_t>> want;
      for (const auto& row : rows) {
        auto& counts = want[by.empty() ? "" : field_text(row, by).value_or("")];
        counts.resize(found->buckets.size());
        for (std::size_t i = 0; i < counts.size(); ++i)
          counts[i] += row.time >= found->buckets[i] && row.time < found->buckets[i] + found->step ? 1 : 0;
      }
      std::vector<std::uint64_t> others(found->buckets.size());
      std::size_t shown = 0;
      for (const auto& series : found->series) {
        if (series.others) continue;
        ++shown;
        EXPECT_EQ(series.counts, want[series.value]) << by << "=" << series.value;
        want.erase(series.value);
      }
      EXPECT_LE(shown, limits::kMaxHistogramSeries);
      if (want.empty()) continue;
      EXPECT_EQ(shown, limits::kMaxHistogramSeries);
      for (const auto& [value, counts] : want)
        for (std::size_t i = 0; i < counts.size(); ++i) others[i] += counts[i];
      ASSERT_TRUE(found->series.back().others);
      EXPECT_EQ(found->series.back().counts, others);
    }
  }
}

TEST_F(SearchTest, HistogramByTooManyValuesNamesTheParameter) {
  for (std::size_t i = 0; i <= limits::kMaxHistogramGroups; ++i) {
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(kBase);
    row.ids.request_id = "r" + std::to_string(i);
    rows_.push_back(row);
  }
  apply();
  HistogramQuery query;
  query.projects = {ProjectId{1}};
  query.range = range(0, 10);
  query.by = "request_id";
  const auto found = histogram(store_, query, context_);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind(), ErrorKind::invalid_argument);
  EXPECT_TRUE(found.error().message().starts_with("by: "));
}

TEST_F(SearchTest, FacetsEqualCountingByHand) {
  fill(3000, 1000);
  storage::EventQuery query;
  query.projects = {ProjectId{1}};
  query.range = range(100, 900);
  query.filter = EventFilter::leaf(FilterOp::exists, "n");
  const auto rows = matching(query.range, [](const EventRow& r) { return r.find("n") != nullptr; });
  const std::vector<std::string> fields = {"service", "level", "n", "nowhere"};
  const auto found = facets(store_, query, fields, 7, context_);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_TRUE(found->exact);
  EXPECT_EQ(found->sampled_rows, rows.size());
  ASSERT_EQ(found->facets.size(), fields.size());
  for (std::size_t f = 0; f < fields.size(); ++f) {
    std::map<std::string, std::uint64_t> want;
    std::uint64_t with = 0;
    for (const auto& row : rows) {
      const auto text = field_text(row, fields[f]);
      if (!text) continue;
      ++want[*text];
      ++with;
    }
    const Facet& facet = found->facets[f];
    EXPECT_EQ(facet.field, fields[f]);
    EXPECT_EQ(facet.rows, with);
    EXPECT_EQ(facet.distinct, want.size());
    ASSERT_EQ(facet.values.size(), std::min<std::size_t>(7, want.size()));
    for (const auto& value : facet.values) {
      EXPECT_EQ(value.count, want[value.value]);
      want.erase(value.value);
    }
    for (const auto& [value, count] : want) EXPECT_LE(count, facet.values.back().count) << value;
  }
}

TEST_F(SearchTest, ServiceCountsEqualCountingByHand) {
  fill(3000, 1000);
  for (const storage::Projects& projects :
       {storage::Projects{}, {ProjectId{1}}, {ProjectId{1}, ProjectId{2}, ProjectId{3}}}) {
    const auto found = service_counts(store_, Table::logs, projects, range(100, 700), context_);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_TRUE(found->complete);
    decltype(found->services) want;
    for (const auto& row : rows_) {
      if (std::find(projects.begin(), projects.end(), row.project) == projects.end()) continue;
      if (range(100, 700).contains(row.time))
        ++want[{row.project, row.ids.service}][static_cast<std::size_t>(row.ids.level)];
    }
    EXPECT_EQ(found->services, want);
  }
}

TEST_F(SearchTest, FacetsChooseTheirFields) {
  fill(300, 100);
  storage::EventQuery query;
  query.projects = {ProjectId{1}};
  const auto found = facets(store_, query, {}, 3, context_);
  ASSERT_TRUE(found);
  std::vector<std::string> names;
  for (const auto& facet : found->facets) names.push_back(facet.field);
  EXPECT_EQ(names, (std::vector<std::string>{"level", "service", "n", "path"}));
  query.range = range(5000, 6000);
  const auto none = facets(store_, query, {}, 3, context_);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->facets.empty() && none->exact && none->sampled_rows == 0);
}

TEST_F(SearchTest, FacetsAreExactOverManyRowsUnlessAFieldHasTooManyValues) {
  for (std::size_t i = 0; i < limits::kMaxFacetRows + 10; ++i) {
    EventRow row;
    row.project.value = 1;
    row.time = UnixNanos::from_seconds(kBase) + Nanos(static_cast<std::int64_t>(i));
    row.ids.service = i < 10 ? "old" : "new";
    row.ids.user_id = std::to_string(i);
    rows_.push_back(std::move(row));
  }
  apply();
  storage::EventQuery query;
  query.projects = {ProjectId{1}};
  const auto found = facets(store_, query, {"service"}, 10, context_);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->exact);
  EXPECT_EQ(found->sampled_rows, limits::kMaxFacetRows + 10);
  ASSERT_EQ(found->facets[0].values.size(), 2u);
  EXPECT_EQ(found->facets[0].values[1].value, "old");
  EXPECT_EQ(found->facets[0].values[1].count, 10u);
  const auto unruly = facets(store_, query, {"service", "user_id"}, 10, context_);
  ASSERT_TRUE(unruly);
  EXPECT_FALSE(unruly->exact);
  EXPECT_EQ(unruly->sampled_rows, limits::kMaxFacetRows);
  EXPECT_EQ(unruly->facets[0].values[1].count, 10u) << "still exact";
  EXPECT_EQ(unruly->facets[1].rows, limits::kMaxFacetRows);
  EXPECT_EQ(context_.memory_used(), 0u);
}

TEST(FacetCounter, LongAndTooManyValuesAreCountedAsRows) {
  const FakeClock clock;
  WorkContext context(clock, WorkLimits{});
  {
    FacetCounter counter({"v"}, context);
    EventRow row;
    row.set("v", std::string(limits::kMaxFacetValueBytes + 1, 'x'));
    ASSERT_TRUE(counter.add(row));
    row.set("v", std::string("short"));
    ASSERT_TRUE(counter.add(row));
    const Facets found = counter.take(5);
    EXPECT_FALSE(found.exact);
    EXPECT_EQ(found.facets[0].rows, 2u);
    ASSERT_EQ(found.facets[0].values.size(), 1u);
    EXPECT_GT(context.memory_used(), 0u);
  }
  EXPECT_EQ(context.memory_used(), 0u);
}

}  // namespace
}  // namespace telltale::search
