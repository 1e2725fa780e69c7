// A set of series ids as runs of neighbours: series are numbered as they come, so those of a part mostly form
// few runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/strong.hpp"

namespace telltale::tsdb {

class IdRuns {
 public:
  /// `id` is not before the last one added.
  void add(std::uint64_t id) {
    if (!runs_.empty() && id <= runs_.back().second + 1) {
      runs_.back().second = std::max(runs_.back().second, id);
    } else {
      runs_.emplace_back(id, id);
    }
  }
  /// The same of all from `first` to `last`.
  void add_run(std::uint64_t first, std::uint64_t last) {
    add(first);
    runs_.back().second = std::max(runs_.back().second, last);
  }
  bool contains(SeriesId id) const {
    const auto after = std::upper_bound(runs_.begin(), runs_.end(), id.value,
                                        [](std::uint64_t v, const auto& run) { return v < run.first; });
    return after != runs_.begin() && std::prev(after)->second >= id.value;
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [first, last] : runs_)
      for (std::uint64_t id = first; id <= last; ++id) visit(SeriesId{id});
  }
  const std::vector<std::pair<std::uint64_t, std::uint64_t>>& runs() const { return runs_; }
  std::size_t bytes() const { return runs_.capacity() * sizeof(runs_[0]); }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs_;  // first and last, rising
};

}  // namespace telltale::tsdb
