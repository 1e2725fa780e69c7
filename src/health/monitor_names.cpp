// The words of scheduled jobs: what a slug may be, and the names of states as the API says them.
#include <fmt/format.h>

#include "base/health_limits.hpp"
#include "health/monitors.hpp"

namespace telltale::health {

using storage::CheckInStatus;
using storage::MonitorState;

Result<> check_slug(std::string_view slug) {
  if (slug.empty() || slug.size() > limits::kMaxSlugBytes)
    return fail(ErrorKind::invalid_argument,
                fmt::format("monitor_slug: 1 to {} characters", limits::kMaxSlugBytes));
  for (const char c : slug) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
    if (!fine)
      return fail(ErrorKind::invalid_argument,
                  "monitor_slug: letters, digits, hyphens, underscores and dots");
  }
  return {};
}

std::string_view check_in_status_name(CheckInStatus status) {
  switch (status) {
    case CheckInStatus::in_progress:
      return "in_progress";
    case CheckInStatus::ok:
      return "ok";
    case CheckInStatus::error:
      return "error";
    case CheckInStatus::missed:
      return "missed";
    case CheckInStatus::timeout:
      return "timeout";
  }
  return "unknown";
}

std::string_view monitor_state_name(MonitorState state) {
  switch (state) {
    case MonitorState::active:
      return "active";
    case MonitorState::ok:
      return "ok";
    case MonitorState::error:
      return "error";
    case MonitorState::missed:
      return "missed";
    case MonitorState::timeout:
      return "timeout";
  }
  return "unknown";
}

}  // namespace telltale::health
