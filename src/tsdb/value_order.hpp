// A label's values in order, kept once somebody asked for them: values seldom come or go, and to sort ten
// thousand takes longer than to say them. The order also remembers that each of its values was seen to have
// samples in some range of time. Samples come and seldom go, so that a later question about that range or a
// wider one has its answer without looking at a series.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "storage/metric_store.hpp"
#include "tsdb/postings.hpp"

namespace telltale::tsdb {

class ValueOrder {
 public:
  struct Value {
    std::string_view text;
    const PostingList* series;
  };
  /// Not in order yet; `arena` keeps the texts.
  ValueOrder(std::shared_ptr<const void> arena, std::vector<Value> values);

  const std::vector<std::string_view>& texts() const { return texts_; }
  /// Of the value at this place. Only under the lock under which the order was given.
  const PostingList& series(std::size_t at) const { return *series_[at]; }

  /// Thread-safe. `gone` is ChangeLog::gone(): what was seen before samples went does not count.
  void seen_all(std::uint64_t gone, const storage::MillisRange& range) const;
  bool all_seen(std::uint64_t gone, const storage::MillisRange& range) const;

 private:
  std::shared_ptr<const void> arena_;
  std::vector<std::string_view> texts_;
  std::vector<const PostingList*> series_;
  mutable Mutex mutex_;
  mutable std::uint64_t seen_gone_ TT_GUARDED_BY(mutex_) = UINT64_MAX;  // never told
  mutable storage::MillisRange seen_ TT_GUARDED_BY(mutex_){};
};

}  // namespace telltale::tsdb
