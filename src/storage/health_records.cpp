#include "storage/health_records.hpp"

namespace telltale::storage {

SessionCounts& operator+=(SessionCounts& to, const SessionCounts& more) {
  to.started += more.started;
  to.exited += more.exited;
  to.errored += more.errored;
  to.abnormal += more.abnormal;
  to.crashed += more.crashed;
  return to;
}

std::string_view status_name(FeedbackStatus status) {
  switch (status) {
    case FeedbackStatus::open:
      return "open";
    case FeedbackStatus::resolved:
      return "resolved";
    case FeedbackStatus::archived:
      return "archived";
  }
  return "unknown";
}

std::optional<FeedbackStatus> feedback_status_from(std::string_view name) {
  for (const auto status : {FeedbackStatus::open, FeedbackStatus::resolved, FeedbackStatus::archived})
    if (name == status_name(status)) return status;
  return std::nullopt;
}

}  // namespace telltale::storage
