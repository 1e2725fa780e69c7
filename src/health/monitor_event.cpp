#include "health/monitor_event.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"

namespace telltale::health {
namespace {

std::string sentence(const MonitorView& view, const storage::KeptCheckIn& run) {
  const std::string& name = view.monitor.name;
  switch (run.status) {
    case storage::CheckInStatus::missed:
      return fmt::format("Scheduled job {} did not run when it should have", name);
    case storage::CheckInStatus::timeout:
      return fmt::format("Scheduled job {} ran for longer than {}", name,
                         format_duration(view.config.max_runtime()));
    default:
      return fmt::format("Scheduled job {} failed", name);
  }
}

Id128 event_id(const storage::Monitor& monitor, const storage::MonitorStatus& status,
               const storage::KeptCheckIn& run) {
  // Numbers may be others after a replay, the slug, the time and the client's id are not.
  return hash128(fmt::format("monitor/{}/{}/{}/{}/{}/{}", monitor.project.value, monitor.slug,
                             status.environment, check_in_status_name(run.status), run.started.ns,
                             run.client_id.hex()));
}

}  // namespace

std::string failure_event(const MonitorView& view, const storage::MonitorStatus& status,
                          const storage::KeptCheckIn& run) {
  const UnixNanos time = run.finished.value_or(run.started);
  JsonWriter w;
  w.begin_object().field("event_id", event_id(view.monitor, status, run).hex());
  w.field("timestamp", format_rfc3339(time)).field("level", "error").field("platform", "other");
  w.field("logger", "crons").key("logentry").begin_object();
  w.field("formatted", sentence(view, run)).end_object();
  w.key("fingerprint").begin_array().string("scheduled-job").string(view.monitor.slug).end_array();
  w.field("environment", status.environment);
  if (!run.release.empty()) w.field("release", run.release);
  w.key("tags").begin_object().field("monitor.slug", view.monitor.slug);
  w.field("monitor.status", check_in_status_name(run.status)).end_object();
  w.key("contexts").begin_object().key("monitor").begin_object();
  w.field("slug", view.monitor.slug).field("name", view.monitor.name);
  w.field("status", check_in_status_name(run.status)).field("failures", status.failures);
  if (view.config.has_schedule()) {
    w.field("schedule", view.config.schedule_text()).field("timezone", view.config.zone_name());
  }
  if (run.expected) w.field("expected", format_rfc3339(*run.expected));
  if (run.duration_ms >= 0) w.field("duration_ms", run.duration_ms);
  w.end_object();
  if (run.trace_id.present()) {
    w.key("trace").begin_object().field("trace_id", run.trace_id.hex()).end_object();
  }
  w.end_object().end_object();
  return w.take();
}

}  // namespace telltale::health
