// The users of issues: each part lists its own up to limits::kMaxUsersPerIssue and sketches them beyond; an
// issue of several parts counts a user of any of them once.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <vector>

#include "errors/user_sketch.hpp"
#include "storage/records.hpp"

namespace telltale::errors {

/// Sketches that were read, the most recently used first. What is written back is in the transaction that
/// changed it: clear() when that one fails. Not thread-safe.
class SketchCache {
 public:
  /// Of a part; from the records when it is not here.
  Result<UserSketch*> part(storage::IssueRepository& issues, storage::IssueId part);
  /// Of all parts of an issue together; never written.
  Result<UserSketch*> all(storage::IssueRepository& issues, const std::vector<storage::Issue*>& parts);
  /// The part has met somebody as one of `now`: what it was together with others is out of date.
  void met(storage::IssueId part, const std::vector<storage::Issue*>& now);
  void clear() { entries_.clear(); }
  /// Down to limits::kMaxCachedUserSketches, as far as the oldest are written: what is changed but not
  /// written must stay, and write_sketch() follows within the batch.
  void shrink();
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::vector<storage::IssueId> of;  // one part, or all of an issue that has several
    std::unique_ptr<UserSketch> sketch;
  };
  UserSketch* find(const std::vector<storage::IssueId>& of);
  UserSketch* keep(std::vector<storage::IssueId> of, std::unique_ptr<UserSketch> sketch);
  std::list<Entry> entries_;
};

/// Counts `user` in the part and in its issue; `parts` are the issue's, each as it is now, and `part` is one
/// of them. Where the issue is its only part, `part` is `issue` and `parts` is not looked at.
Result<> count_user(storage::IssueRepository& issues, SketchCache& sketches, storage::Issue& issue,
                    storage::Issue& part, const std::vector<storage::Issue*>& parts, const Id128& user);

/// The sketch's pages that have changed become part of the running transaction.
Result<> write_sketch(storage::IssueRepository& issues, SketchCache& sketches, storage::IssueId part);

/// How many distinct users the parts of an issue have together, after they have become others.
Result<std::uint64_t> users_together(storage::IssueRepository& issues,
                                     const std::vector<storage::Issue>& parts);

}  // namespace telltale::errors
