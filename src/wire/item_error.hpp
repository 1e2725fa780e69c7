// One bad item does not spoil the good ones around it: decoders list what they left out, with its place among
// its siblings and a reason that names the field.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace telltale::wire {

struct ItemError {
  std::size_t index = 0;  // position in the request: item, span, entry or record, counted from 0
  std::string reason;
  bool operator==(const ItemError&) const = default;
};

/// Names and values as text, in the source's order.
using TextPairs = std::vector<std::pair<std::string, std::string>>;

/// What a list-shaped payload gave: the good items and the reasons for the others.
template <class T>
struct Items {
  std::vector<T> items;
  std::vector<ItemError> errors;
};

}  // namespace telltale::wire
