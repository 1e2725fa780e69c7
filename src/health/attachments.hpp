// Files that clients send with their events (logs, screenshots, minidumps, views), and profiles. Their bytes
// do not go through the journal, which would be read again at each start: keep() puts them into a file of
// their own, durable when it returns, and the batch says which (storage::AttachmentItem). So what is
// acknowledged is on the disk, and what a crash left without a batch is an orphan that start() removes.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "health/blob_files.hpp"
#include "health/record_follower.hpp"
#include "storage/attachment_records.hpp"

namespace telltale::health {

/// apply() on one thread at a time; the rest is thread-safe.
class Attachments final : public RecordFollower {
 public:
  static Result<std::unique_ptr<Attachments>> open(storage::RecordStore& records, io::FileSystem& fs,
                                                   std::string dir, const Clock& clock, const Logger& log,
                                                   MetricsRegistry& metrics);

  /// Once replay is over and before anything is kept: orphans go.
  Result<> start();
  /// Before its batch is committed: blob, size, stored and digest of `item` are set. resource_exhausted when
  /// its event has limits::kMaxEventAttachments of them, or more bytes than kMaxEventAttachmentBytes.
  Result<> keep(ProjectId project, storage::AttachmentItem& item, std::string_view bytes);
  /// The batch was not committed.
  void drop(const storage::AttachmentItem& item);

  /// Drops what is older than its project keeps errors, and of a project with more than
  /// limits::kMaxProjectAttachmentBytes the oldest.
  Result<> prune(const std::function<Nanos(ProjectId)>& keep_errors);
  Result<> remove(const storage::Attachment& attachment);
  /// Those of the events; how many went.
  Result<std::uint64_t> forget(ProjectId project, const std::vector<Id128>& events);

  Result<std::unique_ptr<BlobReader>> read(const storage::Attachment& attachment) const;
  /// Reads and checks every byte; one line a damage.
  Result<std::vector<std::string>> verify() const;
  /// On the disk.
  Result<std::uint64_t> bytes() const;

  std::string_view name() const override { return "attachments"; }

 private:
  Attachments(storage::RecordStore& records, std::unique_ptr<BlobFiles> blobs, const Clock& clock,
              const Logger& log, MetricsRegistry& metrics);
  bool concerned(const storage::Batch& batch) const override { return !batch.items.attachments.empty(); }
  Result<> take(const storage::Batch& batch) override;
  Result<> prune_old(ProjectId project, UnixNanos before);
  Result<> prune_large(ProjectId project);

  const std::unique_ptr<BlobFiles> blobs_;
  const Clock& clock_;
  const Logger& log_;
  Counter& total_;
  Counter& bytes_total_;
  Counter& again_;
};

}  // namespace telltale::health
