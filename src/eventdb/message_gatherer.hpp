// The messages of a block's rows as they come by: skeletons where a line's values stand in its attributes,
// the texts themselves otherwise. Rows of one shape mostly have the skeleton of a row before: whether they do
// is asked first, which takes a few comparisons where taking the line apart takes a microsecond.
#pragma once

#include <deque>
#include <unordered_map>
#include <utility>

#include "eventdb/skeleton.hpp"
#include "eventdb/text_gatherer.hpp"

namespace telltale::eventdb {

/// Not thread-safe; one block. The rows live until the column is written, and so does this.
class MessageGatherer {
 public:
  explicit MessageGatherer(std::size_t rows);
  /// Rows with equal `shape` have the same attributes (name and type) in the same order; `simple`: no name
  /// twice.
  void add(const EventRow& row, std::size_t number, std::int64_t shape, bool simple);
  /// Rows that have a message.
  std::size_t present() const { return present_; }
  /// The texts, and the skeletons of the rows that have none there.
  std::pair<TextValues, TextValues> take();

 private:
  struct Known {
    SkeletonMatcher matcher;
    std::uint16_t code = 0;
  };
  std::uint16_t code_of(const EventRow& row, std::int64_t shape);

  TextGatherer texts_;
  std::vector<std::uint16_t> codes_;
  std::unordered_map<std::string, std::uint16_t> skeletons_;
  std::vector<std::deque<Known>> by_shape_;  // the one that fitted last in front
  std::string scratch_;
  std::size_t present_ = 0;
  std::size_t tried_ = 0;
  std::size_t made_ = 0;
};

}  // namespace telltale::eventdb
