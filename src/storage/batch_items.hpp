// What a batch carries beside rows and samples: small things that become counts and states. They are already
// limited and redacted, like rows. A list's codec is in batch_items.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/time.hpp"

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

/// How much was not kept, and why: what a client left out itself, or what we refused.
struct OutcomeCount {
  std::string source;  // `client`, `filtered`, `rate_limited`
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

struct BatchItems {
  std::vector<SessionUpdate> sessions;
  std::vector<CheckIn> check_ins;
  std::vector<FeedbackItem> feedback;
  std::vector<OutcomeCount> outcomes;
  std::vector<AttachmentItem> attachments;

  bool empty() const { return count() == 0; }
  std::size_t count() const {
    return sessions.size() + check_ins.size() + feedback.size() + outcomes.size() + attachments.size();
  }
};

void put_items(ByteWriter& out, const BatchItems& items);
/// As a batch of `version` has them. False when malformed; nothing it makes is much larger than its input.
bool read_items(ByteReader& in, std::uint8_t version, BatchItems& items);

}  // namespace telltale::storage
