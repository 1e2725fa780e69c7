// The one journal: an ordered log of opaque records in segment files. append() returns when the record's
// bytes are durable; concurrent appends share one sync (group commit). Records have consecutive sequence
// numbers across segments. Every store derived from the journal remembers how far it got; replay() feeds it
// the rest after a crash, and release() drops the segments that every store is past.
//
// Clients' own ids travel with a record. admit() decides, for the named window, whether an id was seen
// before; the decision survives a crash because the ids stand in the records and, once their segment is
// released, in a side file. A torn tail (an append the crash cut off) is dropped; a damaged record anywhere
// else is corruption, named with file and offset, its segment kept aside, and never served.
//
// Format: docs/formats/journal.md.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "io/file_system.hpp"

namespace telltale::io {

struct JournalOptions {
  std::size_t segment_bytes = limits::kJournalSegmentBytes;
  std::size_t max_record_bytes = limits::kMaxJournalRecordBytes;
  std::size_t max_queued_bytes = limits::kJournalQueueBytes;
  Nanos dedup_window{std::chrono::hours(1)};
  std::size_t dedup_max_ids = 4'000'000;
};

/// What the caller of append wants handed to the sink: the decoded form of the record, so that applying it
/// need not decode it again.
using Attachment = std::shared_ptr<const void>;

/// Thread-safe.
class Journal {
 public:
  /// Called on the commit thread, in sequence order, once the record is durable and before append() returns.
  /// Must not block for long and must not call append().
  using Sink = std::function<void(Sequence, const Attachment&)>;

  /// Opens or makes the journal in `dir`: finds the segments, checks them, drops a torn tail.
  static Result<std::unique_ptr<Journal>> open(FileSystem& fs, std::string dir, JournalOptions options,
                                               const Clock& clock, const Logger& log,
                                               MetricsRegistry& metrics);
  virtual ~Journal() = default;

  virtual void set_sink(Sink sink) = 0;

  /// Durable when it returns. Errors: too_large, resource_exhausted (queue full), disk_full, io, unavailable
  /// after stop(). After an error the record is not in the journal, and never will be.
  virtual Result<Sequence> append(std::string payload, std::span<const Id128> client_ids,
                                  Attachment attachment) = 0;

  enum class Admission : unsigned char { fresh, duplicate };
  /// Reserves a client's id. `fresh`: the caller must append a record with it or forget() it. `duplicate`: a
  /// record with it is durable; if that one is still being written, waits for its fate first.
  virtual Admission admit(Id128 client_id) = 0;
  virtual void forget(Id128 client_id) = 0;

  /// Calls `apply` for each durable record after `after`, in order, and stops at its first error.
  virtual Result<> replay(Sequence after,
                          const std::function<Result<>(Sequence, std::string_view)>& apply) = 0;
  /// Removes segments whose records are all ≤ `upto`.
  virtual Result<> release(Sequence upto) = 0;
  /// The next record begins a segment, so that release() can remove every one before it.
  virtual void cut() = 0;
  /// Reads and checks every byte; one line a damaged file, empty when all is well.
  virtual Result<std::vector<std::string>> verify() = 0;
  /// Newest durable record; 0 when empty.
  virtual Sequence durable() const = 0;
  /// Oldest record still kept; durable()+1 when none.
  virtual Sequence oldest() const = 0;
  virtual std::uint64_t bytes() const = 0;
  /// Finishes what is queued and refuses the rest. Idempotent.
  virtual void stop() = 0;
};

}  // namespace telltale::io
