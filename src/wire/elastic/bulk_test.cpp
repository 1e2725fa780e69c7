#include "wire/elastic/bulk.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace telltale::wire::elastic {
namespace {

TEST(Bulk, ListsEveryActionInItsOrder) {
  const std::string body =
      "{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n"
      "\n"
      "{\"create\":{}}\r\n{\"x\":2}\r\n"
      "{\"delete\":{\"_index\":\"b\",\"_id\":7}}\n"
      "{\"update\":{\"_id\":\"9\"}}\n{\"doc\":{}}";
  const auto r = parse_bulk(body, "logs");
  ASSERT_TRUE(r) << r.error().message();
  ASSERT_EQ(r->items.size(), 4u);
  EXPECT_EQ(r->indices, (std::vector<std::string>{"a", "logs", "b"}));
  EXPECT_EQ(r->items[0].id, "1");
  EXPECT_EQ(r->items[0].document, "{\"x\":1}");
  EXPECT_EQ(r->items[1].action, BulkAction::create);
  EXPECT_EQ(r->items[1].document, "{\"x\":2}");
  EXPECT_EQ(r->items[1].line, 4u);
  EXPECT_EQ(r->items[2].action, BulkAction::remove);
  EXPECT_EQ(r->items[2].id, "7");
  EXPECT_EQ(r->indices[r->items[2].index], "b");
  EXPECT_EQ(r->items[3].document, "{\"doc\":{}}");
  for (const auto& item : r->items) EXPECT_EQ(item.error, "");
}

TEST(Bulk, EqualActionLinesAreEqualActions) {
  std::string body;
  for (int i = 0; i < 5; ++i) body += "{\"create\":{\"_index\":\"a\"}}\n{}\n";
  const auto r = parse_bulk(body, "");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->items.size(), 5u);
  EXPECT_EQ(r->indices.size(), 1u);
  EXPECT_EQ(r->items[4].line, 9u);
}

TEST(Bulk, BadItemsKeepTheirPlace) {
  const std::string long_id(limits::kMaxDocumentIdBytes + 1, 'i');
  const auto r = parse_bulk("{\"create\":{}}\n{}\n{\"index\":{\"_index\":\"a\",\"_id\":\"" + long_id +
                                "\"}}\n{}\n{\"index\":{\"_index\":\"a\"}}\n",
                            "");
  ASSERT_TRUE(r) << r.error().message();
  ASSERT_EQ(r->items.size(), 3u);
  EXPECT_EQ(r->items[0].error, "_index: is missing");
  EXPECT_NE(r->items[1].error.find("_id"), std::string::npos);
  EXPECT_NE(r->items[2].error.find("line 6"), std::string::npos);
}

TEST(Bulk, ALineThatIsNoActionEndsIt) {
  for (const auto* bad : {"{\"index\":{}}\n{}\nnonsense\n", "{\"drop\":{}}\n{}\n", "{}\n{}\n", "[]\n",
                          "{\"index\":7}\n{}\n", "{\"index\":{},\"create\":{}}\n{}\n"}) {
    const auto r = parse_bulk(bad, "a");
    ASSERT_FALSE(r) << bad;
    EXPECT_EQ(r.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(r.error().message().find("action/metadata line ["), std::string::npos);
  }
  EXPECT_TRUE(parse_bulk("", "a")->items.empty());
}

TEST(Bulk, LimitsAreNamed) {
  std::string body;
  for (std::size_t i = 0; i <= limits::kMaxBulkIndices; ++i)
    body += "{\"delete\":{\"_index\":\"i" + std::to_string(i) + "\"}}\n";
  const auto many = parse_bulk(body, "");
  ASSERT_TRUE(many);
  EXPECT_EQ(many->items[limits::kMaxBulkIndices - 1].error, "");
  EXPECT_NE(many->items.back().error.find("_index: over"), std::string::npos);
  body.clear();
  for (std::size_t i = 0; i <= limits::kMaxRowsPerRequest; ++i) body += "{\"delete\":{\"_index\":\"a\"}}\n";
  const auto full = parse_bulk(body, "");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind(), ErrorKind::too_large);
}

}  // namespace
}  // namespace telltale::wire::elastic
