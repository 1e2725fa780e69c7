// Names of a row's attributes as a small hash table on the stack, so that a line with two hundred fields does
// not compare each with all others. For this folder's .cpp files.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.hpp"
#include "model/event_row.hpp"

namespace telltale::logs {

/// Valid while only add() changes the row's attributes.
class AttrIndex {
 public:
  explicit AttrIndex(EventRow& row) : row_(row) {
    for (std::size_t i = 0; i < row.attributes.size() && i < limits::kMaxAttributes; ++i)
      put(row.attributes[i].name, i);
  }
  bool full() const { return row_.attributes.size() >= limits::kMaxAttributes; }
  /// False when the row has the name already, or is full.
  bool add(std::string_view name, AttrValue value) {
    if (full() || name.empty()) return false;
    std::size_t slot = slot_of(name);
    for (; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
      if (row_.attributes[slots_[slot] - 1].name == name) return false;
    }
    Attr& added = row_.attributes.emplace_back();
    added.name = name;
    added.value = std::move(value);
    added.kind = AttrKind::parsed;
    slots_[slot] = static_cast<std::uint16_t>(row_.attributes.size());
    return true;
  }

 private:
  static constexpr std::size_t kSlots = 1024;
  static_assert(limits::kMaxAttributes * 2 <= kSlots);
  static std::size_t slot_of(std::string_view name) {
    // Length and both ends tell most names apart. Words are read from the name itself: bytes that were
    // written one by one would have to be waited for.
    std::uint64_t h = name.size() * 0x9E3779B97F4A7C15ULL;
    const auto word = [&name](std::size_t at, auto type) {
      std::memcpy(&type, name.data() + at, sizeof type);
      return std::uint64_t{type};
    };
    const std::size_t n = name.size();
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (n >= 8) {
      a = word(0, std::uint64_t{});
      b = word(n - 8, std::uint64_t{});
    } else if (n >= 4) {
      a = word(0, std::uint32_t{});
      b = word(n - 4, std::uint32_t{});
    } else if (n >= 2) {
      a = word(0, std::uint16_t{});
      b = word(n - 2, std::uint16_t{});
    } else if (n == 1) {
      a = word(0, std::uint8_t{});
    }
    h ^= (a * 0xC2B2AE3D27D4EB4FULL) ^ ((b << 31 | b >> 33) * 0x165667B19E3779F9ULL);
    return (h ^ h >> 29) * 0x9E3779B97F4A7C15ULL >> 54;
  }
  void put(std::string_view name, std::size_t i) {
    std::size_t slot = slot_of(name);
    while (slots_[slot] != 0) slot = (slot + 1) % kSlots;
    slots_[slot] = static_cast<std::uint16_t>(i + 1);
  }

  EventRow& row_;
  std::array<std::uint16_t, kSlots> slots_{};
};

}  // namespace telltale::logs
