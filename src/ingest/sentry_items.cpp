#include "ingest/sentry_items.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/health_limits.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "health/monitors.hpp"
#include "health/schedule.hpp"
#include "quota/categories.hpp"

namespace telltale::ingest {
namespace {

using storage::SessionState;
using storage::SessionUpdate;

constexpr std::string_view kOtherName = "other";

/// Ids are only compared: what is kept of them is a hash, another one in each project, and never 0.
std::uint64_t id_hash(ProjectId project, std::string_view id) {
  const std::uint64_t hash = hash64(id, project.value);
  return hash == 0 ? 1 : hash;
}

/// Like an id column of a row.
void mask_id(Request& request, std::string& text) {
  const std::array fields = {redact::Field{{}, &text, redact::FieldForm::id}};
  request.redactor->redact_fields(fields, &request.counts);
}

/// The reason why a session is not taken; empty: it is.
std::string refusal(const Request& request, const std::string& release, const std::string& environment,
                    UnixNanos started) {
  if (release.size() > limits::kMaxReleaseBytes)
    return fmt::format("attrs.release: over {} bytes", limits::kMaxReleaseBytes);
  if (environment.size() > limits::kMaxEnvironmentBytes)
    return fmt::format("attrs.environment: over {} bytes", limits::kMaxEnvironmentBytes);
  if (started < request.now() - std::chrono::hours(24 * limits::kSessionDays))
    return fmt::format("started {}: over {} days ago", format_rfc3339(started), limits::kSessionDays);
  if (!request.in_bounds(started))
    return fmt::format("started {}: outside of ingest.max_past and ingest.max_future",
                       format_rfc3339(started));
  return {};
}

bool is_full(Request& request, std::size_t index) {
  if (request.batch.items.sessions.size() < limits::kMaxSessionUpdates) return false;
  request.error(index, fmt::format("sessions: over {} in one request; the rest is dropped",
                                   limits::kMaxSessionUpdates));
  return true;
}

SessionState state_of(const wire::sentry::SessionItem& session) {
  switch (session.status) {
    case wire::sentry::SessionStatus::crashed:
      return SessionState::crashed;
    case wire::sentry::SessionStatus::abnormal:
      return SessionState::abnormal;
    case wire::sentry::SessionStatus::exited:
      return session.errors > 0 ? SessionState::errored : SessionState::exited;
    case wire::sentry::SessionStatus::ok:
      return session.errors > 0 ? SessionState::errored : SessionState::open;
  }
  return SessionState::open;
}

/// Masked, before it is read. The reason when it is no JSON or over `most` bytes; empty: it is.
std::string masked_json(Request& request, std::string_view json, std::size_t most, std::string& out) {
  if (json.size() > most) return fmt::format("over {} bytes", most);
  auto text = wire::sentry::normalise_json(json);
  if (!text) return text.error().message();
  out = *std::move(text);
  request.redactor->redact_json(out, &request.counts);
  return {};
}

void cut(std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
}

}  // namespace

void add_session(Request& request, std::string_view json, std::size_t index) {
  auto session = wire::sentry::parse_session(json);
  if (!session) return request.error(index, session.error().message());
  if (auto why = refusal(request, session->release, session->environment, session->started); !why.empty())
    return request.error(index, "session: " + why);
  if (is_full(request, index)) return;
  mask_id(request, session->release);
  mask_id(request, session->environment);
  const ProjectId project = request.batch.project;
  SessionUpdate update;
  update.release = std::move(session->release);
  update.environment = std::move(session->environment);
  update.sid = id_hash(project, session->sid);
  if (!session->did.empty()) update.user = id_hash(project, session->did);
  update.started = session->started;
  update.init = session->init;
  update.state = state_of(*session);
  request.batch.items.sessions.push_back(std::move(update));
}

void add_session_aggregates(Request& request, std::string_view json, std::size_t index) {
  auto sessions = wire::sentry::parse_session_aggregates(json);
  if (!sessions) return request.error(index, sessions.error().message());
  for (const auto& e : sessions->errors)
    request.error(index, fmt::format("sessions: aggregates[{}]: {}", e.index, e.reason));
  // Judged as they came: what is masked may be longer.
  std::string release = sessions->release;
  std::string environment = sessions->environment;
  mask_id(request, release);
  mask_id(request, environment);
  for (const auto& bucket : sessions->buckets) {
    if (auto why = refusal(request, sessions->release, sessions->environment, bucket.started); !why.empty()) {
      request.error(index, "sessions: " + why);
      continue;
    }
    if (is_full(request, index)) return;
    SessionUpdate update;
    update.release = release;
    update.environment = environment;
    if (!bucket.did.empty()) update.user = id_hash(request.batch.project, bucket.did);
    update.started = bucket.started;
    update.exited = bucket.exited;
    update.errored = bucket.errored;
    update.abnormal = bucket.abnormal;
    update.crashed = bucket.crashed;
    request.batch.items.sessions.push_back(std::move(update));
  }
}

void add_check_in(Request& request, wire::sentry::CheckInItem item, std::size_t index) {
  if (const auto slug = health::check_slug(item.monitor_slug); !slug)
    return request.error(index, "check_in: " + slug.error().message());
  storage::CheckIn check_in;
  check_in.id = item.id;
  check_in.monitor = std::move(item.monitor_slug);
  check_in.environment = std::move(item.environment);
  check_in.release = std::move(item.release);
  cut(check_in.environment, limits::kMaxEnvironmentBytes);
  cut(check_in.release, limits::kMaxReleaseBytes);
  mask_id(request, check_in.environment);
  mask_id(request, check_in.release);
  switch (item.status) {
    case wire::sentry::JobStatus::in_progress:
      check_in.status = storage::CheckInStatus::in_progress;
      break;
    case wire::sentry::JobStatus::ok:
      check_in.status = storage::CheckInStatus::ok;
      break;
    case wire::sentry::JobStatus::error:
      check_in.status = storage::CheckInStatus::error;
      break;
  }
  constexpr double kLongestSeconds = 366.0 * 86'400;
  if (item.duration_s >= 0)
    check_in.duration_ms = static_cast<std::int64_t>(std::min(item.duration_s, kLongestSeconds) * 1000);
  check_in.time = request.now();
  check_in.trace_id = item.trace_id;
  if (!item.monitor_config.empty()) {
    auto config = health::MonitorConfig::parse(item.monitor_config);
    if (config) {
      check_in.config = config->json();
    } else {
      // The check-in itself is as good as any.
      request.error(index, "check_in: monitor_config: " + config.error().message());
    }
  }
  request.batch.items.check_ins.push_back(std::move(check_in));
}

void add_check_in(Request& request, std::string_view json, std::size_t index) {
  std::string masked;
  if (auto why = masked_json(request, json, limits::kMaxCheckInBytes, masked); !why.empty())
    return request.error(index, "check_in: " + why);
  auto item = wire::sentry::parse_check_in(masked);
  if (!item) return request.error(index, item.error().message());
  add_check_in(request, *std::move(item), index);
}

void add_feedback(Request& request, std::string_view json, bool report, std::size_t index) {
  std::string masked;
  if (auto why = masked_json(request, json, limits::kMaxFeedbackBytes, masked); !why.empty())
    return request.error(index, "feedback: " + why);
  auto item = report ? wire::sentry::parse_user_report(masked) : wire::sentry::parse_feedback(masked);
  if (!item) return request.error(index, item.error().message());
  storage::FeedbackItem out;
  out.time = item->timestamp.value_or(request.now());
  if (!request.in_bounds(out.time)) out.time = request.now();
  // One report an event: sent again, it replaces what it said.
  out.id = report ? item->associated_event_id : item->event_id;
  if (!out.id.present()) out.id = *Id128::parse(to_hex(secure_random(16)));
  out.message = std::move(item->message);
  out.email = std::move(item->contact_email);
  out.name = std::move(item->name);
  out.url = std::move(item->url);
  out.environment = std::move(item->environment);
  out.release = std::move(item->release);
  out.user_id = std::move(item->user_id);
  out.replay_id = std::move(item->replay_id);
  out.source = report ? "user_report" : "feedback";
  cut(out.message, limits::kMaxFeedbackMessageBytes);
  for (std::string* text : {&out.email, &out.name, &out.user_id, &out.replay_id})
    cut(*text, limits::kMaxFeedbackFieldBytes);
  cut(out.url, limits::kMaxFeedbackUrlBytes);
  cut(out.environment, limits::kMaxEnvironmentBytes);
  cut(out.release, limits::kMaxReleaseBytes);
  out.event_id = item->associated_event_id;
  out.trace_id = item->trace_id;
  request.outcome.event_id = out.id;
  request.batch.items.feedback.push_back(std::move(out));
}

void add_client_report(Request& request, const wire::sentry::ClientReport& report) {
  std::size_t counted = 0;
  for (const auto& d : report.discarded) {
    if (d.quantity == 0 || counted++ >= limits::kMaxClientReports) continue;
    // Anybody with the key may name anything: what SDKs do not say is counted together.
    const std::string_view category = quota::is_category(d.category) ? d.category : kOtherName;
    const std::string_view reason = quota::is_client_reason(d.reason) ? d.reason : kOtherName;
    request.quota->count(request, storage::UsageKind::client, category, reason,
                         std::min<std::uint64_t>(d.quantity, limits::kMaxAggregateCount));
  }
}

}  // namespace telltale::ingest
