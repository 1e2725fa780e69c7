// The texts of one column as rows come by: codes of a dictionary as long as that is worth it, views of the
// rows' own bytes afterwards. A row's texts are looked at once, while the row is near; going over all rows
// again for every column would fetch each of them from memory as many times.
#pragma once

#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

/// Not thread-safe; one column of one block. What was added must live until the column is written.
class TextGatherer {
 public:
  explicit TextGatherer(std::size_t rows);

  /// `row` rises from call to call; a row that is left out has no value.
  void add(std::size_t row, std::string_view value) {
    presence_.set(row);
    ++present_;
    if (codes_.empty()) {
      values_[row] = value;
    } else if (present_ > 1 && value == last_) {
      codes_[row] = last_code_;
    } else {
      add_new(row, value);
    }
  }
  std::size_t present() const { return present_; }
  bool empty() const { return present_ == 0; }
  /// The column, ready to be encoded; nothing is left. What find_dictionary() makes of the same values, but
  /// for the trial's exact end.
  TextValues take();

 private:
  void add_new(std::size_t row, std::string_view value);
  void give_up(std::size_t row);

  std::size_t rows_;
  std::size_t most_;
  Bitmap presence_;
  std::size_t present_ = 0;
  Dictionary dictionary_;
  std::vector<std::uint16_t> codes_;      // until the dictionary is given up
  std::vector<std::string_view> values_;  // from then on
  std::size_t long_bytes_ = 0;
  std::string_view last_;
  std::uint16_t last_code_ = 0;
  bool any_empty_ = false;
};

}  // namespace telltale::eventdb
