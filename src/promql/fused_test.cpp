// Aggregations that are added up while series are read, against the same ones the long way: adding zero to
// the argument makes it an operator's result, which is not fused.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "base/parallel.hpp"
#include "base/thread_pool.hpp"
#include "promql/engine.hpp"
#include "storage/memory_metric_store.hpp"

namespace telltale::promql {
namespace {

/// Shows a few series at a time, in no order, as shares.
class SharedStore final : public storage::MetricStore {
 public:
  explicit SharedStore(storage::MetricStore& store) : store_(store) {}
  std::string_view name() const override { return "shares"; }
  storage::Urgency urgency(const storage::Batch& b) const override { return store_.urgency(b); }
  Result<> apply(Sequence s, const storage::Batch& b) override { return store_.apply(s, b); }
  Sequence applied() const override { return store_.applied(); }
  Sequence durable() const override { return store_.durable(); }
  Result<> checkpoint() override { return store_.checkpoint(); }
  bool wants_checkpoint() const override { return store_.wants_checkpoint(); }
  Result<SeriesId> resolve(ProjectId p, const Labels& l, std::vector<storage::SeriesDef>& d) override {
    return store_.resolve(p, l, d);
  }
  void journaled(std::span<const storage::SeriesDef> d) override { store_.journaled(d); }
  Result<std::unique_ptr<storage::SeriesCursor>> select(const storage::SeriesSelect& q,
                                                        WorkContext& c) override {
    return store_.select(q, c);
  }
  Result<storage::SeriesCursors> select_shares(const storage::SeriesSelect& q, std::size_t most,
                                               WorkContext& context) override {
    storage::SeriesCursors out;
    for (std::size_t i = 0; i < most; ++i) {
      TT_ASSIGN(auto all, store_.select(q, context));
      out.push_back(std::make_unique<EveryNth>(std::move(all), most - 1 - i, most));
    }
    return out;
  }
  Result<std::vector<std::string>> label_names(const storage::LabelQuery& q, WorkContext& c) override {
    return store_.label_names(q, c);
  }
  Result<storage::TextList> label_values(std::string_view n, const storage::LabelQuery& q,
                                         WorkContext& c) override {
    return store_.label_values(n, q, c);
  }
  Result<std::vector<Labels>> series(const storage::LabelQuery& q, WorkContext& c) override {
    return store_.series(q, c);
  }
  Result<storage::Cardinality> cardinality(const storage::LabelQuery& q, WorkContext& c) override {
    return store_.cardinality(q, c);
  }
  Result<std::uint64_t> delete_samples(const storage::LabelQuery& q, WorkContext& c) override {
    return store_.delete_samples(q, c);
  }

 private:
  class EveryNth final : public storage::SeriesCursor {
   public:
    EveryNth(std::unique_ptr<storage::SeriesCursor> all, std::size_t first, std::size_t n)
        : all_(std::move(all)), skip_(first), n_(n) {}
    Result<bool> next(storage::SeriesView& out) override {
      while (true) {
        TT_ASSIGN(const bool more, all_->next(out));
        if (!more) return false;
        if (skip_-- > 0) continue;
        skip_ = n_ - 1;
        return true;
      }
    }

   private:
    std::unique_ptr<storage::SeriesCursor> all_;
    std::size_t skip_;
    const std::size_t n_;
  };
  storage::MetricStore& store_;
};

constexpr ProjectId kProject{1};

void fill(storage::MetricStore& store, std::mt19937_64& random) {
  storage::Batch batch;
  batch.project = kProject;
  const auto below = [&](std::size_t n) { return random() % n; };
  for (int i = 0; i < 60; ++i) {
    const Labels labels({{"__name__", i % 3 == 0 ? "a_total" : "b"},
                         {"host", "h" + std::to_string(i)},
                         {"zone", std::string(1, static_cast<char>('x' + below(3)))}});
    const auto id = store.resolve(kProject, labels, batch.new_series);
    ASSERT_TRUE(id);
    double value = static_cast<double>(below(1000)) / 10;
    for (std::int64_t t = static_cast<std::int64_t>(below(30)); t < 600; t += 15) {
      const std::size_t kind = below(40);
      value = kind == 0 ? 0 : value + static_cast<double>(below(500)) / 7;
      double shown = kind == 1 ? std::nan("") : value;
      if (kind == 2) shown = stale_nan();
      if (kind == 3 && below(8) == 0) shown = HUGE_VAL;
      batch.samples.push_back({*id, {UnixMillis{t * 1000}, shown, {}, nullptr}});
    }
  }
  ASSERT_TRUE(store.apply({1}, batch));
  store.journaled(batch.new_series);
}

/// By labels: an instant vector has no order.
std::string as_text(QueryResult r) {
  std::sort(r.series.begin(), r.series.end(),
            [](const auto& a, const auto& b) { return a.labels < b.labels; });
  std::string out;
  for (const ResultSeries& s : r.series) {
    out += s.labels.to_string();
    for (const ResultPoint& p : s.samples) {
      char number[32];
      std::snprintf(number, sizeof number, " %.9g", p.value);
      out += number + ("@" + std::to_string(p.time.ms));
    }
    out += '\n';
  }
  return out;
}

TEST(PromqlFused, SaysWhatTheLongWaySays) {
  std::mt19937_64 random(20261127);
  const auto store = storage::make_memory_metric_store();
  fill(*store, random);
  SharedStore shares(*store);
  ThreadPool pool("fused-test", 2, 16);
  const Engine engine(shares, {.helpers = {&pool, 2}});
  SystemClock clock;
  for (const char* op : {"sum", "avg", "min", "max", "count", "group"}) {
    for (const char* by :
         {"", "by (zone)", "by (host, zone)", "by (__name__)", "by (no)", "without (host)"}) {
      for (const char* of :
           {"a_total", "b", "{__name__=~\".+\"}", "rate(a_total[1m])", "increase(a_total[5m])",
            "max_over_time(b[2m])", "last_over_time({__name__=~\"a.*|b\"}[1m])", "nothing"}) {
        for (const bool instant : {true, false}) {
          const std::string fused = std::string(op) + " " + by + " (" + of + ")";
          const std::string whole = std::string(op) + " " + by + " (" + of + " and " + of + ")";
          SCOPED_TRACE(fused);
          WorkContext context(clock, {});
          const auto ask = [&](const std::string& text) {
            return instant ? engine.instant(text, {kProject}, UnixMillis{300'000}, context)
                           : engine.range(text, {kProject}, UnixMillis{60'000}, UnixMillis{590'000},
                                          Millis{20'000}, context);
          };
          const auto got = ask(fused);
          const auto want = ask(whole);
          ASSERT_TRUE(got) << got.error().message();
          ASSERT_TRUE(want) << want.error().message();
          EXPECT_EQ(as_text(*got), as_text(*want));
          EXPECT_EQ(got->infos.size(), want->infos.size());
        }
      }
    }
  }
}

TEST(PromqlFused, MetricsThatCouldBecomeAlikeStayAnError) {
  std::mt19937_64 random(7);
  const auto store = storage::make_memory_metric_store();
  storage::Batch batch;
  batch.project = kProject;
  for (const char* name : {"a_total", "b_total"}) {
    const auto id = store->resolve(kProject, Labels({{"__name__", name}, {"host", "h"}}), batch.new_series);
    ASSERT_TRUE(id);
    for (std::int64_t t = 0; t < 300; t += 15)
      batch.samples.push_back({*id, {UnixMillis{t * 1000}, static_cast<double>(t), {}, nullptr}});
  }
  ASSERT_TRUE(store->apply({1}, batch));
  const Engine engine(*store);
  SystemClock clock;
  WorkContext context(clock, {});
  const auto r =
      engine.instant("sum(rate({__name__=~\".*_total\"}[1m]))", {kProject}, UnixMillis{200'000}, context);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind(), ErrorKind::execution);
}

}  // namespace
}  // namespace telltale::promql
