// Pages of the id index: sorted keys and the blocks they occur in. A key is the upper bits of a hash, so that
// an answer may name a block without the id, and never misses one that has it. Differences between
// neighbouring keys are Rice-coded: random keys cost two bits more than there is to know about them. Bytes:
// docs/formats/eventdb.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "eventdb/part_format.hpp"

namespace telltale::eventdb {

/// Of the 40 bits that a key has, so many low ones are zero in the index.
inline constexpr std::uint64_t kIndexDroppedBits = 8;
/// An entry (key above block, part_format.hpp) as the index knows it.
std::uint64_t index_entry_of(std::uint64_t entry);

/// Entries of one page, sorted and distinct, each an index_entry_of() something.
std::string encode_index_page(std::span<const std::uint64_t> entries);
/// Appends the blocks of `key` (block bits zero) in a page; those of versions before are read, too. False
/// when the bytes are no page.
bool find_in_index_page(std::string_view bytes, std::uint64_t key, std::vector<std::uint32_t>& blocks);
/// All entries of a page of whatever version, as encode_index_page() takes them. False when the bytes are no
/// page.
bool read_index_page(std::string_view bytes, std::vector<std::uint64_t>& entries);

}  // namespace telltale::eventdb
