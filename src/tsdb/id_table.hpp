// Numbers by series id, found with two loads: pages of neighbouring ids, made when one of them is first set.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/strong.hpp"

namespace telltale::tsdb {

class IdTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::uint32_t get(SeriesId id) const {
    const std::uint64_t page = id.value / kPageIds;
    return page < pages_.size() && pages_[page] ? (*pages_[page])[id.value % kPageIds] : kNone;
  }
  void set(SeriesId id, std::uint32_t value) {
    const std::uint64_t page = id.value / kPageIds;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) {
      pages_[page] = std::make_unique<Page>();
      pages_[page]->fill(kNone);
      ++made_;
    }
    (*pages_[page])[id.value % kPageIds] = value;
  }
  /// Ids with a number, rising.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t p = 0; p < pages_.size(); ++p) {
      if (!pages_[p]) continue;
      for (std::size_t i = 0; i < kPageIds; ++i)
        if ((*pages_[p])[i] != kNone) visit(SeriesId{p * kPageIds + i}, (*pages_[p])[i]);
    }
  }
  std::size_t bytes() const { return pages_.capacity() * sizeof(void*) + made_ * sizeof(Page); }

 private:
  static constexpr std::size_t kPageIds = 1024;
  using Page = std::array<std::uint32_t, kPageIds>;
  std::vector<std::unique_ptr<Page>> pages_;
  std::size_t made_ = 0;
};

}  // namespace telltale::tsdb
