// The payloads that tell how an application does: sessions, check-ins of scheduled jobs, feedback of people.
// Read as leniently as events (event.hpp); what makes no sense without a field is refused by its name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/sentry/event.hpp"

namespace telltale::wire::sentry {

enum class SessionStatus : unsigned char { ok, exited, crashed, abnormal };

/// Payload of items `session`.
struct SessionItem {
  std::string sid;
  std::string did;  // empty: not known
  UnixNanos started;
  bool init = false;
  SessionStatus status = SessionStatus::ok;
  std::uint64_t errors = 0;
  std::string release;
  std::string environment;
};

/// Payload of items `sessions`: those that a client has counted itself.
struct SessionAggregates {
  struct Bucket {
    UnixNanos started;
    std::string did;
    std::uint64_t exited = 0;
    std::uint64_t errored = 0;
    std::uint64_t crashed = 0;
    std::uint64_t abnormal = 0;
  };
  std::string release;
  std::string environment;
  std::vector<Bucket> buckets;
  std::vector<ItemError> errors;
};

enum class JobStatus : unsigned char { in_progress, ok, error };

/// Payload of items `check_in`.
struct CheckInItem {
  Id128 id;  // zero: none
  std::string monitor_slug;
  JobStatus status = JobStatus::ok;
  double duration_s = -1;  // -1: not said
  std::string environment;
  std::string release;
  Id128 trace_id;
  std::string monitor_config;  // JSON; empty: not said
};

/// Payload of items `feedback` and, older, `user_report`.
struct UserFeedback {
  Id128 event_id;  // its own; a report has none
  std::optional<UnixNanos> timestamp;
  std::string message;
  std::string contact_email;
  std::string name;
  std::string url;
  std::string replay_id;
  Id128 associated_event_id;
  Id128 trace_id;
  std::string environment;
  std::string release;
  std::string user_id;
};

std::optional<JobStatus> job_status_from(std::string_view name);

Result<SessionItem> parse_session(std::string_view json);
Result<SessionAggregates> parse_session_aggregates(std::string_view json);
/// `slug`: of the monitor, when the payload does not have to say it.
Result<CheckInItem> parse_check_in(std::string_view json, std::string_view slug = {});
Result<UserFeedback> parse_feedback(std::string_view json);
Result<UserFeedback> parse_user_report(std::string_view json);

}  // namespace telltale::wire::sentry
