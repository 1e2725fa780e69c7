// One field of a block's rows, whatever columns it is kept in, as small numbers for grouping and as doubles
// for measuring.
#pragma once

#include "eventdb/block_filter.hpp"

namespace telltale::eventdb {

/// The field's text by number. Number 0 is the empty text of rows without the field.
struct FieldCodes {
  std::vector<std::uint32_t> codes;  // a row each; only rows asked for are right
  std::vector<std::string> texts;
};
Result<FieldCodes> field_codes(Block& block, const std::string& field, bool any_spelling, const Bitmap& rows);

/// The one dictionary that alone says the field's text of every row of the block; nullopt when it is kept
/// otherwise. Absent and empty are the same.
Result<std::optional<TextView>> only_dictionary(Block& block, const std::string& field, bool any_spelling);

struct FieldNumbers {
  std::vector<double> values;  // a row each
  Bitmap present;              // rows among those asked for that have a number
};
/// As number_of() the field's text.
Result<FieldNumbers> field_numbers(Block& block, const std::string& field, bool any_spelling,
                                   const Bitmap& rows);

}  // namespace telltale::eventdb
