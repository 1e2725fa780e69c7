// What a batch carries beside rows and samples: small things that become counts and states. They are already
// limited and redacted, like rows. A list's codec is in batch_items.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"

namespace telltale::storage {

/// How a session stands; a later one of two wins over an earlier, so that updates may come in any order and
/// more than once. The numbers are stored: never renumber.
enum class SessionState : std::uint8_t { open = 0, exited = 1, errored = 2, abnormal = 3, crashed = 4 };

/// One session's update, or (sid 0) sessions that a client has counted already.
struct SessionUpdate {
  std::string release;
  std::string environment;
  std::uint64_t sid = 0;   // a hash of the client's id; 0: counted sessions
  std::uint64_t user = 0;  // a hash of the distinct id; 0: not known
  UnixNanos started;
  bool init = false;  // the first update of its session
  SessionState state = SessionState::open;
  // Of counted sessions: how many ended how.
  std::uint64_t exited = 0;
  std::uint64_t errored = 0;
  std::uint64_t abnormal = 0;
  std::uint64_t crashed = 0;
  bool operator==(const SessionUpdate&) const = default;
};

/// The numbers are stored: never renumber.
enum class CheckInStatus : std::uint8_t { in_progress = 1, ok = 2, error = 3, missed = 4, timeout = 5 };

/// What a scheduled job says of itself.
struct CheckIn {
  Id128 id;  // zero: each is one of its own
  std::string monitor;
  std::string environment;
  std::string release;
  CheckInStatus status = CheckInStatus::ok;
  std::int64_t duration_ms = -1;  // -1: not said
  UnixNanos time;
  Id128 trace_id;
  std::string config;  // of the monitor, a document; empty: as it is
  bool operator==(const CheckIn&) const = default;
};

/// What a person says of the application.
struct FeedbackItem {
  Id128 id;
  UnixNanos time;
  std::string message;
  std::string email;
  std::string name;
  std::string url;
  std::string environment;
  std::string release;
  std::string user_id;
  std::string source;  // `feedback` or `user_report`
  std::string replay_id;
  Id128 event_id;  // the error it is about
  Id128 trace_id;
  bool operator==(const FeedbackItem&) const = default;
};

/// What clients left out themselves, as servers before batches of version 5 counted it.
struct OutcomeCount {
  std::string source;  // `client`
  std::string category;
  std::string reason;
  std::uint64_t quantity = 0;
  bool operator==(const OutcomeCount&) const = default;
};

/// A file that came with an event, or a profile. Its bytes are on the disk already, under `blob`
/// (health/blob_files.hpp): the journal carries only what is said of them.
struct AttachmentItem {
  Id128 blob;
  Id128 event_id;    // of a chunk of a profile: the profiler's
  Id128 trace_id;    // zero: not known
  std::string kind;  // `event.attachment`, `event.minidump`, `profile`, …
  std::string name;
  std::string content_type;
  std::uint64_t size = 0;
  std::uint64_t stored = 0;  // bytes on the disk
  Id128 digest;              // of the bytes, to know what is sent again
  bool operator==(const AttachmentItem&) const = default;
};

/// What became of something that a client sent. The numbers are stored: never renumber.
enum class UsageKind : std::uint8_t { accepted = 1, filtered = 2, rate_limited = 3, invalid = 4, client = 5 };
inline constexpr UsageKind kUsageKinds[] = {UsageKind::accepted, UsageKind::filtered, UsageKind::rate_limited,
                                            UsageKind::invalid, UsageKind::client};
/// `accepted`, `filtered`, …; client is what clients say they left out themselves.
std::string_view name_of(UsageKind kind);
std::optional<UsageKind> usage_kind_from(std::string_view name);

/// How much of one category was accepted, or was not and why.
struct UsageCount {
  UsageKind kind = UsageKind::accepted;
  std::string category;  // as rate limits name them: `error`, `log_item`, …
  std::string reason;    // the filter, the limit; empty for what was accepted
  Id128 key;             // the DSN key it came with; zero: none
  std::uint64_t quantity = 0;
  bool operator==(const UsageCount&) const = default;
};

/// A sample's example: what was measured then, with the trace it was measured in.
struct ExemplarItem {
  Labels series;
  UnixMillis time;
  double value = 0;
  Labels labels;
  bool operator==(const ExemplarItem&) const = default;
};

/// What is said of a metric family.
struct MetadataItem {
  std::string family;
  std::uint8_t kind = 0;  // as remote write numbers them: unknown, counter, gauge, …
  std::string help;
  std::string unit;
  bool operator==(const MetadataItem&) const = default;
};

/// The version of batches whose items put_items() writes.
inline constexpr std::uint8_t kItemsVersion = 7;

struct BatchItems {
  std::vector<SessionUpdate> sessions;
  std::vector<CheckIn> check_ins;
  std::vector<FeedbackItem> feedback;
  std::vector<OutcomeCount> outcomes;
  std::vector<AttachmentItem> attachments;
  std::vector<UsageCount> usage;
  std::vector<ExemplarItem> exemplars;
  std::vector<MetadataItem> metadata;

  bool empty() const { return count() == 0 && usage.empty() && exemplars.empty() && metadata.empty(); }
  /// Of what clients sent beside numbers; `usage` only counts it.
  std::size_t count() const {
    return sessions.size() + check_ins.size() + feedback.size() + outcomes.size() + attachments.size();
  }
};

void put_items(ByteWriter& out, const BatchItems& items);
/// `version` of the batch, 4 or later. False when malformed; nothing it makes is much larger than its input.
bool read_items(ByteReader& in, std::uint8_t version, BatchItems& items);

}  // namespace telltale::storage
