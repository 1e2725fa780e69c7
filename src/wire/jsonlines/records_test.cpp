#include "wire/jsonlines/records.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace telltale::wire::jsonlines {
namespace {

std::vector<std::string> all(std::string_view body, std::vector<std::size_t>* numbers = nullptr) {
  std::vector<std::string> out;
  Records records(body);
  Record record;
  while (records.next(record)) {
    EXPECT_EQ(record.text.data() + record.text.size() + record.readable_after, body.data() + body.size());
    out.emplace_back(record.text);
    if (numbers != nullptr) numbers->push_back(record.number);
  }
  return out;
}

TEST(Records, LinesAreNumberedAndBlankOnesSkipped) {
  std::vector<std::size_t> numbers;
  EXPECT_EQ(all("{\"a\":1}\r\n\n  {\"b\":2} \n{", &numbers),
            (std::vector<std::string>{"{\"a\":1}", "{\"b\":2}", "{"}));
  EXPECT_EQ(numbers, (std::vector<std::size_t>{1, 3, 4}));
  EXPECT_TRUE(all("").empty());
  EXPECT_TRUE(all("\n\n").empty());
}

TEST(Records, AListIsTakenApartAtItsOwnCommas) {
  std::vector<std::size_t> numbers;
  EXPECT_EQ(all(" [ {\"a\":[1,2],\"s\":\"x]},\\\"\"},\n {\"b\":{}} , oops ] trailing", &numbers),
            (std::vector<std::string>{"{\"a\":[1,2],\"s\":\"x]},\\\"\"}", "{\"b\":{}}", "oops"}));
  EXPECT_EQ(numbers, (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_TRUE(all("[]").empty());
  EXPECT_EQ(all("[{\"a\":1"), (std::vector<std::string>{"{\"a\":1"}));
  EXPECT_EQ(all("[\"ends in \\"), (std::vector<std::string>{"\"ends in \\"}));
}

}  // namespace
}  // namespace telltale::wire::jsonlines
