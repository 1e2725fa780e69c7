// Where rows are that a question about words left open, as it hands them on to who reads them: blocks of the
// parts that were asked. Parts are never changed; those that were made since have none of their blocks here
// and are read.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/event_words.hpp"

namespace telltale::eventdb {

struct BlockPlaces final : storage::RowPlaces {
  /// By the part's name; rising.
  std::unordered_map<std::string, std::vector<std::uint32_t>> blocks;

  /// Null: of this part nothing is known.
  const std::vector<std::uint32_t>* of(const std::string& part) const {
    const auto at = blocks.find(part);
    return at == blocks.end() ? nullptr : &at->second;
  }
};

}  // namespace telltale::eventdb
