// What the follower remembers of files across restarts. A file is told by what stands in it, not by its name
// or number alone: names move on rotation, numbers are given again. A `generation` is one life of a file's
// content from its first byte on: renaming keeps it, truncating ends it, a copy belongs to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace telltale::logs {

/// The bytes by which content is recognised: the front of the file and what stands before an offset.
struct FileMark {
  std::uint32_t front_bytes = 0;
  std::uint64_t front_hash = 0;
  std::uint32_t tail_bytes = 0;
  std::uint64_t tail_hash = 0;
  bool operator==(const FileMark&) const = default;
};

struct FileRecord {
  std::string path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t generation = 0;
  std::uint64_t offset = 0;  // everything before it is kept
  FileMark mark;             // at that offset
  bool retired = false;      // gone; remembered because a copy of it may appear
  bool operator==(const FileRecord&) const = default;
};

struct FollowState {
  std::vector<FileRecord> files;
  std::vector<std::string> sources;  // that have been looked through once
};

/// JSON with a version.
std::string encode_follow_state(const FollowState& state);
/// corruption when the bytes are no state of a version we know.
Result<FollowState> decode_follow_state(std::string_view bytes);

}  // namespace telltale::logs
