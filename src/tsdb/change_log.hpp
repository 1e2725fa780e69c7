// What has changed since when: for each project, the least time of the samples that came, by version. Times
// mostly rise with versions, and what an older change with a later time would say is said by a newer one with
// an earlier time, so that a short list tells all of it.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "storage/metric_store.hpp"

namespace telltale::tsdb {

/// Not thread-safe: the engine guards it.
class ChangeLog {
 public:
  /// Samples of the project from this time on came.
  void samples(ProjectId project, std::int64_t min_ms) {
    Project& p = projects_[project];
    ++version_;
    while (!p.changes.empty() && p.changes.back().min_ms >= min_ms) p.changes.pop_back();
    // One that is hardly older counts as this one, which says too much and nothing wrong.
    if (!p.changes.empty() && p.changes.back().min_ms > min_ms - kTogetherMs) {
      p.changes.back().version = version_;
      return;
    }
    p.changes.push_back({version_, min_ms});
    if (p.changes.size() <= kMostChanges) return;
    p.forgotten = p.changes.front().version;
    p.changes.pop_front();
  }
  /// Samples went, or nobody knows what happened.
  void everything() {
    all_ = ++version_;
    projects_.clear();
  }

  /// Rises when samples go.
  std::uint64_t gone() const { return all_; }

  storage::Changes since(const storage::Projects& projects, std::uint64_t version) const {
    storage::Changes out{version_, UnixMillis{INT64_MAX}};
    if (version < all_ || version > version_) out.since.ms = INT64_MIN;
    for (const ProjectId project : projects) {
      const auto at = projects_.find(project);
      if (at == projects_.end()) continue;
      if (version < at->second.forgotten) out.since.ms = INT64_MIN;
      for (auto c = at->second.changes.rbegin(); c != at->second.changes.rend() && c->version > version; ++c)
        out.since.ms = std::min(out.since.ms, c->min_ms);
    }
    return out;
  }

 private:
  static constexpr std::size_t kMostChanges = 4096;
  static constexpr std::int64_t kTogetherMs = 5'000;
  struct Change {
    std::uint64_t version;
    std::int64_t min_ms;
  };
  struct Project {
    std::deque<Change> changes;   // versions and times rise
    std::uint64_t forgotten = 0;  // changes up to this version are not known any more
  };
  std::unordered_map<ProjectId, Project> projects_;
  std::uint64_t version_ = 0;
  std::uint64_t all_ = 0;
};

}  // namespace telltale::tsdb
