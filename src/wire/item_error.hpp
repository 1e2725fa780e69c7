// One bad item does not spoil the good ones around it: decoders list what they left out, with its place among
// its siblings and a reason that names the field. A request can be bad in a hundred million places, so only
// the first reasons are kept and the rest is counted.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/intake_limits.hpp"

namespace telltale::wire {

struct ItemError {
  std::size_t index = 0;  // position in the request: item, span, entry or record, counted from 0
  std::string reason;
  bool operator==(const ItemError&) const = default;
};

/// What was left out: all of it is counted, the first of it is told.
class ItemErrors {
 public:
  ItemErrors() = default;
  explicit ItemErrors(std::size_t most) : most_(most) {}

  void add(std::size_t index, std::string reason) {
    if (told_.size() < most_) told_.push_back({index, std::move(reason)});
    ++count_;
  }
  /// More of them, for reasons that were told before.
  void add_untold(std::size_t count) { count_ += count; }

  /// All, told or not.
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

  const std::vector<ItemError>& told() const { return told_; }
  std::size_t untold() const { return count_ - told_.size(); }
  const ItemError& front() const { return told_.front(); }
  const ItemError& operator[](std::size_t i) const { return told_[i]; }
  auto begin() const { return told_.begin(); }
  auto end() const { return told_.end(); }

 private:
  std::size_t most_ = limits::kMaxItemErrors;
  std::size_t count_ = 0;
  std::vector<ItemError> told_;
};

/// Names and values as text, in the source's order.
using TextPairs = std::vector<std::pair<std::string, std::string>>;

/// What a list-shaped payload gave: the good items and the reasons for the others.
template <class T>
struct Items {
  std::vector<T> items;
  ItemErrors errors;
};

}  // namespace telltale::wire
