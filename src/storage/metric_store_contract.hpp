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

inline Result<Snapshot> read_all(MetricStore& store, const SeriesSelect& query) {
  SystemClock clock;
  WorkContext context(clock, {});
  Snapshot out;
  {
    TT_ASSIGN(const auto cursor, store.select(query, context));
    SeriesView view;
    for (;;) {
      TT_ASSIGN(const bool more, cursor->next(view));
      if (!more) break;
      Points points;
      for (std::size_t i = 0; i < view.times_ms.size(); ++i) {
        points.emplace_back(view.times_ms[i], std::bit_cast<std::uint64_t>(view.values[i]));
      }
      out.emplace_back(*view.labels, std::move(points));
    }
  }
  return out;
}

inline Snapshot must_read(MetricStore& store, Projects projects, std::vector<LabelMatcher> matchers = {},
                          std::int64_t min = INT64_MIN, std::int64_t max = INT64_MAX) {
  auto r = read_all(store, {std::move(projects), {{min}, {max}}, std::move(matchers), {}});
  EXPECT_TRUE(r) << r.error().message();
  return r ? *r : Snapshot{};
}

inline LabelMatcher matcher(MatchOp op, std::string name, std::string value) {
  return *LabelMatcher::make(op, std::move(name), std::move(value));
}

inline Points points(std::vector<std::pair<std::int64_t, double>> in) {
  Points out;
  for (const auto& [t, v] : in) out.emplace_back(t, std::bit_cast<std::uint64_t>(v));
  return out;
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

}  // namespace telltale::storage::contract
