// Which issues are told to be alike.
#include "errors/similar.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "io/file_system.hpp"
#include "metadb/metadb.hpp"

namespace telltale::errors {
namespace {

storage::Issue told(std::string type, std::string text, std::string culprit, std::uint32_t project = 1) {
  storage::Issue issue;
  issue.project = {project};
  issue.title = type.empty() ? text : type + ": " + text;
  issue.type = std::move(type);
  issue.culprit = std::move(culprit);
  return issue;
}

double likeness(const storage::Issue& a, const storage::Issue& b) { return compare_issues(a, b).likeness; }

TEST(SimilarIssues, AreToldByWordsClassAndPlace) {
  const auto one = told("KeyError", "price of AAPL is missing", "shop.quotes in read");
  EXPECT_DOUBLE_EQ(likeness(one, one), 1);
  EXPECT_GT(likeness(one, told("KeyError", "price of MSFT is missing", "shop.quotes in read")), 0.8);
  EXPECT_DOUBLE_EQ(likeness(one, told("KeyError", "price 17 of AAPL is missing", "shop.quotes in read")), 1)
      << "words with digits are ids";
  EXPECT_GE(likeness(one, told("ValueError", "price of MSFT is missing", "shop.quotes in read")),
            kLeastLikeness);
  EXPECT_LT(likeness(one, told("KeyError", "no such user", "shop.users in find")), kLeastLikeness);
  EXPECT_LT(likeness(told("", "a", ""), told("", "b", "")), kLeastLikeness) << "nothing is not the same";
}

TEST(SimilarIssues, AreThoseOfTheProjectTheMostAlikeFirst) {
  FakeClock clock;
  Logger log{clock, LogLevel::error, null_sink()};
  MetricsRegistry metrics;
  const auto fs = io::make_memory_file_system();
  const auto db = metadb::open_metadb(*fs, "data", clock, log, metrics).value();
  const auto add = [&](storage::Issue issue) { return db->issues().add(std::move(issue)).value().id; };
  const auto one = add(told("KeyError", "price of AAPL is missing", "shop.quotes in read"));
  const auto other_place = add(told("KeyError", "price of AAPL is missing", "shop.charts in draw"));
  const auto same_place = add(told("KeyError", "price of AAPL is missing", "shop.quotes in read"));
  add(told("KeyError", "nobody is here", "shop.users in find"));
  add(told("KeyError", "price of AAPL is missing", "shop.quotes in read", 2));
  const auto found = similar_issues(*db, db->issues().get(one).value(), 10).value();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].issue.id, same_place);
  EXPECT_TRUE(found[0].same_type && found[0].same_place);
  EXPECT_EQ(found[1].issue.id, other_place);
  EXPECT_FALSE(found[1].same_place);
  EXPECT_EQ(similar_issues(*db, db->issues().get(one).value(), 1)->size(), 1u);
  ASSERT_TRUE(db->issues().merge(one, same_place));
  EXPECT_EQ(similar_issues(*db, db->issues().get(one).value(), 10)->size(), 1u) << "it is a part now";
  const auto bare = add(told("", "", ""));
  EXPECT_TRUE(similar_issues(*db, db->issues().get(bare).value(), 10)->empty());
}

}  // namespace
}  // namespace telltale::errors
