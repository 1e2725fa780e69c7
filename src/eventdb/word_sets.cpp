#include "eventdb/word_sets.hpp"

#include <string>

namespace telltale::eventdb {

namespace {

void put_differences(ByteWriter& out, const WordSet& list) {
  std::uint32_t last = 0;
  for (const std::uint32_t group : list) {
    out.varint(group - last);
    last = group;
  }
}

}  // namespace

void put_word_set(ByteWriter& out, const WordSet& set, std::size_t groups) {
  WordSet rest;
  const bool few = set.size() <= groups / 2;
  if (!few) {
    std::size_t at = 0;
    for (std::uint32_t g = 0; g < groups; ++g) {
      if (at < set.size() && set[at] == g) {
        ++at;
      } else {
        rest.push_back(g);
      }
    }
  }
  ByteWriter list;
  put_differences(list, few ? set : rest);
  const std::size_t bytes = (groups + 7) / 8;
  if (list.size() <= bytes) {
    out.varint((few ? set.size() : rest.size()) << 2 | (few ? kListedSet : kLeftOutSet));
    out.bytes(list.view());
    return;
  }
  std::string bits(bytes, '\0');
  for (const std::uint32_t g : set) bits[g / 8] = static_cast<char>(bits[g / 8] | 1 << (g % 8));
  out.varint(kBitSet);
  out.bytes(bits);
}

}  // namespace telltale::eventdb
