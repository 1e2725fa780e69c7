#include "model/labels.hpp"

#include <gtest/gtest.h>

namespace telltale {
namespace {

TEST(Labels, SortsKeepsTheLastOfEqualNamesAndDropsEmptyValues) {
  const Labels l({{"z", "1"}, {"a", "x"}, {"z", "2"}, {"m", ""}, {"a", ""}, {"q", "k"}});
  EXPECT_EQ(l.items(), (std::vector<Label>{{"q", "k"}, {"z", "2"}}));
  EXPECT_EQ(l.get("z"), "2");
  EXPECT_EQ(l.get("a"), "");
  EXPECT_FALSE(l.has("m"));
}

TEST(Labels, SetInsertsReplacesAndRemoves) {
  Labels l;
  l.set("b", "1");
  l.set("a", "2");
  l.set("b", "3");
  EXPECT_EQ(l, Labels({{"a", "2"}, {"b", "3"}}));
  l.erase("a");
  l.erase("missing");
  EXPECT_EQ(l, Labels({{"b", "3"}}));
}

TEST(Labels, PrintsAsPromqlDoes) {
  EXPECT_EQ(Labels().to_string(), "{}");
  EXPECT_EQ(Labels({{"__name__", "up"}}).to_string(), "up");
  EXPECT_EQ(Labels({{"__name__", "up"}, {"job", "a\"\\\n"}, {"b", "c"}}).to_string(),
            "up{b=\"c\", job=\"a\\\"\\\\\\n\"}");
  EXPECT_EQ(Labels({{"__name__", "my.metric"}, {"a.b", "c"}}).to_string(), "{\"my.metric\", \"a.b\"=\"c\"}");
}

TEST(Labels, HashDependsOnWhereNamesEnd) {
  EXPECT_NE(Labels({{"ab", "c"}}).hash(), Labels({{"a", "bc"}}).hash());
  EXPECT_EQ(Labels({{"a", "b"}, {"c", "d"}}).hash(), Labels({{"c", "d"}, {"a", "b"}}).hash());
}

}  // namespace
}  // namespace telltale
