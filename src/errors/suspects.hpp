// Commits that may have brought an error: those of the releases it is looked for in that touched the file of
// one of its frames, the innermost of the application's own first. Pure.
//
// Where a repository begins in a frame's path is not known, so that a path matches when one is the end of the
// other, whole names only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "errors/grouping.hpp"
#include "storage/health_records.hpp"

namespace telltale::errors {

struct ReleaseCommits {
  std::string release;
  std::vector<storage::Commit> commits;  // newest first
};

struct Suspect {
  std::string release;
  storage::Commit commit;
  std::string path;  // of its file
  GroupingFrame frame;
};

/// Of the first frame whose file some commit touched; at most limits::kMaxSuspects, each commit once.
/// `releases` in the order in which they are asked.
std::vector<Suspect> suspect_commits(const GroupingInput& event, const std::vector<ReleaseCommits>& releases);

/// The repository's `path` may be the file of the frame.
bool is_file_of(const GroupingFrame& frame, std::string_view path);

}  // namespace telltale::errors
