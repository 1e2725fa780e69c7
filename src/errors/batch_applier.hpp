// What error events of one project do to issues, those of one batch or of some that follow each other. Issues
// and parts are read once, changed in memory and written once; only new users cost a statement each.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "errors/issue_store.hpp"
#include "errors/user_counts.hpp"

namespace telltale::errors {

class BatchApplier {
 public:
  BatchApplier(storage::RecordStore& records, SketchCache& sketches, const IssueOwner& owner,
               ProjectId project)
      : records_(records), sketches_(sketches), owner_(owner), project_(project) {}

  Result<> add(const EventRow& row);
  /// What happened to issues, by id.
  Result<> finish(std::vector<IssueEvent>& events);

 private:
  struct TouchedPart {
    storage::Issue counts;  // its own; of an issue with one part, unused
    std::map<UnixNanos, std::uint64_t> hours;
    std::map<std::string, storage::ReleaseCount> releases;
    std::map<std::string, storage::EnvironmentSeen> environments;
    std::unordered_set<Id128> users;  // of this batch
    std::uint64_t left_out = 0;       // events whose JSON is not kept
    bool touched = false;
  };
  struct TouchedIssue {
    storage::Issue issue;
    std::map<storage::IssueId, TouchedPart> parts;  // all of them
    std::optional<IssueChange> change;
    UnixNanos received;
  };
  struct Target {
    TouchedIssue* issue = nullptr;
    TouchedPart* part = nullptr;
    storage::IssueId part_id;
  };

  Result<Target> resolve(const EventRow& row, const std::string& text);
  Result<std::optional<Target>> find(const std::vector<std::string>& hashes);
  Result<Target> load(const storage::IssuePart& found);
  Result<Target> make(const EventRow& row);
  Result<> count(const Target& target, const EventRow& row);
  Result<> count_users(const Target& target, const EventRow& row);
  Result<> reopen(TouchedIssue& touched, const EventRow& row);
  Result<> write(TouchedIssue& touched);
  /// An archived issue whose condition is met comes back.
  Result<> check_archive(TouchedIssue& touched);

  storage::RecordStore& records_;
  SketchCache& sketches_;
  const IssueOwner& owner_;
  const ProjectId project_;
  std::map<storage::IssueId, TouchedIssue> issues_;
  std::unordered_map<std::string, Target> known_;  // by the events' hashes as they came
  std::set<std::string> releases_;                 // told to the project
};

}  // namespace telltale::errors
