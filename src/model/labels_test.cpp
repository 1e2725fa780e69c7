#include "model/labels.hpp"

#include <gtest/gtest.h>

namespace telltale {
namespace {

Labels labels_of(std::vector<Label> l) { return Labels(std::move(l)); }

TEST(Labels, SortsKeepsTheLastOfEqualNamesAndDropsEmptyValues) {
  const Labels l = labels_of({{"z", "1"}, {"a", "x"}, {"z", "2"}, {"m", ""}, {"a", ""}, {"q", "k"}});
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
  EXPECT_EQ(l, labels_of({{"a", "2"}, {"b", "3"}}));
  l.erase("a");
  l.erase("missing");
  EXPECT_EQ(l, labels_of({{"b", "3"}}));
}

TEST(Labels, PrintsAsPromqlDoes) {
  EXPECT_EQ(Labels().to_string(), "{}");
  EXPECT_EQ(labels_of({{"__name__", "up"}}).to_string(), "up");
  EXPECT_EQ(labels_of({{"__name__", "up"}, {"job", "a\"\\\n"}, {"b", "c"}}).to_string(),
            "up{b=\"c\", job=\"a\\\"\\\\\\n\"}");
  EXPECT_EQ(labels_of({{"__name__", "my.metric"}, {"a.b", "c"}}).to_string(),
            "{\"my.metric\", \"a.b\"=\"c\"}");
}

TEST(Labels, HashDependsOnWhereNamesEnd) {
  EXPECT_NE(labels_of({{"ab", "c"}}).hash(), labels_of({{"a", "bc"}}).hash());
  EXPECT_EQ(labels_of({{"a", "b"}, {"c", "d"}}).hash(), labels_of({{"c", "d"}, {"a", "b"}}).hash());
}

}  // namespace
}  // namespace telltale
