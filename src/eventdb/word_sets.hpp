// Sets of groups as word indexes keep them: numbers of groups, listed, or those that are left out, or a bit a
// group, whichever is shortest. Bytes: docs/formats/eventdb.md.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace telltale::eventdb {

using WordSet = std::vector<std::uint32_t>;  // rising

// Forms of a set, in the two lower bits of its first number. Stored: never renumber.
inline constexpr std::uint64_t kListedSet = 0;   // the others: how many, then their differences
inline constexpr std::uint64_t kLeftOutSet = 1;  // the same of the groups that are not in it
inline constexpr std::uint64_t kBitSet = 2;      // a bit a group

void put_word_set(ByteWriter& out, const WordSet& set, std::size_t groups);

/// Calls f(first, end) for runs of groups of the set. False when the bytes are no set of so many groups.
template <class F>
bool visit_word_set(ByteReader& in, std::uint32_t groups, F f) {
  const std::uint64_t head = in.varint();
  const std::uint64_t form = head & 3;
  if (!in.ok()) return false;
  if (form == kBitSet) {
    if (head != kBitSet) return false;
    const std::string_view bits = in.bytes((std::size_t{groups} + 7) / 8);
    if (!in.ok()) return false;
    for (std::uint32_t g = 0; g < groups; ++g)
      if ((bits[g / 8] >> (g % 8) & 1) != 0) f(g, g + 1);
    return true;
  }
  const std::uint64_t count = head >> 2;
  if (form > kBitSet || count > groups || count > in.remaining()) return false;
  std::uint64_t last = 0;
  std::uint32_t rest = 0;  // the first group that was not looked at
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = in.varint();
    if (!in.ok() || step > groups || (i > 0 && step == 0)) return false;
    last += step;
    if (last >= groups) return false;
    const auto group = static_cast<std::uint32_t>(last);
    if (form == kListedSet) {
      f(group, group + 1);
    } else if (rest < group) {
      f(rest, group);
    }
    rest = group + 1;
  }
  if (form == kLeftOutSet && rest < groups) f(rest, groups);
  return true;
}

}  // namespace telltale::eventdb
