#include "wire/sentry/health.hpp"

#include <algorithm>

#include "base/health_limits.hpp"
#include "wire/sentry/common.hpp"

namespace telltale::wire::sentry {
namespace {

std::optional<SessionStatus> session_status_from(std::string_view name) {
  if (name.empty() || name == "ok" || name == "errored") return SessionStatus::ok;
  if (name == "exited" || name == "unhandled") return SessionStatus::exited;
  if (name == "crashed") return SessionStatus::crashed;
  if (name == "abnormal") return SessionStatus::abnormal;
  return std::nullopt;
}

/// A count; what is negative or no number is none.
std::uint64_t count_at(json::Value v, std::string_view key) {
  const auto n = json::get_int(v, key);
  return n ? static_cast<std::uint64_t>(std::clamp<std::int64_t>(*n, 0, limits::kMaxAggregateCount)) : 0;
}

/// Release and environment of `attrs`; the reason when the release is missing.
template <class T>
std::string read_session_attrs(json::Value root, T& out) {
  const auto attrs = json::get(root, "attrs");
  if (!attrs || !attrs->is_object()) return "attrs: missing";
  out.release = json::get_text(*attrs, "release");
  out.environment = json::get_text(*attrs, "environment");
  return out.release.empty() ? "attrs.release: missing" : "";
}

Id128 associated_event(json::Value v) {
  const Id128 id = read_id128(v, "associated_event_id");
  return id.present() ? id : read_id128(v, "event_id");
}

}  // namespace

std::optional<JobStatus> job_status_from(std::string_view name) {
  if (name == "in_progress") return JobStatus::in_progress;
  if (name == "ok") return JobStatus::ok;
  if (name == "error") return JobStatus::error;
  return std::nullopt;
}

Result<SessionItem> parse_session(std::string_view json) {
  TT_ASSIGN(const auto doc, read_payload(json, "session", limits::kMaxSessionBytes));
  const json::Value root = doc.root();
  SessionItem out;
  if (auto reason = read_session_attrs(root, out); !reason.empty())
    return fail(ErrorKind::invalid_argument, "session: " + reason);
  out.sid = json::get_text(root, "sid");
  if (out.sid.empty()) return fail(ErrorKind::invalid_argument, "session: sid: missing");
  const auto started = json::get_time(root, "started");
  if (!started) return fail(ErrorKind::invalid_argument, "session: started: missing or malformed");
  const auto status = session_status_from(json::get_text(root, "status"));
  if (!status) return fail(ErrorKind::invalid_argument, "session: status: ok, exited, crashed or abnormal");
  out.started = *started;
  out.status = *status;
  out.did = json::get_text(root, "did");
  out.init = json::get_bool(root, "init").value_or(false);
  out.errors = count_at(root, "errors");
  const auto word = json::get_text(root, "status");
  if (word == "errored" || word == "unhandled") out.errors = std::max<std::uint64_t>(out.errors, 1);
  return out;
}

Result<SessionAggregates> parse_session_aggregates(std::string_view json) {
  TT_ASSIGN(const auto doc, read_payload(json, "sessions", limits::kMaxDecodedBodyBytes));
  const json::Value root = doc.root();
  SessionAggregates out;
  if (auto reason = read_session_attrs(root, out); !reason.empty())
    return fail(ErrorKind::invalid_argument, "sessions: " + reason);
  const auto list = json::get_array(root, "aggregates");
  if (!list) return fail(ErrorKind::invalid_argument, "sessions: aggregates: expected a list");
  std::size_t index = 0;
  for (const json::Value v : *list) {
    if (index == limits::kMaxAggregates) {
      out.errors.push_back({index, "aggregates: over the limit; the rest is dropped"});
      break;
    }
    SessionAggregates::Bucket bucket;
    if (const auto started = json::get_time(v, "started")) {
      bucket.started = *started;
      bucket.did = json::get_text(v, "did");
      bucket.exited = count_at(v, "exited");
      bucket.errored = count_at(v, "errored");
      bucket.crashed = count_at(v, "crashed");
      bucket.abnormal = count_at(v, "abnormal");
      out.buckets.push_back(std::move(bucket));
    } else {
      out.errors.push_back({index, "started: missing or malformed"});
    }
    ++index;
  }
  return out;
}

Result<CheckInItem> parse_check_in(std::string_view json, std::string_view slug) {
  TT_ASSIGN(const auto doc, read_payload(json, "check_in", limits::kMaxCheckInBytes));
  const json::Value root = doc.root();
  CheckInItem out;
  out.monitor_slug = slug.empty() ? json::get_text(root, "monitor_slug") : std::string(slug);
  if (out.monitor_slug.empty()) return fail(ErrorKind::invalid_argument, "check_in: monitor_slug: missing");
  const auto status = job_status_from(json::get_text(root, "status"));
  if (!status) return fail(ErrorKind::invalid_argument, "check_in: status: in_progress, ok or error");
  out.status = *status;
  out.id = read_id128(root, "check_in_id");
  if (const auto duration = json::get(root, "duration")) {
    if (const auto seconds = json::double_of(*duration); seconds && *seconds >= 0) out.duration_s = *seconds;
  }
  out.environment = json::get_text(root, "environment");
  out.release = json::get_text(root, "release");
  if (const auto contexts = json::get(root, "contexts"))
    if (const auto trace = json::get(*contexts, "trace")) out.trace_id = read_id128(*trace, "trace_id");
  if (const auto config = json::get(root, "monitor_config"); config && config->is_object())
    out.monitor_config = json::text_of(*config);
  return out;
}

Result<UserFeedback> parse_feedback(std::string_view json) {
  TT_ASSIGN(const auto doc, read_payload(json, "feedback", limits::kMaxFeedbackBytes));
  const json::Value root = doc.root();
  const auto contexts = json::get(root, "contexts");
  const auto feedback = contexts ? json::get(*contexts, "feedback") : std::nullopt;
  if (!feedback || !feedback->is_object())
    return fail(ErrorKind::invalid_argument, "feedback: contexts.feedback: missing");
  EventCommon event;
  read_common(root, event);
  UserFeedback out;
  out.message = json::get_text(*feedback, "message");
  if (out.message.empty())
    return fail(ErrorKind::invalid_argument, "feedback: contexts.feedback.message: missing");
  out.event_id = event.event_id;
  out.timestamp = event.timestamp;
  out.contact_email = json::get_text(*feedback, "contact_email");
  out.name = json::get_text(*feedback, "name");
  out.url = json::get_text(*feedback, "url");
  if (out.url.empty()) out.url = event.request.url;
  out.replay_id = json::get_text(*feedback, "replay_id");
  out.associated_event_id = read_id128(*feedback, "associated_event_id");
  out.trace_id = event.trace.trace_id;
  out.environment = event.environment;
  out.release = event.release;
  out.user_id = std::string(event.user.best());
  return out;
}

Result<UserFeedback> parse_user_report(std::string_view json) {
  TT_ASSIGN(const auto doc, read_payload(json, "user_report", limits::kMaxFeedbackBytes));
  const json::Value root = doc.root();
  UserFeedback out;
  out.associated_event_id = associated_event(root);
  if (!out.associated_event_id.present())
    return fail(ErrorKind::invalid_argument, "user_report: event_id: missing or malformed");
  out.message = json::get_text(root, "comments");
  if (out.message.empty()) return fail(ErrorKind::invalid_argument, "user_report: comments: missing");
  out.contact_email = json::get_text(root, "email");
  out.name = json::get_text(root, "name");
  return out;
}

}  // namespace telltale::wire::sentry
