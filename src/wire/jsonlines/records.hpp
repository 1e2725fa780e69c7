// A body of JSON records, one a line or in one list, taken apart without being read: a record that is broken
// cannot spoil its neighbours. What is in a record is read by json::FieldReader.
#pragma once

#include <cstddef>
#include <string_view>

namespace telltale::wire::jsonlines {

struct Record {
  std::size_t number = 0;          // of the line, or of the element of a list; from 1
  std::string_view text;           // in the body, without white space around it
  std::size_t readable_after = 0;  // bytes of the body behind it
};

/// Lines end with \n or \r\n; blank ones are skipped and counted. A body whose first character is `[` is one
/// list, as Fluent Bit's `format json` and Vector send it, over any number of lines; its elements are the
/// records.
class Records {
 public:
  explicit Records(std::string_view body);
  /// False at the end.
  bool next(Record& out);

 private:
  bool next_line(Record& out);
  bool next_element(Record& out);

  const std::string_view body_;
  std::size_t at_ = 0;
  std::size_t number_ = 0;
  bool list_ = false;
};

}  // namespace telltale::wire::jsonlines
