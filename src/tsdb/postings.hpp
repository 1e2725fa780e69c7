// The series that have a label's value: mostly one, or many neighbours. One costs no allocation, more are a
// Roaring bitmap.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <roaring/roaring.hh>

namespace telltale::tsdb {

using SlotSet = ::Roaring;  // Debian 12's version has no namespace yet

class PostingList {
 public:
  void add(std::uint32_t slot) {
    if (many_) {
      many_->add(slot);
    } else if (first_ != kNone && first_ != slot) {
      many_ = std::make_unique<SlotSet>();
      many_->add(first_);
      many_->add(slot);
    }
    first_ = std::min(first_, slot);
  }
  void remove(std::uint32_t slot) {
    if (many_) {
      many_->remove(slot);
      if (slot == first_) first_ = many_->isEmpty() ? kNone : many_->minimum();
    } else if (first_ == slot) {
      first_ = kNone;
    }
  }
  bool empty() const { return first_ == kNone; }
  std::uint64_t size() const { return many_ ? many_->cardinality() : first_ == kNone ? 0 : 1; }
  bool contains(std::uint32_t slot) const {
    return many_ ? many_->contains(slot) : first_ == slot && slot != kNone;
  }
  void add_to(SlotSet& out) const {
    if (many_) {
      out |= *many_;
    } else if (first_ != kNone) {
      out.add(first_);
    }
  }
  /// Not empty.
  std::uint32_t first() const { return first_; }
  /// Rising, until visit(slot) returns false; false then.
  template <class Visit>
  bool for_each(Visit visit) const {
    if (!many_) return first_ == kNone || visit(first_);
    for (const std::uint32_t slot : *many_)
      if (!visit(slot)) return false;
    return true;
  }
  std::size_t bytes() const { return sizeof *this + (many_ ? sizeof *many_ + many_->getSizeInBytes() : 0); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t first_ = kNone;  // at hand, for those who need but one
  std::unique_ptr<SlotSet> many_;
};

}  // namespace telltale::tsdb
