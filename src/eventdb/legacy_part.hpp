// Parts of format version 1: blocks of up to 2,048 rows, integers as varint deltas, texts plain or by
// dictionary, attributes in a directory of their own. They are read as rows, out of which blocks of today's
// form are made in memory; merges rewrite them. Bytes: docs/formats/eventdb.md, version 1.
#pragma once

#include <array>
#include <functional>

#include "eventdb/part_format.hpp"
#include "eventdb/text_codec.hpp"

namespace telltale::eventdb {

inline constexpr std::uint32_t kLegacyPartVersion = 1;
inline constexpr std::size_t kLegacyColumns = 17;

/// Where a block's columns are; a size of 0: no row has a value.
using LegacyColumns = std::array<io::BlockHandle, kLegacyColumns>;

Result<PartFooter> decode_legacy_footer(std::string_view bytes, std::vector<LegacyColumns>& blocks);

struct LegacyRows {
  std::vector<EventRow> rows;
  std::vector<std::uint64_t> ordinals;
};
using ReadBytes = std::function<Result<std::string>(io::BlockHandle)>;
Result<LegacyRows> read_legacy_block(std::size_t rows, const LegacyColumns& columns, const ReadBytes& read);

}  // namespace telltale::eventdb
