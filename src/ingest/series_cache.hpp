// Which series a key stands for (wire/metric/metric_write.hpp), so that a client's known series cost one look
// into a hash table a request: no labels are read, masked or looked up. A key is entered once the series'
// definition is in the journal.
//
// Two generations a project: when the newer is full, it becomes the older, and what is still asked for moves
// back. An entry is good for limits::kSeriesRecheckSeconds; then the store is asked again, which tells it
// that the series is in use. Everything goes when the project's rules of masking change: the same labels may
// then be other ones.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/metric_limits.hpp"
#include "base/mutex.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "redact/redactor.hpp"

namespace telltale::ingest {

/// Open addressing, linear probes, no single removal. Not thread-safe.
class SeriesTable {
 public:
  struct Entry {
    Id128 key;  // absent: free
    SeriesId id;
    std::uint32_t checked_s = 0;  // since the cache began
  };

  const Entry* find(const Id128& key) const;
  void prefetch(const Id128& key) const;
  /// Replaces an entry of the same key.
  void put(const Entry& entry);
  std::size_t size() const { return size_; }
  void clear();

 private:
  std::size_t place(const Id128& key) const { return (key.hi ^ (key.lo << 1)) & (entries_.size() - 1); }
  void grow();
  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

/// Thread-safe.
class SeriesCache {
 public:
  explicit SeriesCache(std::size_t max_series = limits::kMaxKnownSeries) : max_series_(max_series) {}

  /// One id a key, 0 where it is not known. `rules` are those in force.
  std::vector<SeriesId> find(ProjectId project, const std::shared_ptr<const redact::Redactor>& rules,
                             std::span<const Id128> keys, UnixNanos now);
  void add(ProjectId project, const std::shared_ptr<const redact::Redactor>& rules,
           std::span<const std::pair<Id128, SeriesId>> series, UnixNanos now);
  std::size_t size() const;

 private:
  struct Project {
    mutable Mutex mutex;
    std::weak_ptr<const redact::Redactor> rules TT_GUARDED_BY(mutex);
    SeriesTable newer TT_GUARDED_BY(mutex);
    SeriesTable older TT_GUARDED_BY(mutex);
  };
  Project& of(ProjectId project);
  void put(Project& project, const SeriesTable::Entry& entry) const TT_REQUIRES(project.mutex);
  static void match_rules(Project& project, const std::shared_ptr<const redact::Redactor>& rules)
      TT_REQUIRES(project.mutex);

  const std::size_t max_series_;
  mutable Mutex mutex_;
  std::map<ProjectId, std::unique_ptr<Project>> projects_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::ingest
