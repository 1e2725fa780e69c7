// What every view of spans must agree on: what a request is, and when a span has failed.
#pragma once

#include <string>
#include <vector>

#include "storage/event_store.hpp"

namespace telltale::traces {

/// A span that stands for one request or job of its service: of kind server or consumer, the root of a Sentry
/// transaction, or without a parent unless it is a call that goes out (kind client or producer).
bool is_entry(const EventRow& span);
/// The same as a filter.
storage::EventFilter entry_filter();

/// Its status says error, or names a failure of the server in Sentry's words (internal_error, unavailable,
/// deadline_exceeded, …; not what a caller did wrong, as not_found), or its HTTP status is 500 or more.
bool is_failed(const EventRow& span);
/// The same as a filter.
storage::EventFilter failed_filter();

Nanos duration_of(const EventRow& span);

/// Fields that these functions read, for EventQuery::fields.
std::vector<std::string> fact_fields();

}  // namespace telltale::traces
