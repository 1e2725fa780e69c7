// Counts of what was refused, on their way to the journal. A refusal must be cheap, since it comes when there
// is too much already: it adds to a number in memory, and flush() writes the numbers down together, as one
// small batch a project. What was refused since the last flush is not counted after a crash; what was
// accepted or filtered does not come this way.
#pragma once

#include <compare>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "ingest/pipeline.hpp"
#include "storage/batch_items.hpp"

namespace telltale::ingest {

/// Thread-safe.
class Refusals {
 public:
  void add(ProjectId project, const std::vector<storage::UsageCount>& counts);
  /// Durable when it returns; what could not be written stays for the next time.
  Result<> flush(Pipeline& pipeline, const Clock& clock);

 private:
  struct Key {
    ProjectId project;
    storage::UsageKind kind = storage::UsageKind::rate_limited;
    std::string category;
    std::string reason;
    Id128 key;
    auto operator<=>(const Key&) const = default;
  };
  Mutex flushing_;
  Mutex mutex_;
  std::map<Key, std::uint64_t> counts_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::ingest
