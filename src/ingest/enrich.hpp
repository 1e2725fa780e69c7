// What every row goes through before it is journaled, whatever its source: fields named differently by each
// convention find their id column, sizes are bounded, secrets are masked. Reading log lines is logs/'s.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/event_row.hpp"
#include "redact/redactor.hpp"

namespace telltale::ingest {

/// Fills id columns that are still empty from the attributes: trace_id from `trace_id`, `traceId`,
/// `trace.id`, `dd.trace_id`, `otelTraceID`, and the same for the others. Attributes keep their names.
void fill_ids(EventRow& row);

/// Cuts what is over its limit (limits.hpp); returns the number of attributes left out.
std::size_t bound_row(EventRow& row);

/// Masks message, attributes and the text id columns; the payload is redacted by the caller, who knows its
/// form. Attributes from number `first_parsed` on were read out of the message as it stands.
void redact_row(EventRow& row, const redact::Redactor& redactor, redact::Counts& counts,
                std::size_t first_parsed = SIZE_MAX);

}  // namespace telltale::ingest
