// What becomes of a log row before it is masked and kept: the line's own fields, the id columns under
// whatever name they came, level and time where the sender said none, and the two names that Loki's clients
// rely on.
#pragma once

#include "base/time_zone.hpp"
#include "logs/fields.hpp"
#include "model/event_row.hpp"

namespace telltale::logs {

struct LineOptions {
  TimeZone zone;  // of times without an offset
  UnixNanos now;
  bool parse = true;  // false: a document, whose fields stand beside its message
};

/// Fields of row.message as attributes of kind `parsed`, id columns, level. A row whose time is zero gets the
/// time its fields or its text say; it stays zero when they say none.
LineForm normalise_line(EventRow& row, const LineOptions& options);

/// As Loki does: the label `service_name` (`unknown_service` when nobody says) and the metadata
/// `detected_level` (`trace debug info warn error critical fatal unknown`), where the row has no attribute
/// that is spelled so.
void name_stream(EventRow& row);

}  // namespace telltale::logs
