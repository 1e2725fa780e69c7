// The engine against the naive evaluator over random series and queries, and the shrinker against a bug that
// is made on purpose. PROMQL_SEED replays one round.
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "promql/differential/differential.hpp"

namespace telltale::promql::naive {
namespace {

constexpr int kRounds = 40;
constexpr int kQueriesARound = 50;

TEST(NaiveEvaluator, TheEngineAnswersAsTheRulesSay) {
  const SystemClock clock;
  const char* given = std::getenv("PROMQL_SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const int rounds = given != nullptr ? 1 : kRounds;
  std::printf("PROMQL_SEED=%llu and the %d after it\n", static_cast<unsigned long long>(first), rounds - 1);
  std::map<Verdict, int> count;
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(round);
    Rng rng(seed);
    Shape shape;
    shape.off_edges = rng.chance(0.3);
    Case c{random_series(rng, shape), {}};
    for (int i = 0; i < kQueriesARound; ++i) {
      c.query = random_query(rng, shape);
      const Comparison compared = compare_with_engine(c, clock);
      ++count[compared.verdict];
      if (compared.verdict != Verdict::differ) continue;
      const Case small = shrunk(c, clock);
      FAIL() << "PROMQL_SEED=" << seed << ", query " << i << ": " << compared.why << "\n"
             << c.query.text << "\nshrunk: " << compare_with_engine(small, clock).why << "\n"
             << to_text(small);
    }
  }
  std::printf("%d agree, %d refused by both, %d open\n", count[Verdict::agree], count[Verdict::both_refuse],
              count[Verdict::open]);
  // What the two have in common only when there is something to be seen.
  EXPECT_GT(count[Verdict::agree], rounds * kQueriesARound / 2);
}

TEST(NaiveEvaluator, AnswersThatHangOnRoundingAreTold) {
  std::vector<Point> points;
  for (int i = 0; i < 10; ++i) points.push_back({i * 10'000, 0.1 * i});
  const std::vector<Series> data = {{Labels(std::vector<Label>{{"__name__", "x"}}), points},
                                    {Labels(std::vector<Label>{{"__name__", "x"}, {"a", "b"}}), points}};
  EXPECT_TRUE(is_open({data, {"topk(1, x)", {90'000, 90'000, 0}}}));
  EXPECT_TRUE(is_open({data, {"avg_over_time(x[1m]) == 0.65", {90'000, 90'000, 0}}}));
  EXPECT_FALSE(is_open({data, {"avg_over_time(x[1m]) > 0.5", {90'000, 90'000, 0}}}));
}

}  // namespace
}  // namespace telltale::promql::naive
