// A list of words or names as indexes keep it, sorted, in one string: a line end before, between and behind
// them. A needle is looked for in all of it at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "eventdb/word_split.hpp"

namespace telltale::eventdb {

inline constexpr char kWordEnd = '\n';

/// Whether a text is the pieces with anything between them (WordNeedle::whole). At least one piece.
bool is_whole(std::string_view text, const std::vector<std::string>& pieces);

void put_word_list(ByteWriter& out, const std::vector<std::string_view>& texts);
/// False when the bytes are no list of at most `most` texts.
bool get_word_list(ByteReader& in, std::size_t most, std::string_view& list, std::size_t& count);

/// An empty list is one line end. Numbers of texts come back, rising, from 0.
std::vector<std::uint32_t> words_with(std::string_view list, const NeedleRun& run);
/// Those that are the pieces with anything between them.
std::vector<std::uint32_t> names_like(std::string_view list, const std::vector<std::string>& pieces);
/// Those that say the folded pieces, in this order, whatever the case.
std::vector<std::uint32_t> names_with(std::string_view list, const std::vector<std::string>& pieces);

/// Calls f(text) for each.
template <class F>
void for_each_word(std::string_view list, F f) {
  for (std::size_t begin = 1; begin < list.size();) {
    const std::size_t end = list.find(kWordEnd, begin);
    f(list.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace telltale::eventdb
