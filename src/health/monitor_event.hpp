// A failed run as the error event that a client would send of it, so that people see, assign and hear of it
// as of any other error. All of one monitor are one issue.
#pragma once

#include <string>

#include "health/monitors.hpp"

namespace telltale::health {

/// The event's id follows from the run: told twice it is one event.
std::string failure_event(const MonitorView& view, const storage::MonitorStatus& status,
                          const storage::KeptCheckIn& run);

}  // namespace telltale::health
