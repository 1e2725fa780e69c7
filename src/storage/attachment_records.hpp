// Records of files that came with events. The bytes are in files of their own, named by `item.blob`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"
#include "storage/batch_items.hpp"

namespace telltale::storage {

struct Attachment {
  std::int64_t id = 0;  // 0 when adding; never given twice
  ProjectId project;
  UnixNanos received;
  AttachmentItem item;
};

/// Zero ids and empty texts do not filter.
struct AttachmentQuery {
  std::vector<ProjectId> projects;
  Id128 event_id;
  Id128 trace_id;
  std::string kind;
  std::size_t limit = 100;
  std::size_t offset = 0;
};

struct AttachmentTotal {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;   // as they came
  std::uint64_t stored = 0;  // on the disk
};

class AttachmentRepository {
 public:
  virtual ~AttachmentRepository() = default;
  /// False when its event has that file already: same kind, name and bytes.
  virtual Result<bool> add(const Attachment& attachment) = 0;
  virtual Result<Attachment> get(std::int64_t id) = 0;
  /// Newest first.
  virtual Result<std::vector<Attachment>> list(const AttachmentQuery& query) = 0;
  /// Ignores limit and offset.
  virtual Result<std::uint64_t> count(const AttachmentQuery& query) = 0;
  /// Of one event; with a zero id of the project, and with project 0 of all.
  virtual Result<AttachmentTotal> total(ProjectId project, Id128 event_id) = 0;
  /// Oldest first, received before `before`.
  virtual Result<std::vector<Attachment>> oldest(ProjectId project, UnixNanos before, std::size_t limit) = 0;
  /// Sorted.
  virtual Result<std::vector<Id128>> blobs() = 0;
  virtual Result<> remove(std::int64_t id) = 0;
};

}  // namespace telltale::storage
