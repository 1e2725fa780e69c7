// The series that have a label's value: mostly one, or many neighbours. One costs no allocation, more are a
// Roaring bitmap.
#pragma once

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
    } else if (one_ == kNone) {
      one_ = slot;
    } else if (one_ != slot) {
      many_ = std::make_unique<SlotSet>();
      many_->add(one_);
      many_->add(slot);
    }
  }
  void remove(std::uint32_t slot) {
    if (many_) {
      many_->remove(slot);
    } else if (one_ == slot) {
      one_ = kNone;
    }
  }
  bool empty() const { return many_ ? many_->isEmpty() : one_ == kNone; }
  std::uint64_t size() const { return many_ ? many_->cardinality() : one_ == kNone ? 0 : 1; }
  bool contains(std::uint32_t slot) const {
    return many_ ? many_->contains(slot) : one_ == slot && slot != kNone;
  }
  void add_to(SlotSet& out) const {
    if (many_) {
      out |= *many_;
    } else if (one_ != kNone) {
      out.add(one_);
    }
  }
  /// Not empty.
  std::uint32_t first() const { return many_ ? many_->minimum() : one_; }
  /// Rising, until visit(slot) returns false; false then.
  template <class Visit>
  bool for_each(Visit visit) const {
    if (!many_) return one_ == kNone || visit(one_);
    for (const std::uint32_t slot : *many_)
      if (!visit(slot)) return false;
    return true;
  }
  std::size_t bytes() const { return sizeof *this + (many_ ? sizeof *many_ + many_->getSizeInBytes() : 0); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t one_ = kNone;
  std::unique_ptr<SlotSet> many_;
};

}  // namespace telltale::tsdb
