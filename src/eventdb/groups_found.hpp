// What is known so far of the groups that a question about words is about: which have a row that satisfies it
// for sure, which may, and where.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "eventdb/block_filter.hpp"
#include "eventdb/block_places.hpp"
#include "eventdb/word_search.hpp"

namespace telltale::eventdb {

TimeRange times_of(const BlockMeta& meta);

/// Thread-safe. The query and the context outlive it. Errors: those of reading; of the context.
class GroupsFound {
 public:
  GroupsFound(const storage::WordQuery& query, WorkContext& context) : query_(query), context_(context) {}

  /// A part whose blocks are asked, as far as it takes.
  void asks(const Part& part);
  void add_unknown(const TimeRange& times);
  /// What a block's index said.
  Result<> add(const BlockRef& ref, WordIndex& index, const WordSearch::Groups& found);
  /// A row that satisfies the query, or may.
  Result<> add(const EventRow& row, std::string group, bool sure);
  /// Says what a group is called, and when `sure` that it has a row.
  Result<> add(std::uint64_t key, ProjectId project, std::string group, bool sure);
  /// Whether nothing more needs to be known of it: it is sure, or nobody asked for its project.
  bool is_settled(std::uint64_t key) const;
  storage::WordGroups take();

 private:
  struct Group {
    storage::WordGroup name;
    bool is_asked_for = false;  // of one of the projects
    bool is_found = false;
    bool is_sure = false;
    std::vector<TimeRange> times;  // of blocks that may have a row
  };
  static void put(Group& group, bool sure, const TimeRange& times);
  Result<> name(Group& group, ProjectId project, std::string text) TT_REQUIRES(mutex_);
  Result<> read_names(const BlockRef& ref, const std::vector<std::pair<std::uint32_t, std::uint64_t>>& rows)
      TT_REQUIRES(mutex_);

  const storage::WordQuery& query_;
  WorkContext& context_;
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, Group> groups_ TT_GUARDED_BY(mutex_);
  std::vector<TimeRange> unknown_ TT_GUARDED_BY(mutex_);
  /// Blocks in which some group was possible when they were asked, each once.
  std::shared_ptr<BlockPlaces> places_ TT_GUARDED_BY(mutex_) = std::make_shared<BlockPlaces>();
};

}  // namespace telltale::eventdb
