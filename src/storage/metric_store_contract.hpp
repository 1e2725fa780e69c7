// What every MetricStore must do, as a typed GoogleTest suite. An implementation's test gives a maker and
// instantiates the suite:
//
//   struct MyMaker { std::unique_ptr<MetricStore> make(std::size_t max_series); };
//   INSTANTIATE_TYPED_TEST_SUITE_P(My, MetricStoreContract, MyMaker);
//
// The maker object outlives the stores it makes. Also here: feeding a store as ingest does, and reading it
// whole.
#pragma once

#include <bit>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "storage/metric_store.hpp"

namespace telltale::storage::contract {

using Points = std::vector<std::pair<std::int64_t, std::uint64_t>>;  // time, bits of the value
using Snapshot = std::vector<std::pair<Labels, Points>>;             // in the cursor's order

inline Labels labels_of(std::vector<Label> l) { return Labels(std::move(l)); }

struct Put {
  Labels labels;
  std::int64_t ms;
  double value;
};

/// One batch, made as ingest makes it: resolve, journal, apply.
inline Batch make_batch(MetricStore& store, ProjectId project, const std::vector<Put>& puts) {
  Batch b;
  b.project = project;
  for (const Put& p : puts) {
    const auto id = store.resolve(project, p.labels, b.new_series);
    EXPECT_TRUE(id) << id.error().message();
    if (id) b.samples.push_back({*id, {UnixMillis{p.ms}, p.value}});
  }
  store.journaled(b.new_series);
  return b;
}

inline Result<> read_cursor(SeriesCursor& cursor, Snapshot& out) {
  SeriesView view;
  for (;;) {
    TT_ASSIGN(const bool more, cursor.next(view));
    if (!more) return {};
    Points points;
    for (std::size_t i = 0; i < view.times_ms.size(); ++i) {
      points.emplace_back(view.times_ms[i], std::bit_cast<std::uint64_t>(view.values[i]));
    }
    out.emplace_back(view.labels->all(), std::move(points));
  }
}

/// In the order of labels; what shares of the same query say must be the same.
inline Result<Snapshot> read_all(MetricStore& store, const SeriesSelect& query) {
  SystemClock clock;
  WorkContext context(clock, {});
  Snapshot out;
  {
    TT_ASSIGN(const auto cursor, store.select(query, context));
    TT_TRY(read_cursor(*cursor, out));
  }
  EXPECT_TRUE(
      std::is_sorted(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; }));
  Snapshot shared;
  {
    TT_ASSIGN(const auto cursors, store.select_shares(query, 3, context));
    EXPECT_LE(cursors.size(), 3U);
    for (const auto& cursor : cursors) TT_TRY(read_cursor(*cursor, shared));
  }
  Snapshot sorted = out;
  std::sort(sorted.begin(), sorted.end());
  std::sort(shared.begin(), shared.end());
  EXPECT_EQ(shared, sorted);
  return out;
}

inline Snapshot must_read(MetricStore& store, Projects projects, std::vector<LabelMatcher> matchers = {},
                          std::int64_t min = INT64_MIN, std::int64_t max = INT64_MAX) {
  auto r = read_all(store, {std::move(projects), {{min}, {max}}, std::move(matchers), {}});
  EXPECT_TRUE(r) << r.error().message();
  return r ? *r : Snapshot{};
}

/// One series with everything its samples have.
inline std::vector<Sample> must_read_samples(MetricStore& store, Projects projects, SelectHints hints = {}) {
  SystemClock clock;
  WorkContext context(clock, {});
  std::vector<Sample> out;
  const auto cursor = store.select({std::move(projects), {{INT64_MIN}, {INT64_MAX}}, {}, hints}, context);
  EXPECT_TRUE(cursor);
  SeriesView view;
  if (!cursor || !*(*cursor)->next(view)) return out;
  EXPECT_TRUE(view.histograms.empty() || view.histograms.size() == view.times_ms.size());
  EXPECT_TRUE(view.start_times_ms.empty() || view.start_times_ms.size() == view.times_ms.size());
  for (std::size_t i = 0; i < view.times_ms.size(); ++i) {
    out.push_back({UnixMillis{view.times_ms[i]}, view.values[i],
                   UnixMillis{view.start_times_ms.empty() ? 0 : view.start_times_ms[i]},
                   view.histograms.empty() ? nullptr : view.histograms[i]});
  }
  return out;
}

inline void expect_same_samples(const std::vector<Sample>& got, const std::vector<Sample>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    SCOPED_TRACE("sample " + std::to_string(i));
    EXPECT_EQ(got[i].time, want[i].time);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(got[i].value), std::bit_cast<std::uint64_t>(want[i].value));
    EXPECT_EQ(got[i].start, want[i].start);
    ASSERT_EQ(got[i].histogram != nullptr, want[i].histogram != nullptr);
    if (want[i].histogram) {
      EXPECT_TRUE(got[i].histogram->same_bits(*want[i].histogram));
    }
  }
}

/// A sample of a small histogram; `n` makes it differ in its counts.
inline Sample histogram_sample(std::int64_t ms, double n, ResetHint hint = ResetHint::unknown) {
  auto h = std::make_shared<Histogram>();
  h->reset_hint = hint;
  h->integer = n == std::floor(n);
  h->schema = 2;
  h->zero_threshold = 0.001;
  h->zero_count = 1;
  h->positive_spans = {{-3, 2}, {4, 1}};
  h->positive = {n, n + 2, n};
  h->negative_spans = {{1, 1}};
  h->negative = {n};
  h->count = 4 * n + 3;
  h->sum = n * 17.25;
  const double sum = h->sum;
  return {UnixMillis{ms}, sum, {}, std::move(h)};
}

inline LabelMatcher matcher(MatchOp op, std::string name, std::string value) {
  return *LabelMatcher::make(op, std::move(name), std::move(value));
}

inline Points points(std::vector<std::pair<std::int64_t, double>> in) {
  Points out;
  for (const auto& [t, v] : in) out.emplace_back(t, std::bit_cast<std::uint64_t>(v));
  return out;
}

/// Applies samples of one series under a sequence.
inline void put_samples(MetricStore& store, Sequence sequence, const Labels& labels,
                        const std::vector<Sample>& samples) {
  Batch b = make_batch(store, {1}, {{labels, 0, 0}});
  const SeriesId id = b.samples[0].series;
  b.samples.clear();
  for (const Sample& s : samples) b.samples.push_back({id, s});
  ASSERT_TRUE(store.apply(sequence, b));
}

template <class Maker>
class MetricStoreContract : public ::testing::Test {
 protected:
  MetricStore& open(std::size_t max_series = 1000) {
    store_ = maker_.make(max_series);
    return *store_;
  }
  Maker maker_;
  std::unique_ptr<MetricStore> store_;
};
TYPED_TEST_SUITE_P(MetricStoreContract);

TYPED_TEST_P(MetricStoreContract, LateAndDuplicateSamplesAreOrderedAndTheLastWriteWins) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  ASSERT_TRUE(store.apply({1}, make_batch(store, {1}, {{a, 30, 3}, {a, 10, 1}, {a, 20, 2}, {a, 10, 7}})));
  ASSERT_TRUE(store.apply({2}, make_batch(store, {1}, {{a, 30, 9}, {a, 5, 0}})));
  EXPECT_EQ(must_read(store, {{1}}), (Snapshot{{a, points({{5, 0}, {10, 7}, {20, 2}, {30, 9}})}}));
  ASSERT_TRUE(store.checkpoint());
  EXPECT_EQ(must_read(store, {{1}}, {}, 10, 20), (Snapshot{{a, points({{10, 7}, {20, 2}})}}));
}

TYPED_TEST_P(MetricStoreContract, ApplyingASequenceTwiceIsANoOp) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  ASSERT_TRUE(store.apply({5}, make_batch(store, {1}, {{a, 1, 1}})));
  ASSERT_TRUE(store.apply({5}, make_batch(store, {1}, {{a, 1, 2}})));
  EXPECT_EQ(store.applied(), Sequence{5});
  EXPECT_EQ(must_read(store, {{1}}), (Snapshot{{a, points({{1, 1}})}}));
}

TYPED_TEST_P(MetricStoreContract, ProjectsDoNotSeeEachOther) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  const Labels b = labels_of({{"__name__", "b"}});
  ASSERT_TRUE(store.apply({1}, make_batch(store, {1}, {{a, 1, 1}})));
  ASSERT_TRUE(store.apply({2}, make_batch(store, {2}, {{a, 1, 2}, {b, 1, 3}})));
  EXPECT_EQ(must_read(store, {{1}}), (Snapshot{{a, points({{1, 1}})}}));
  EXPECT_EQ(must_read(store, {{2}}).size(), 2U);
  EXPECT_TRUE(must_read(store, {}).empty());
}

TYPED_TEST_P(MetricStoreContract, ADefinitionIsGivenUntilItWasJournaled) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  std::vector<SeriesDef> defs;
  const auto id = store.resolve({1}, a, defs);
  ASSERT_TRUE(id);
  std::vector<SeriesDef> again;
  EXPECT_EQ(*store.resolve({1}, a, again), *id);
  ASSERT_EQ(again.size(), 1U);
  store.journaled(again);
  again.clear();
  EXPECT_EQ(*store.resolve({1}, a, again), *id);
  EXPECT_TRUE(again.empty());
}

TYPED_TEST_P(MetricStoreContract, TheSeriesLimitIsAProjectsOwn) {
  auto& store = this->open(2);
  std::vector<SeriesDef> defs;
  for (const char* n : {"a", "b"}) ASSERT_TRUE(store.resolve({1}, labels_of({{"__name__", n}}), defs));
  const auto over = store.resolve({1}, labels_of({{"__name__", "c"}}), defs);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_TRUE(store.resolve({1}, labels_of({{"__name__", "a"}}), defs));
  EXPECT_TRUE(store.resolve({2}, labels_of({{"__name__", "c"}}), defs));
}

TYPED_TEST_P(MetricStoreContract, MatchersLabelsAndOrder) {
  auto& store = this->open();
  const Labels x = labels_of({{"__name__", "m"}, {"env", "dev"}});
  const Labels y = labels_of({{"__name__", "m"}, {"env", "prod"}});
  const Labels z = labels_of({{"__name__", "m"}});
  ASSERT_TRUE(store.apply({1}, make_batch(store, {1}, {{y, 10, 1}, {z, 20, 2}, {x, 30, 3}})));
  const auto names = [&](std::vector<LabelMatcher> m) {
    std::vector<Labels> out;
    for (auto& [labels, p] : must_read(store, {{1}}, std::move(m))) out.push_back(labels);
    return out;
  };
  using L = std::vector<Labels>;
  EXPECT_EQ(names({}), (L{z, x, y}));
  EXPECT_EQ(names({matcher(MatchOp::eq, "env", "")}), (L{z}));
  EXPECT_EQ(names({matcher(MatchOp::ne, "env", "prod")}), (L{z, x}));
  EXPECT_EQ(names({matcher(MatchOp::re, "env", "p.*|dev")}), (L{x, y}));
  EXPECT_EQ(names({matcher(MatchOp::nre, "env", "p.*"), matcher(MatchOp::ne, "env", "")}), (L{x}));
  EXPECT_EQ(names({matcher(MatchOp::eq, "none", "x")}), (L{}));
  SystemClock clock;
  WorkContext context(clock, {});
  EXPECT_EQ(*store.label_values("env", {{{1}}, {{0}, {15}}, {}, 0}, context),
            (std::vector<std::string>{"prod"}));
  EXPECT_EQ(*store.label_names({{{1}}, {{20}, {20}}, {}, 0}, context),
            (std::vector<std::string>{"__name__"}));
  EXPECT_EQ(*store.series({{{1}}, {{0}, {99}}, {}, 2}, context), (L{z, x}));
}

TYPED_TEST_P(MetricStoreContract, ValuesKeepEveryBit) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  std::vector<Put> puts;
  Points expected;
  for (const std::uint64_t bits : std::initializer_list<std::uint64_t>{
           kStaleNanBits, 0x7ff8000000000001, 0x8000000000000000, 1, UINT64_MAX, 0x7ff0000000000000,
           0xfff0000000000000, 0x4340000000000001}) {
    expected.emplace_back(static_cast<std::int64_t>(puts.size()), bits);
    puts.push_back({a, static_cast<std::int64_t>(puts.size()), std::bit_cast<double>(bits)});
  }
  ASSERT_TRUE(store.apply({1}, make_batch(store, {1}, puts)));
  EXPECT_EQ(must_read(store, {{1}}), (Snapshot{{a, expected}}));
  ASSERT_TRUE(store.checkpoint());
  EXPECT_EQ(must_read(store, {{1}}), (Snapshot{{a, expected}}));
}

TYPED_TEST_P(MetricStoreContract, ACursorShowsTheStateAtSelectAndHonoursItsContext) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  ASSERT_TRUE(store.apply({1}, make_batch(store, {1}, {{a, 1, 1}})));
  SystemClock clock;
  WorkContext context(clock, {});
  auto cursor = *store.select({{{1}}, {{0}, {100}}, {}, {}}, context);
  ASSERT_TRUE(store.apply({2}, make_batch(store, {1}, {{a, 2, 2}})));
  SeriesView view;
  ASSERT_TRUE(*cursor->next(view));
  EXPECT_EQ(view.times_ms.size(), 1U);
  cursor = *store.select({{{1}}, {{0}, {100}}, {}, {}}, context);
  context.cancel();
  const auto r = cursor->next(view);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind(), ErrorKind::cancelled);
}

REGISTER_TYPED_TEST_SUITE_P(MetricStoreContract, LateAndDuplicateSamplesAreOrderedAndTheLastWriteWins,
                            ApplyingASequenceTwiceIsANoOp, ProjectsDoNotSeeEachOther,
                            ADefinitionIsGivenUntilItWasJournaled, TheSeriesLimitIsAProjectsOwn,
                            MatchersLabelsAndOrder, ValuesKeepEveryBit,
                            ACursorShowsTheStateAtSelectAndHonoursItsContext);

/// What a store of native histograms and start times must do besides.
template <class Maker>
class HistogramStoreContract : public MetricStoreContract<Maker> {};
TYPED_TEST_SUITE_P(HistogramStoreContract);

TYPED_TEST_P(HistogramStoreContract, HistogramsAndFloatsShareASeries) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  const std::vector<Sample> samples = {{UnixMillis{10}, 1.5},
                                       histogram_sample(20, 3),
                                       histogram_sample(30, 4, ResetHint::no),
                                       {UnixMillis{40}, stale_nan()},
                                       histogram_sample(50, 0.5, ResetHint::gauge)};
  put_samples(store, {1}, a, {samples[3], samples[0], samples[4]});
  put_samples(store, {2}, a, {histogram_sample(30, 9), samples[1]});
  put_samples(store, {3}, a, {samples[2]});
  expect_same_samples(must_read_samples(store, {{1}}), samples);
  ASSERT_TRUE(store.checkpoint());
  expect_same_samples(must_read_samples(store, {{1}}), samples);
}

TYPED_TEST_P(HistogramStoreContract, TheLastWriteWinsWhateverItIs) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  put_samples(store, {1}, a, {histogram_sample(10, 1), {UnixMillis{20}, 2}});
  ASSERT_TRUE(store.checkpoint());
  const std::vector<Sample> later = {{UnixMillis{10}, 7}, histogram_sample(20, 5)};
  put_samples(store, {2}, a, later);
  expect_same_samples(must_read_samples(store, {{1}}), later);
  ASSERT_TRUE(store.checkpoint());
  expect_same_samples(must_read_samples(store, {{1}}), later);
}

TYPED_TEST_P(HistogramStoreContract, HistogramsOfEveryLayoutKeepEveryBit) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  std::vector<Sample> samples = {histogram_sample(0, 0)};
  auto custom = std::make_shared<Histogram>();
  custom->schema = kCustomSchema;
  custom->custom_values = {-1, 0.25, 1e300};
  custom->positive_spans = {{1, 3}};
  custom->positive = {1, 0, 2.5};
  custom->count = 3.5;
  custom->sum = stale_nan();
  samples.push_back({UnixMillis{1}, custom->sum, {}, custom});
  samples.push_back({UnixMillis{2}, 0, {}, std::make_shared<Histogram>()});
  for (std::int32_t schema = kMinSchema; schema <= kMaxSchema; ++schema) {
    auto h = std::make_shared<Histogram>(*histogram_sample(0, 1).histogram);
    h->schema = schema;
    h->positive[0] = std::bit_cast<double>(0x7ff8000000000001);
    h->zero_count = -0.0;
    samples.push_back({UnixMillis{100 + schema}, h->sum, {}, h});
  }
  put_samples(store, {1}, a, samples);
  expect_same_samples(must_read_samples(store, {{1}}), samples);
  ASSERT_TRUE(store.checkpoint());
  expect_same_samples(must_read_samples(store, {{1}}), samples);
}

TYPED_TEST_P(HistogramStoreContract, StartTimesAreKept) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  std::vector<Sample> samples = {
      {UnixMillis{10}, 1}, {UnixMillis{20}, 2, UnixMillis{5}}, histogram_sample(30, 3)};
  samples[2].start.ms = -7;
  put_samples(store, {1}, a, samples);
  expect_same_samples(must_read_samples(store, {{1}}), samples);
  ASSERT_TRUE(store.checkpoint());
  expect_same_samples(must_read_samples(store, {{1}}), samples);
  put_samples(store, {2}, a, {{UnixMillis{20}, 2}});
  samples[1].start.ms = 0;
  expect_same_samples(must_read_samples(store, {{1}}), samples);
}

TYPED_TEST_P(HistogramStoreContract, ASeriesOfFloatsShowsNeither) {
  auto& store = this->open();
  const Labels a = labels_of({{"__name__", "a"}});
  put_samples(store, {1}, a, {{UnixMillis{10}, 1}, {UnixMillis{20}, 2}});
  SystemClock clock;
  WorkContext context(clock, {});
  auto cursor = *store.select({{{1}}, {{0}, {100}}, {}, {}}, context);
  SeriesView view;
  ASSERT_TRUE(*cursor->next(view));
  EXPECT_TRUE(view.histograms.empty());
  EXPECT_TRUE(view.start_times_ms.empty());
}

REGISTER_TYPED_TEST_SUITE_P(HistogramStoreContract, HistogramsAndFloatsShareASeries,
                            TheLastWriteWinsWhateverItIs, HistogramsOfEveryLayoutKeepEveryBit,
                            StartTimesAreKept, ASeriesOfFloatsShowsNeither);
// A store of floats alone runs only the first suite.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(HistogramStoreContract);

}  // namespace telltale::storage::contract
