// One condition on one column of a block: once per dictionary entry, by a search through a page's texts at
// once, by comparing numbers; a value a row only where nothing better is known.
#pragma once

#include "eventdb/block.hpp"
#include "storage/event_filter.hpp"

namespace telltale::eventdb {

/// What a column says about rows of a block.
struct Verdict {
  Bitmap match;    // rows that have a value, and it matches
  Bitmap present;  // rows that have a value
};

/// Rows outside `among` need not be right. With `not_empty`, an empty value counts as none.
Result<Verdict> scan_column(const storage::CompiledLeaf& leaf, Block& block, std::uint32_t number,
                            const Bitmap& among, bool not_empty);
/// Of a fixed integer column.
Result<Verdict> scan_int_column(const storage::CompiledLeaf& leaf, Block& block, Column column);

/// Which of `rows`, all of them kept as skeletons, match; `view` is the message's.
Result<Bitmap> scan_rendered(const storage::CompiledLeaf& leaf, Block& block, const TextView& view,
                             const Bitmap& rows);

/// Of a json_line leaf: which of `among` match.
Result<Bitmap> scan_json_line(const storage::CompiledLeaf& leaf, Block& block, const Bitmap& among);

/// Sets a bit for each row whose code's flag is set.
void bits_of_codes(const std::vector<std::uint16_t>& codes, const std::vector<std::uint8_t>& flags,
                   Bitmap& out);

/// The longest text that every match of the expression must contain; empty when none is found. Conservative:
/// alternatives, classes, groups and flags end it.
std::string required_literal(std::string_view regex);

}  // namespace telltale::eventdb
