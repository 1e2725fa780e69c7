#include "health/attachments.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/attachment_limits.hpp"
#include "base/hash.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"

namespace telltale::health {

Attachments::Attachments(storage::RecordStore& records, std::unique_ptr<BlobFiles> blobs, const Clock& clock,
                         const Logger& log, MetricsRegistry& metrics)
    : RecordFollower(records),
      blobs_(std::move(blobs)),
      clock_(clock),
      log_(log),
      total_(metrics.counter("telltale_attachments_total", "Files that came with events.")),
      bytes_total_(metrics.counter("telltale_attachment_bytes_total", "Bytes of such files, as they came.")),
      again_(metrics.counter("telltale_attachments_again_total", "Such files that a client sent again.")) {}

Result<std::unique_ptr<Attachments>> Attachments::open(storage::RecordStore& records, io::FileSystem& fs,
                                                       std::string dir, const Clock& clock, const Logger& log,
                                                       MetricsRegistry& metrics) {
  TT_ASSIGN(auto blobs, BlobFiles::open(fs, std::move(dir)));
  std::unique_ptr<Attachments> store(new Attachments(records, std::move(blobs), clock, log, metrics));
  TT_TRY(store->load_sequence());
  return store;
}

namespace {

constexpr std::string_view kProfileChunkKind = "profile_chunk";

}  // namespace

Result<> Attachments::start() {
  TT_ASSIGN(const auto named, records_.attachments().blobs());
  TT_ASSIGN(const auto kept, blobs_->list());
  std::uint64_t orphans = 0;
  for (const Id128 id : kept) {
    if (std::binary_search(named.begin(), named.end(), id)) continue;
    TT_TRY(blobs_->remove(id));
    ++orphans;
  }
  if (orphans > 0) log_.info("attachments without an event removed", {{"files", orphans}});
  return {};
}

Result<> Attachments::keep(ProjectId project, storage::AttachmentItem& item, std::string_view bytes) {
  // Chunks go on for as long as their profiler does.
  if (item.event_id.present() && item.kind != kProfileChunkKind) {
    TT_ASSIGN(const auto total, records_.attachments().total(project, item.event_id));
    if (total.count >= limits::kMaxEventAttachments)
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("the event has {} attachments (kMaxEventAttachments)", total.count));
    if (total.bytes + bytes.size() > limits::kMaxEventAttachmentBytes)
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("over {} bytes of one event (kMaxEventAttachmentBytes)",
                              limits::kMaxEventAttachmentBytes));
  }
  const auto id = Id128::parse(to_hex(secure_random(16)));
  item.blob = *id;
  item.size = bytes.size();
  item.digest = hash128(bytes);
  TT_ASSIGN(item.stored, blobs_->put(item.blob, bytes));
  return {};
}

void Attachments::drop(const storage::AttachmentItem& item) {
  // What stays is an orphan until the next start.
  if (const auto done = blobs_->remove(item.blob); !done)
    log_.warn("a file was not removed", {{"reason", done.error().message()}});
}

Result<> Attachments::take(const storage::Batch& batch) {
  for (const auto& item : batch.items.attachments) {
    TT_ASSIGN(const bool fresh, records_.attachments().add({0, batch.project, batch.received, item}));
    if (fresh) {
      total_.add();
      bytes_total_.add(item.size);
    } else {
      // Taken back with its transaction, it would be sent again just the same: no record names this file.
      again_.add();
      drop(item);
    }
  }
  return {};
}

Result<> Attachments::remove(const storage::Attachment& attachment) {
  // The record first: a file without one is an orphan, a record without its file a lie.
  TT_TRY(records_.attachments().remove(attachment.id));
  return blobs_->remove(attachment.item.blob);
}

Result<> Attachments::prune_old(ProjectId project, UnixNanos before) {
  while (true) {
    TT_ASSIGN(const auto old, records_.attachments().oldest(project, before, limits::kAttachmentPruneBatch));
    for (const auto& attachment : old) TT_TRY(remove(attachment));
    if (old.size() < limits::kAttachmentPruneBatch) return {};
  }
}

Result<> Attachments::prune_large(ProjectId project) {
  TT_ASSIGN(const auto total, records_.attachments().total(project, {}));
  std::uint64_t stored = total.stored;
  while (stored > limits::kMaxProjectAttachmentBytes) {
    TT_ASSIGN(const auto old, records_.attachments().oldest(project, clock_.now() + std::chrono::hours(24),
                                                            limits::kAttachmentPruneBatch));
    if (old.empty()) return {};
    for (const auto& attachment : old) {
      if (stored <= limits::kMaxProjectAttachmentBytes) break;
      TT_TRY(remove(attachment));
      stored -= std::min(stored, attachment.item.stored);
    }
  }
  return {};
}

Result<> Attachments::prune(const std::function<Nanos(ProjectId)>& keep_errors) {
  TT_ASSIGN(const auto projects, records_.projects().list());
  for (const auto& project : projects) {
    if (const Nanos keep = keep_errors(project.id); keep.count() > 0)
      TT_TRY(prune_old(project.id, clock_.now() - keep));
    TT_TRY(prune_large(project.id));
  }
  return {};
}

Result<std::uint64_t> Attachments::forget(ProjectId project, const std::vector<Id128>& events) {
  std::uint64_t gone = 0;
  for (const Id128 event : events) {
    storage::AttachmentQuery query;
    query.projects = {project};
    query.event_id = event;
    query.limit = limits::kAttachmentPruneBatch;
    if (!event.present()) continue;
    while (true) {
      TT_ASSIGN(const auto list, records_.attachments().list(query));
      if (list.empty()) break;
      for (const auto& attachment : list) TT_TRY(remove(attachment));
      gone += list.size();
    }
  }
  return gone;
}

Result<std::unique_ptr<BlobReader>> Attachments::read(const storage::Attachment& attachment) const {
  return blobs_->read(attachment.item.blob);
}

Result<std::vector<std::string>> Attachments::verify() const {
  std::vector<std::string> damage;
  TT_ASSIGN(const auto named, records_.attachments().blobs());
  for (const Id128 id : named) {
    const auto check = [&]() -> Result<> {
      TT_ASSIGN(const auto reader, blobs_->read(id));
      for (std::size_t n = 0; n < reader->pieces(); ++n) TT_TRY(reader->piece(n));
      return {};
    }();
    if (!check) damage.push_back(check.error().message());
  }
  return damage;
}

Result<std::uint64_t> Attachments::bytes() const {
  TT_ASSIGN(const auto total, records_.attachments().total(ProjectId{0}, {}));
  return total.stored;
}

}  // namespace telltale::health
