// Ids and counts that must not be mixed up: Strong<Tag, Rep> is a Rep that only compares with its own kind.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace telltale {

template <class Tag, class Rep>
struct Strong {
  Rep value{};
  constexpr auto operator<=>(const Strong&) const = default;
};

/// A project is the unit of tenancy; 0 is nobody's.
using ProjectId = Strong<struct ProjectTag, std::uint32_t>;
/// Position in the journal's global order; the first record is 1, 0 means "nothing yet".
using Sequence = Strong<struct SequenceTag, std::uint64_t>;
/// A series' stable number in tsdb, never reused.
using SeriesId = Strong<struct SeriesTag, std::uint64_t>;

}  // namespace telltale

template <class Tag, class Rep>
struct std::hash<telltale::Strong<Tag, Rep>> {
  std::size_t operator()(telltale::Strong<Tag, Rep> v) const noexcept { return std::hash<Rep>{}(v.value); }
};
