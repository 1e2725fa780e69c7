// Bounds of what PromQL makes.
#pragma once

#include <cstddef>

namespace telltale::limits {

/// Of two sides, in one query: a chain of them is a tree as deep as it is long, which is walked by recursion.
inline constexpr int kMaxQueryOperators = 1'000;
/// Of what a parser's error says; more is cut.
inline constexpr std::size_t kMaxParseMessageBytes = 1'000;
/// Of a label's value that label_replace() or label_join() makes.
inline constexpr std::size_t kMaxMadeLabelBytes = std::size_t{64} << 10;

}  // namespace telltale::limits
